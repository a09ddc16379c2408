//! `selfsame approve`: says yes to a release for a stage.

use api::{ApprovalRequest, GateQuery};
use clap::Args;
use domain::{Digest, StageName};

use super::gate;
use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Say yes to a release for a stage. Only people can, and never for what they promote themselves.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame gate check latest --to prod\n  selfsame approve latest --for prod --comment \"tried it\""
)]
pub struct ApproveArgs {
    /// The release: its id, at least 6 digits of it, `latest`, or a stage that has it.
    release: ReleaseName,
    /// The stage.
    #[arg(long = "for", value_name = "STAGE")]
    stage: StageName,
    /// What you say.
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    /// The digest of the gate that you saw; that of the gate as it is now, which is shown, without it.
    #[arg(long, value_name = "DIGEST")]
    gate: Option<Digest>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ApproveArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = args.release.resolve(&client, &project).await?;
    let gate = match args.gate {
        Some(gate) => gate,
        None => {
            let query = GateQuery { release: release.digest().to_string(), ..GateQuery::default() };
            let answer = client.gate(&project, &args.stage, &query).await?;
            if !context.json {
                output::note(&gate::outline(&answer.decision));
            }
            answer.decision.gate
        }
    };
    let request = ApprovalRequest { release: release.clone(), gate: Some(gate), comment: args.comment };
    let receipt = client.approve(&context.key(), &project, &args.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => format!("{} was approved for `{}` by you already", release.short(), args.stage),
        _ => format!("{} is approved for `{}`: entry {}", release.short(), args.stage, receipt.index),
    })
}
