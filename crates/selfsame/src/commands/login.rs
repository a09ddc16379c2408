//! `selfsame login`: keeps a token for a server.

use std::io::{self, BufRead, Read};

use api::Client;
use clap::Args;

use crate::{
    context::{Context, token},
    credentials::Credentials,
    outcome::{Failure, Outcome},
    output,
};

/// How many bytes a token has at most.
const TOKEN_BYTES_MAX: u64 = 1024;

/// Keep a token for a server, after trying it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame login https://selfsame.example --token-stdin < token")]
pub struct LoginArgs {
    /// The address of the server.
    url: String,
    /// Read the token from standard input. (--token-file reads it from a file; else it is asked for.)
    #[arg(long)]
    token_stdin: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: LoginArgs) -> Outcome {
    let secret = read_token(context, args.token_stdin)?;
    let url = args.url.trim_end_matches('/').to_owned();
    let who = Client::new(&url, Some(secret.clone()))?.whoami().await?;
    let mut credentials = Credentials::load()?;
    credentials.tokens.insert(url.clone(), secret);
    credentials.current = Some(url.clone());
    let file = credentials.store()?;
    output::answer(context.json, &who, |who| {
        let grants: Vec<_> = who.grants.iter().map(ToString::to_string).collect();
        format!(
            "logged in to {url} as {} ({}) until {}\nkept in {}",
            who.party,
            grants.join(", "),
            who.expires,
            file.display()
        )
    })
}

fn read_token(context: &Context, from_stdin: bool) -> Outcome<String> {
    let text = if from_stdin {
        let mut text = String::new();
        let read = io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| Failure::broken(format!("standard input: {error}")))?;
        text
    } else if let Some(file) = &context.token_file {
        std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?
    } else if output::is_interactive() {
        ask()?
    } else {
        return Err(Failure::usage(
            "nobody is here to be asked for the token",
            "give it with --token-stdin or --token-file",
        ));
    };
    token(&text)
}

/// Asks for the token, without showing what is typed.
fn ask() -> Outcome<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    eprint!("Token: ");
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok();
    if let Some(shown) = &before {
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(&stdin, OptionalActions::Now, &hidden);
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(shown) = &before {
        let _ = tcsetattr(&stdin, OptionalActions::Now, shown);
        eprintln!();
    }
    read.map_err(|error| Failure::broken(format!("standard input: {error}")))?;
    Ok(line)
}
