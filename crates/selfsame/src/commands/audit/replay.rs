//! `selfsame audit replay`: decides again, offline, what a gate decided.

use clap::Args;
use serde::Serialize;

use super::{Place, believed_checkpoint, key_or_server_s};
use crate::{
    audit::{Comparison, Replayed, replay},
    commands::gate::describe,
    context::Context,
    outcome::{Failure, Outcome},
    output::{self, Table},
    progress,
};

/// Decide again what gates decided, from the ledger alone: each promotion must follow from the entries before it, to the same bytes. Exit code 1 if one does not.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit replay 42 --dir mirror/ledger --key ledger.pub\n  selfsame audit replay --dir mirror/ledger --key ledger.pub"
)]
pub struct ReplayArgs {
    /// The entries of promotions, as `history` shows them; all promotions without one.
    entries: Vec<u64>,
    #[command(flatten)]
    place: Place,
    /// The ledger's public key, or a file that holds it; the server's own word without it.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What came of it.
#[derive(Serialize)]
struct Answer {
    origin: String,
    size: u64,
    decisions: Vec<Replayed>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ReplayArgs) -> Outcome {
    let (source, context) = args.place.open(context).await?;
    let key = key_or_server_s(&source, args.key.as_deref()).await?;
    let (_, checkpoint) = believed_checkpoint(&source, &key).await?;
    let bar = progress::count("entries", checkpoint.size());
    let decisions = replay(&source, &checkpoint, &args.entries, |entries| bar.set_position(entries)).await?;
    bar.finish_and_clear();
    if let Some(other) = args.entries.iter().find(|entry| !decisions.iter().any(|found| found.entry == **entry)) {
        let text = format!("entry {other} is no promotion that the checkpoint covers");
        return Err(Failure::refused("entry-unknown", text, Some("`selfsame history` shows promotions".into())));
    }
    let answer = Answer { origin: checkpoint.origin().to_owned(), size: checkpoint.size(), decisions };
    output::answer(context.json, &answer, |answer| say(answer, !args.entries.is_empty()))?;
    match answer.decisions.iter().filter(|one| one.comparison == Comparison::Differs).count() {
        0 => Ok(()),
        differ => Err(Failure::Negative(format!("{differ} decisions do not follow from the entries before them"))),
    }
}

fn say(answer: &Answer, in_full: bool) -> String {
    let mut table = Table::new(["ENTRY", "TIME", "PROJECT", "STAGE", "RELEASE", "DECIDED AGAIN"]);
    for one in &answer.decisions {
        let comparison = match (one.comparison, &one.problem) {
            (Comparison::Same, _) => "the same bytes".to_owned(),
            (Comparison::Reworded, _) => "the same, in other words".to_owned(),
            (Comparison::Differs, problem) => format!("DIFFERS: {}", problem.as_deref().unwrap_or_default()),
        };
        let (project, stage) = (one.project.to_string(), one.stage.to_string());
        table.row([
            one.entry.to_string(),
            one.at.to_string(),
            project,
            stage,
            one.release.short().to_owned(),
            comparison,
        ]);
    }
    let mut text = table.render();
    for decision in answer.decisions.iter().filter(|_| in_full).filter_map(|one| one.decision.as_ref()) {
        text = format!("{text}\n\n{}", describe(&decision.clone().into()));
    }
    let same = answer.decisions.iter().filter(|one| one.comparison != Comparison::Differs).count();
    let all = answer.decisions.len();
    format!("{text}\n{same} of {all} decisions follow from the {} entries of ledger `{}`", answer.size, answer.origin)
}
