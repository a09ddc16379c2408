//! `selfsame completions`: what a shell needs to complete commands.

use clap::Args;
use clap_complete::Shell;

use crate::{cli, outcome::Outcome, output};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame completions bash > /etc/bash_completion.d/selfsame")]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Runs the verb.
pub fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "selfsame", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}
