//! `selfsame rebuild`: makes everything that is derived anew, from the ledger.

use clap::Args;
use serde_json::json;

use super::storage::StorageArgs;
use crate::{
    audit::Database,
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
};

/// Throw away everything that is derived, and fold the ledger again. The server must be stopped; of several, all of them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame rebuild --data selfsame-data")]
pub struct RebuildArgs {
    #[command(flatten)]
    storage: StorageArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: RebuildArgs) -> Outcome {
    let database = Database::open(&args.storage.existing()?).await?;
    let total = database.ports.ledger.head().await?.frontier.size();
    let bar = progress::count("entries", total);
    let rebuilt = engine::rebuild(&database.ports, |entries| bar.set_position(entries)).await;
    bar.finish_and_clear();
    let rebuilt = rebuilt.map_err(|error| Failure::broken(error.to_string()))?;
    let answer = json!({"entries": rebuilt.entries, "rows": rebuilt.rows, "problems": rebuilt.problems});
    output::answer(context.json, &answer, |_| {
        let problems: String = rebuilt.problems.iter().map(|problem| format!("\nFOUND: {problem}")).collect();
        format!("folded {} entries into {} rows{problems}", rebuilt.entries, rebuilt.rows)
    })?;
    match rebuilt.problems.len() {
        0 => Ok(()),
        count => Err(Failure::Negative(format!("{count} manifests that the ledger names could not be read"))),
    }
}
