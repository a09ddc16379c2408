//! `selfsame health`: reports how the current release of a stage does.

use api::HealthRequest;
use clap::{Args, ValueEnum};
use domain::StageName;

use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Report how the current release of a stage does. Unhealthy time is no soak time.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame health staging unhealthy --reason \"5 % of the requests fail\"")]
pub struct HealthArgs {
    /// The stage.
    stage: StageName,
    /// How it does.
    health: Health,
    /// The release that was observed, for whoever measures all the time: a late report never blames the next one.
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleaseName>,
    /// What was seen.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Health {
    Healthy,
    Unhealthy,
}

/// Runs the verb.
pub async fn run(context: &Context, args: HealthArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let healthy = args.health == Health::Healthy;
    let release = match args.release {
        Some(name) => Some(name.resolve(&client, &project).await?),
        None => None,
    };
    let request = HealthRequest { release, healthy, reason: args.reason };
    let receipt = client.report_health(&context.key(), &project, &args.stage, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let word = if healthy { "healthy" } else { "unhealthy" };
        match receipt.count {
            0 => format!("`{}` was reported {word} already", args.stage),
            _ => format!("`{}` is {word}: entry {}", args.stage, receipt.index),
        }
    })
}
