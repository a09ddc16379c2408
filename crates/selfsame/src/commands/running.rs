//! `selfsame running`: reports what runs in a stage.

use api::ObservationRequest;
use clap::Args;
use domain::{Digest, StageName};

use crate::{context::Context, outcome::Outcome, output};

/// Report what runs in a stage, so that retention keeps it for a while. It takes the place of what you reported before.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame running prod sha256:9c1b... sha256:5e1f...")]
pub struct RunningArgs {
    /// The stage.
    stage: StageName,
    /// What runs there; none if nothing does.
    digests: Vec<Digest>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: RunningArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let request = ObservationRequest { digests: args.digests.into_iter().collect() };
    let receipt = client.observe(&context.key(), &project, &args.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => format!("that was reported of `{}` less than an hour ago", args.stage),
        _ => format!("{} digests run in `{}`: entry {}", request.digests.len(), args.stage, receipt.index),
    })
}
