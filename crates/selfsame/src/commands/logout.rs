//! `selfsame logout`: forgets a token.

use clap::Args;

use crate::{context::Context, credentials::Credentials, outcome::Outcome, output};

/// Forget the token of a server. It stays valid; `selfsame token revoke` ends it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame logout")]
pub struct LogoutArgs {
    /// The server; the one logged in to without it.
    url: Option<String>,
}

/// Runs the verb.
pub fn run(context: &Context, args: LogoutArgs) -> Outcome {
    let mut credentials = Credentials::load()?;
    let server = args.url.or_else(|| context.server.clone()).or_else(|| credentials.current.clone());
    let Some(server) = server.map(|url| url.trim_end_matches('/').to_owned()) else {
        return output::print("nobody was logged in");
    };
    let known = credentials.tokens.remove(&server).is_some();
    if credentials.current.as_ref() == Some(&server) {
        credentials.current = None;
    }
    if !known {
        return output::print(&format!("nobody was logged in to {server}"));
    }
    credentials.store()?;
    output::print(&format!("logged out of {server}"))
}
