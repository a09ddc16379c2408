//! `selfsame rollback`: puts an earlier release of a stage back.

use api::RollbackRequest;
use clap::Args;
use domain::StageName;

use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Put an earlier release of a stage back: the previous good one, unless you name another.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame rollback prod --reason \"checkout fails\"")]
pub struct RollbackArgs {
    /// The stage.
    stage: StageName,
    /// To this release, which the stage must have had.
    #[arg(long, value_name = "RELEASE")]
    to: Option<ReleaseName>,
    /// From this release, the one that you saw in trouble: refused if somebody has acted meanwhile.
    #[arg(long, value_name = "RELEASE")]
    from: Option<ReleaseName>,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: RollbackArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let (mut from, mut to) = (None, None);
    for (named, release) in [(args.from, &mut from), (args.to, &mut to)] {
        if let Some(name) = named {
            *release = Some(name.resolve(&client, &project).await?);
        }
    }
    let request = RollbackRequest { from, to, reason: args.reason };
    let receipt = client.roll_back(&context.key(), &project, &args.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let release =
            receipt.events.first().and_then(|event| event["release"].as_str()).unwrap_or("its earlier release");
        format!("`{}` is back on {release}: entry {}", args.stage, receipt.index)
    })
}
