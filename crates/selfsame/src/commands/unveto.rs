//! `selfsame unveto`: lifts a veto.

use clap::Args;
use domain::StageName;

use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Lift a veto.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame unveto 3f2a01 --stage prod --reason \"prices are right\"")]
pub struct UnvetoArgs {
    /// The release: its id, at least 6 digits of it, `latest`, or a stage that has it.
    release: ReleaseName,
    /// The stage.
    #[arg(long)]
    stage: StageName,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: UnvetoArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = args.release.resolve(&client, &project).await?;
    let receipt = client.unveto(&context.key(), &project, &args.stage, &release, &args.reason).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        format!("{} may enter `{}` again: entry {}", release.short(), args.stage, receipt.index)
    })
}
