//! `selfsame veto`: never lets a release into a stage.

use api::VetoRequest;
use clap::Args;
use domain::StageName;

use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Never let a release into a stage.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame veto 3f2a01 --stage prod --reason \"prices are wrong\"")]
pub struct VetoArgs {
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
pub async fn run(context: &Context, args: VetoArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = args.release.resolve(&client, &project).await?;
    let request = VetoRequest { release: release.clone(), reason: args.reason };
    let receipt = client.veto(&context.key(), &project, &args.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => format!("{} was vetoed for `{}` already", release.short(), args.stage),
        _ => format!("{} never enters `{}`: entry {}", release.short(), args.stage, receipt.index),
    })
}
