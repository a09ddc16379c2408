//! `selfsame ready`: whether a server does its work.

use clap::Args;

use crate::{context::Context, outcome::Outcome, output};

/// Ask a server whether it takes commands; exit code 2 if it does not. It needs no token.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame ready --server http://127.0.0.1:8420")]
pub struct ReadyArgs {}

/// Runs the verb.
pub async fn run(context: &Context, ReadyArgs {}: ReadyArgs) -> Outcome {
    let (server, _) = context.server_and_token()?;
    let ready = api::Client::new(&server, None)?.ready().await?;
    output::answer(context.json, &ready, |ready| {
        let api::Ready { as_of, published, damaged, .. } = ready;
        format!("{server} takes commands; {as_of} entries, {published} of them published; {damaged} blobs are damaged")
    })
}
