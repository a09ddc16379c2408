//! `selfsame mirror`: repositories that are mirrors of other registries.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    context::Context,
    elsewhere, mirrors,
    outcome::{Failure, Outcome},
    output,
};

/// Look at mirrors. A server is given them by `selfsame serve --mirrors FILE`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame mirror check mirrors.yaml")]
pub struct MirrorArgs {
    #[command(subcommand)]
    verb: MirrorVerb,
}

#[derive(Debug, Subcommand)]
enum MirrorVerb {
    /// Read the file of mirrors, and ask each upstream whether it lets us in.
    #[command(after_help = "Example:\n  selfsame mirror check mirrors.yaml")]
    Check {
        /// The file.
        file: PathBuf,
    },
}

/// A mirror, and what became of asking its upstream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    repositories: String,
    upstream: String,
    tag_age: String,
    problem: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: MirrorArgs) -> Outcome {
    let MirrorVerb::Check { file } = args.verb;
    let read = mirrors::read(&file)?;
    let client = elsewhere::client(context, 4)?;
    let mut checked = Vec::new();
    for mirror in read {
        let problem = client.ping(&mirror.host).await.err().map(|error| error.to_string());
        checked.push(Checked {
            repositories: mirror.prefix.to_string(),
            upstream: mirror.upstream(),
            tag_age: mirror.tag_age.to_string(),
            problem,
        });
    }
    output::answer(context.json, &checked, |checked| in_words(checked))?;
    match checked.iter().filter(|one| one.problem.is_some()).count() {
        0 => Ok(()),
        count => Err(Failure::broken(format!("{count} of {} upstreams do not answer as registries do", checked.len()))),
    }
}

fn in_words(checked: &[Checked]) -> String {
    let mut table = output::Table::new(["REPOSITORIES", "UPSTREAM", "TAG AGE", "ANSWERS"]);
    for Checked { repositories, upstream, tag_age, problem } in checked {
        let answers = problem.clone().unwrap_or_else(|| "yes".into());
        table.row([repositories.clone(), upstream.clone(), tag_age.clone(), answers]);
    }
    if table.is_empty() { "no mirror".into() } else { table.render() }
}
