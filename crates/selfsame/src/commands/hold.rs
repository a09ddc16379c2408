//! `selfsame hold`: nobody may use a digest.

use api::HoldRequest;
use clap::Args;
use domain::Digest;

use crate::{context::Context, outcome::Outcome, output};

/// Hold a digest: nobody may promote or pull it. Everywhere, unless --project names one project.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame hold sha256:9c1b... --reason \"malware\"")]
pub struct HoldArgs {
    /// An artifact, a configuration or a release.
    digest: Digest,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: HoldArgs) -> Outcome {
    let client = context.client()?;
    let request = HoldRequest { digest: args.digest.clone(), project: context.project.clone(), reason: args.reason };
    let receipt = client.hold(&context.key(), &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let place = context.project.as_ref().map_or("everywhere".into(), |project| format!("in project `{project}`"));
        match receipt.count {
            0 => format!("{} was held {place} already", args.digest),
            _ => format!("{} is held {place}: entry {}", args.digest, receipt.index),
        }
    })
}
