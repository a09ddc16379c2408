//! `selfsame promote`: moves a release into a stage.

use std::time::{Duration, Instant};

use api::{Client, Decision, EventsQuery, PromotionRequest, Receipt};
use clap::Args;
use domain::{ProjectName, ReleaseId, Span, StageName, Timestamp};

use super::gate;
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
    release_name::ReleaseName,
};

/// How long one question to the server waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Move a release into a stage, if the stage's gate lets it in.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame promote latest --to staging\n  selfsame promote staging --to prod --wait=2h --reason \"release 1.4\""
)]
pub struct PromoteArgs {
    /// The release: its id, at least 6 digits of it, `latest`, or a stage that has it.
    release: ReleaseName,
    /// The stage that it shall enter.
    #[arg(long, value_name = "STAGE")]
    to: StageName,
    /// Wait until the gate opens, at most so long.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "1h")]
    wait: Option<Span>,
    /// Answer as if it were asked in earnest, and change nothing.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Why.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: PromoteArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = args.release.resolve(&client, &project).await?;
    let request = PromotionRequest { release: release.clone(), reason: args.reason, dry_run: args.dry_run };
    if args.dry_run {
        let answer = client.rehearse_promotion(&project, &args.to, &request).await?;
        return output::answer(context.json, &answer, |answer| {
            format!(
                "{}\n{} would enter `{}`; nothing was changed",
                gate::describe(&answer.decision),
                release.short(),
                args.to
            )
        });
    }
    let key = context.key();
    let begun = Instant::now();
    let receipt = loop {
        let refusal = match client.promote(&key, &project, &args.to, &request).await.map_err(Failure::from) {
            Ok(receipt) => break receipt,
            Err(failure) => failure,
        };
        let left = args
            .wait
            .map_or(Duration::ZERO, |wait| Duration::from_millis(wait.as_millis()).saturating_sub(begun.elapsed()));
        match &refusal {
            Failure::Refused(problem) if problem.code == "gate-unmet" && !left.is_zero() => {
                if !context.json {
                    output::note(&format!("waiting: {}", problem.detail));
                }
                wait(&client, &project, problem.decision.as_deref(), left).await?;
            }
            _ => return Err(refusal),
        }
    };
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| told(receipt, &release, &args.to))
}

fn told(receipt: &Receipt, release: &ReleaseId, stage: &StageName) -> String {
    match receipt.count {
        0 => format!("{} is in `{stage}` already", release.short()),
        _ => format!("{} is in `{stage}`: entry {}", release.short(), receipt.index),
    }
}

/// Waits until the gate could answer otherwise: a time that it names has come, or something happened in the project.
async fn wait(client: &Client, project: &ProjectName, decision: Option<&Decision>, left: Duration) -> Outcome {
    let by_time = decision.and_then(until_time_opens);
    if let Some(pause) = by_time {
        // The server's clock decides; a little more saves a question too early.
        tokio::time::sleep(left.min(pause + Duration::from_millis(50))).await;
        return Ok(());
    }
    let after = decision.and_then(|decision| decision.as_of.checked_sub(1));
    let patience = Span::from_millis(u64::try_from(left.min(PATIENCE).as_millis()).unwrap_or(u64::MAX));
    let query = EventsQuery { after, project: Some(project.clone()), limit: Some(1), wait: Some(patience) };
    let begun = Instant::now();
    let events = client.events(&query).await?;
    if events.items.is_empty() && begun.elapsed() < Duration::from_secs(1) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// How long until time alone opens the gate, if nothing else is missing.
fn until_time_opens(decision: &Decision) -> Option<Duration> {
    let closed =
        decision.findings.iter().filter(|finding| !matches!(finding.status, api::Status::Met | api::Status::Waived));
    let opens: Vec<Timestamp> = closed.map(|finding| finding.met_at).collect::<Option<_>>()?;
    let pause = opens.into_iter().max()?.since(decision.at);
    Some(Duration::from_millis(pause.as_millis()))
}
