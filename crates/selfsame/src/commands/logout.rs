//! `selfsame logout`: forgets a token.

use clap::Args;
use serde::Serialize;

use crate::{context::Context, credentials::Credentials, outcome::Outcome, output};

/// Forget the token of a server. It stays valid; `selfsame token revoke` ends it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame logout")]
pub struct LogoutArgs {
    /// The server; the one logged in to without it.
    url: Option<String>,
}

/// What was forgotten.
#[derive(Serialize)]
struct LoggedOut {
    /// The server; `None` if nobody was logged in anywhere.
    server: Option<String>,
    /// Whether there was a token to forget.
    known: bool,
}

/// Runs the verb.
pub fn run(context: &Context, args: LogoutArgs) -> Outcome {
    let mut credentials = Credentials::load()?;
    let server = args.url.or_else(|| context.server.clone()).or_else(|| credentials.current.clone());
    let server = server.map(|url| url.trim_end_matches('/').to_owned());
    let known = server.as_ref().is_some_and(|server| credentials.tokens.remove(server).is_some());
    if known {
        credentials.current = credentials.current.filter(|current| Some(current) != server.as_ref());
        credentials.store()?;
    }
    output::answer(context.json, &LoggedOut { server, known }, |LoggedOut { server, known }| match server {
        None => "nobody was logged in".into(),
        Some(server) if *known => format!("logged out of {server}"),
        Some(server) => format!("nobody was logged in to {server}"),
    })
}
