//! `selfsame unhold`: ends a hold.

use clap::Args;
use domain::Digest;

use crate::{context::Context, outcome::Outcome, output};

/// End a hold. Name the project with --project if the hold is of one project.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame unhold sha256:9c1b... --reason \"a false alarm\"")]
pub struct UnholdArgs {
    /// The digest that is held.
    digest: Digest,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: UnholdArgs) -> Outcome {
    let client = context.client()?;
    let receipt = client.unhold(&context.key(), &args.digest, context.project.as_ref(), &args.reason).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| format!("{} is let go: entry {}", args.digest, receipt.index))
}
