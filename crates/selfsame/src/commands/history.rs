//! `selfsame history`: what each stage has had.

use api::{HistoryQuery, Page, Transition};
use clap::Args;
use domain::{StageName, Timestamp};

use crate::{
    context::Context,
    outcome::Outcome,
    output::{self, Table},
};

/// Show what the stages have had, the latest first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame history prod\n  selfsame history --at 2026-11-24T09:30:00Z")]
pub struct HistoryArgs {
    /// Of this stage only.
    stage: Option<StageName>,
    /// Only what was current at this time.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How many lines at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where an earlier answer ended: its `next`.
    #[arg(long)]
    cursor: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: HistoryArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let query = HistoryQuery { stage: args.stage, at: args.at, cursor: args.cursor, limit: Some(args.limit) };
    let page = client.history(&project, &query).await?;
    output::answer(context.json, &page, describe)?;
    if let (false, Some(next)) = (context.json, &page.next) {
        output::hint(&format!("there is more: --cursor {next}"));
    }
    Ok(())
}

fn describe(page: &Page<Transition>) -> String {
    let mut table = Table::new(["ENTRY", "TIME", "STAGE", "RELEASE", "HOW", "BY", "REASON"]);
    for one in &page.items {
        let how = if one.rolled_back { "rolled back to" } else { "promoted" };
        table.row([
            one.index.to_string(),
            one.at.to_string(),
            one.stage.to_string(),
            one.release.short().to_owned(),
            format!("{how}{}", if one.unsettled { ", not delivered everywhere" } else { "" }),
            one.by.to_string(),
            one.reason.clone(),
        ]);
    }
    if table.is_empty() { "nothing yet".into() } else { table.render() }
}
