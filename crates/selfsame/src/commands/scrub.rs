//! `selfsame scrub`: reads every stored byte, and compares blobs with their digests and the database with itself.

use std::path::PathBuf;

use clap::Args;
use domain::Digest;
use serde::Serialize;

use crate::{
    audit::Database,
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
};

/// How many blobs are listed at once.
const CHUNK: usize = 1000;

/// Read every stored byte: compare each blob with its digest, and the database with itself. Exit code 1 if anything is damaged; a damaged blob
/// is set aside, so that a push heals it. The server must be stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame scrub --data selfsame-data")]
pub struct ScrubArgs {
    /// The data directory of a stopped server.
    #[arg(long, env = "SELFSAME_DATA", default_value = "selfsame-data", value_name = "DIR")]
    data: PathBuf,
}

/// What was read.
#[derive(Default, Serialize)]
struct Scrubbed {
    intact: u64,
    damaged: Vec<Digest>,
    database: Vec<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ScrubArgs) -> Outcome {
    let Database { ports, .. } = Database::open(&args.data)?;
    let blobs = ports.blobs;
    let bar = progress::count("blobs", 0);
    let mut scrubbed = Scrubbed { database: ports.ledger.contradictions().await?, ..Scrubbed::default() };
    let mut after: Option<Digest> = None;
    loop {
        let chunk = blobs.list(after.as_ref(), CHUNK).await?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.clone());
        bar.inc_length(chunk.len() as u64);
        for digest in chunk {
            match blobs.verify(&digest).await? {
                Some(true) => scrubbed.intact += 1,
                Some(false) => {
                    blobs.set_aside(&digest).await?;
                    scrubbed.damaged.push(digest);
                }
                // It was removed since it was listed.
                None => {}
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    output::answer(context.json, &scrubbed, |scrubbed| {
        let damaged: String = scrubbed
            .damaged
            .iter()
            .map(|digest| format!("\nFOUND: the blob `{digest}` is damaged and set aside in `damaged/`"))
            .collect();
        let database: String = scrubbed.database.iter().map(|line| format!("\nFOUND: the database: {line}")).collect();
        format!("{} blobs are intact{damaged}{database}", scrubbed.intact)
    })?;
    match (scrubbed.damaged.len(), scrubbed.database.len()) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::Negative(
            "the database is damaged: run `selfsame rebuild`, which keeps the entries, or restore it from a backup"
                .into(),
        )),
        (count, _) => {
            Err(Failure::Negative(format!("{count} blobs are damaged: push them again, or restore them from a backup")))
        }
    }
}
