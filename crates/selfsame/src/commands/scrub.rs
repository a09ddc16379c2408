//! `selfsame scrub`: reads every stored byte and compares it with its digest.

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

/// Read every stored blob and compare it with its digest; exit code 1 if one is damaged, which is set aside so that a push heals it. The server must be stopped.
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
}

/// Runs the verb.
pub async fn run(context: &Context, args: ScrubArgs) -> Outcome {
    let blobs = Database::open(&args.data)?.ports.blobs;
    let bar = progress::count("blobs", 0);
    let mut scrubbed = Scrubbed::default();
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
        format!("{} blobs are intact{damaged}", scrubbed.intact)
    })?;
    match scrubbed.damaged.len() {
        0 => Ok(()),
        count => {
            Err(Failure::Negative(format!("{count} blobs are damaged: push them again, or restore them from a backup")))
        }
    }
}
