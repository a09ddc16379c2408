//! `selfsame scrub`: reads every stored byte, and compares blobs with their digests and the database with itself.

use std::fmt::Write;

use clap::Args;
use domain::Digest;
use engine::Ports;
use serde::Serialize;

use super::storage::StorageArgs;
use crate::{
    audit::Database,
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
    scrub::{Damage, Found, Pace, Place, RepairOptions, check, repair},
};

/// How many blobs are listed at once.
const CHUNK: usize = 1000;

/// Read every stored byte: compare each blob with its digest, and the database with itself. Exit code 1 if anything is damaged; a damaged blob
/// is repaired from --repair-from or else set aside, so that a push heals it. The server must be stopped; a running one does the same in the
/// background, and --status tells how far it is.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame scrub --data selfsame-data --repair-from /backup/selfsame-data\n  selfsame scrub --status"
)]
pub struct ScrubArgs {
    #[command(flatten)]
    storage: StorageArgs,
    /// Ask the running server how far it is, and what it found. Exit code 1 if anything is damaged.
    #[arg(long)]
    status: bool,
    #[command(flatten)]
    repair: RepairOptions,
}

/// What was read.
#[derive(Default, Serialize)]
struct Scrubbed {
    intact: u64,
    repaired: Vec<Digest>,
    damaged: Vec<Digest>,
    database: Vec<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ScrubArgs) -> Outcome {
    if args.status {
        return status(context).await;
    }
    let Database { ports, .. } = Database::open(&args.storage.existing()?).await?;
    let mut scrubbed = Scrubbed { database: ports.ledger.contradictions().await?, ..Scrubbed::default() };
    read(&ports, &args, &mut scrubbed).await?;
    output::answer(context.json, &scrubbed, |scrubbed| {
        let told = |digests: &[Digest], what: &str| {
            digests
                .iter()
                .map(|digest| format!("\nFOUND: the blob `{digest}` is damaged and {what}"))
                .collect::<String>()
        };
        let repaired = told(&scrubbed.repaired, "repaired");
        let damaged = told(&scrubbed.damaged, "set aside in `damaged/`");
        let database: String = scrubbed.database.iter().map(|line| format!("\nFOUND: the database: {line}")).collect();
        format!("{} blobs are intact{repaired}{damaged}{database}", scrubbed.intact)
    })?;
    conclude(scrubbed.damaged.len(), scrubbed.database.len())
}

async fn read(ports: &Ports, args: &ScrubArgs, scrubbed: &mut Scrubbed) -> Outcome {
    let fetcher = args.repair.fetcher()?;
    let (bar, mut pace) = (progress::count("blobs", 0), Pace::unbounded());
    let mut after: Option<Digest> = None;
    loop {
        let chunk = ports.blobs.list(after.as_ref(), CHUNK).await?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.clone());
        bar.inc_length(chunk.len() as u64);
        for digest in chunk {
            match check(ports, &digest, &mut pace).await? {
                Found::Intact(_) => scrubbed.intact += 1,
                Found::Damaged if repair(ports, &fetcher, &args.repair.repair_from, &digest).await?.is_some() => {
                    scrubbed.repaired.push(digest);
                }
                Found::Damaged => {
                    ports.blobs.set_aside(&digest).await?;
                    scrubbed.damaged.push(digest);
                }
                // It was removed since it was listed.
                Found::Gone => {}
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    // The server holds what it finds here, and lets it go once it is back.
    if !scrubbed.damaged.is_empty() {
        let mut place = Place::load(&args.storage.data);
        for digest in &scrubbed.damaged {
            place.damaged.entry(digest.clone()).or_insert(Damage { found: None, held: false });
        }
        place.save(&args.storage.data);
    }
    Ok(())
}

async fn status(context: &Context) -> Outcome {
    let scrub = context.client()?.scrub().await?;
    output::answer(context.json, &scrub, describe)?;
    conclude(scrub.damaged.len(), scrub.database.len() + scrub.ledger.len())
}

fn conclude(blobs: usize, others: usize) -> Outcome {
    match (blobs, others) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::Negative(
            "the database or the published ledger is damaged: run `selfsame rebuild`, which keeps the entries, or restore it from a backup"
                .into(),
        )),
        (count, _) => {
            Err(Failure::Negative(format!("{count} blobs are damaged: push them again, or restore them from a backup")))
        }
    }
}

fn describe(scrub: &api::Scrub) -> String {
    let mut text = match (scrub.bytes_per_second, &scrub.at) {
        (0, _) => "the server does not read in the background what it stores".to_owned(),
        (rate, Some(at)) => format!("reading at {} a second, at {at}", output::bytes(rate)),
        (_, None) => "between two rounds".to_owned(),
    };
    let ended =
        scrub.ended.map_or("no round has ended yet".to_owned(), |ended| format!("the last round ended at {ended}"));
    let (rounds, blobs, bytes) = (scrub.rounds, scrub.blobs, output::bytes(scrub.bytes));
    let _ =
        write!(text, "\n  rounds: {rounds}; {ended}\n  intact: {blobs} blobs, {bytes}\n  repaired: {}", scrub.repaired);
    for one in &scrub.damaged {
        let held = if one.held { ", held" } else { "" };
        let _ = write!(text, "\nFOUND: the blob `{}` is damaged and set aside in `damaged/`{held}", one.digest);
    }
    for digest in &scrub.unread {
        let _ = write!(text, "\nFOUND: the blob `{digest}` could not be read: see the server's log");
    }
    for file in &scrub.ledger {
        let _ = write!(text, "\nFOUND: the published file `{file}` does not lead to what was signed");
    }
    for line in &scrub.database {
        let _ = write!(text, "\nFOUND: the database: {line}");
    }
    text
}
