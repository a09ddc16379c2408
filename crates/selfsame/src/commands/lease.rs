//! `selfsame lease` and `selfsame unlease`: claims on digests that end by themselves.

use api::{LeaseRequest, UnleaseQuery};
use clap::Args;
use domain::{Digest, Party, Span, StageName};

use crate::{context::Context, outcome::Outcome, output};

/// Claim a digest for a while: until then it does not go, and stays pullable.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame lease sha256:9c1b... --for 2h --stage prod --reason \"delivery 17\"")]
pub struct LeaseArgs {
    /// What to claim.
    digest: Digest,
    /// For how long, 30 days at most. Asking again makes it longer.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Span,
    /// The stage whose tokens may pull it for as long, whatever the stage has by then.
    #[arg(long)]
    stage: Option<StageName>,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// End a lease before its time.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame unlease sha256:9c1b...")]
pub struct UnleaseArgs {
    /// What is leased.
    digest: Digest,
    /// Whose leases of it end, if not your own.
    #[arg(long)]
    party: Option<Party>,
}

/// Runs `lease`.
pub async fn lease(context: &Context, args: LeaseArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let LeaseArgs { digest, lasts, stage, reason } = args;
    let request = LeaseRequest { digest: digest.clone(), stage, lasts, reason };
    let receipt = client.lease(&context.key(), &project, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => format!("{digest} is leased for as long already"),
        _ => format!("{digest} is leased for {lasts}: entry {}", receipt.index),
    })
}

/// Runs `unlease`.
pub async fn unlease(context: &Context, UnleaseArgs { digest, party }: UnleaseArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let receipt = client.unlease(&context.key(), &project, &digest, &UnleaseQuery { party }).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| format!("{digest} is leased no longer: entry {}", receipt.index))
}
