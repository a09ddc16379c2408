//! `selfsame gate check`: asks a gate, and explains each requirement.

use std::fmt::Write;

use api::{Decision, Finding, GateAnswer, GateQuery, Status};
use clap::{Args, Subcommand};
use domain::{Party, StageName, Timestamp};

use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
    release_name::ReleaseName,
};

/// Ask a gate.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame gate check latest --to prod")]
pub struct GateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Check(CheckArgs),
}

/// Explain what lets a release into a stage and what keeps it out; exit code 1 if the gate is closed.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame gate check latest --to prod\n  selfsame gate check 3f2a01 --to prod --at 2026-11-24T09:30:00Z"
)]
struct CheckArgs {
    /// The release: its id, at least 6 digits of it, `latest`, or a stage that has it.
    release: ReleaseName,
    /// The stage that it would enter.
    #[arg(long, value_name = "STAGE")]
    to: StageName,
    /// At this time, gone by or to come; now without it.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// As if this party asked: whose own approval does not count.
    #[arg(long = "as", value_name = "PARTY")]
    asker: Option<Party>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: GateArgs) -> Outcome {
    let What::Check(args) = args.what;
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = args.release.resolve(&client, &project).await?;
    let query = GateQuery { release: release.digest().to_string(), at: args.at, asker: args.asker };
    let answer = client.gate(&project, &args.to, &query).await?;
    output::answer(context.json, &answer, whole)?;
    if answer.lets_in {
        return Ok(());
    }
    let first_step = answer
        .decision
        .findings
        .iter()
        .filter(|finding| !open(finding.status))
        .find_map(|finding| finding.next_step.clone());
    let text = format!("`{}` stays closed for {}", args.to, release.short());
    Err(Failure::refused("gate-unmet", text, first_step))
}

fn whole(answer: &GateAnswer) -> String {
    let mut text = describe(&answer.decision);
    let _ = write!(text, "\nstanding: {}", answer.standing);
    if let Some(at) = answer.opens_at {
        let _ = write!(text, "\ntime alone opens it: {at}");
    }
    text
}

fn open(status: Status) -> bool {
    matches!(status, Status::Met | Status::Waived)
}

/// Every requirement with a mark, the reason and the next step.
pub fn describe(decision: &Decision) -> String {
    let lines = decision.findings.iter().map(|finding| match &finding.next_step {
        Some(step) if !open(finding.status) => format!("{}\n           next: {step}", line(finding)),
        _ => line(finding),
    });
    heading(decision) + &lines.collect::<String>()
}

/// Every requirement with a mark and the reason, for somebody who is taking the next step just now.
pub fn outline(decision: &Decision) -> String {
    heading(decision) + &decision.findings.iter().map(line).collect::<String>()
}

fn heading(Decision { project, stage, release, at, .. }: &Decision) -> String {
    format!("{} into `{stage}` of `{project}` at {at}", release.short())
}

fn line(finding: &Finding) -> String {
    let mark = match finding.status {
        Status::Met => "met    ",
        Status::Waived => "waived ",
        Status::Unmet => "UNMET  ",
        Status::Unknown => "UNKNOWN",
    };
    format!("\n  {mark}  {}: {}", finding.requirement, finding.because)
}
