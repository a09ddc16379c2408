//! `selfsame audit verify`: the whole ledger, from nothing but its files and its public key.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use tlog::{VerifiedCheckpoint, VerifierKey};

use super::{Place, read_checkpoint, read_key};
use crate::{
    audit::{self, Compared, Database, Earlier, Finding, Looked, Report, Shown, Source, Stops, Walked},
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
};

/// How often the checkpoint is asked for until it covers what the server shows.
const TRIES: usize = 60;
/// How long between.
const PAUSE: Duration = Duration::from_millis(500);

/// Check every hash, every entry, the state that is shown and every blob that is named. Exit code 1 if anything does not fit.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit verify --url https://selfsame.example --key ledger.pub\n  selfsame audit verify --dir data/ledger --key data/keys/ledger.pub --data data"
)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// The ledger's public key, or a file that holds it. Take it from a place that you trust.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The data directory of a stopped server: compare its database and its blobs, too.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// An earlier checkpoint (a file), or an earlier copy of the whole ledger (a folder): the ledger must begin with it.
    #[arg(long, value_name = "PATH")]
    since: Option<PathBuf>,
}

/// What the entries are compared with.
struct Against {
    database: Option<Database>,
    shown: Result<Shown, String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: VerifyArgs) -> Outcome {
    let key = read_key(&args.key)?;
    let earlier = match &args.since {
        Some(path) => Some(Earlier::read(path, &key).await?),
        None => None,
    };
    let (source, context) = args.place.open(context)?;
    let database = args.data.as_deref().map(Database::open).transpose()?;
    let shown = match (&database, &source) {
        (Some(database), _) => Ok(database.shown().await?),
        (None, Source::Server(client)) => Shown::of_server(client).await?,
        (None, Source::Directory(_)) => Err("give --data or --url for that".into()),
    };
    let report = match checkpoint_for(&source, &key, shown.as_ref().ok().filter(|_| database.is_none())).await? {
        Ok(checkpoint) => verify(&context, &source, &checkpoint, &key, Against { database, shown }, earlier).await?,
        Err(problem) => not_believed(&key, problem),
    };
    output::answer(context.json, &report, Report::describe)?;
    match report.findings.len() {
        0 => Ok(()),
        count => Err(Failure::Negative(format!("the audit found {count} things that do not fit"))),
    }
}

/// The newest checkpoint; one that covers what the server shows, which is published a moment later.
async fn checkpoint_for(
    source: &Source,
    key: &VerifierKey,
    shown: Option<&Shown>,
) -> Outcome<Result<VerifiedCheckpoint, String>> {
    for _ in 0..TRIES {
        let (_, opened) = read_checkpoint(source, key).await?;
        match opened {
            Ok(checkpoint) if shown.is_some_and(|shown| shown.size > checkpoint.size()) => {
                tokio::time::sleep(PAUSE).await
            }
            opened => return Ok(opened),
        }
    }
    Err(Failure::broken("the server does not publish what it shows: its checkpoint stays behind"))
}

async fn verify(
    context: &Context,
    source: &Source,
    checkpoint: &VerifiedCheckpoint,
    key: &VerifierKey,
    against: Against,
    earlier: Option<Earlier>,
) -> Outcome<Report> {
    let Against { database, shown } = against;
    let stops = Stops {
        rows: shown.as_ref().ok().map(|shown| shown.size),
        earlier: earlier.as_ref().map(|earlier| earlier.checkpoint.size()),
    };
    let bar = progress::count("entries", checkpoint.size());
    let mut walked = audit::walk(source, checkpoint, stops, |entries| bar.set_position(entries)).await?;
    bar.finish_and_clear();
    let root = walked.earlier_root;
    if let Some(earlier) = &earlier {
        earlier.compare(checkpoint.size(), root, source, &mut walked.findings).await?;
    }
    let mut looked = Looked::default();
    let mut state =
        shown.as_ref().map_or_else(|why| Compared::Not(why.clone()), |shown| Compared::Rows(shown.rows.len()));
    if walked.findings.is_empty() {
        if let Some(database) = &database {
            walked.go_on(database, checkpoint.origin()).await?;
        }
        if let (Ok(shown), Some(rows)) = (&shown, &walked.rows) {
            shown.compare(rows, &mut walked.findings);
        }
        looked = look_at_blobs(context, source, database.as_ref(), &mut walked).await?;
    } else {
        state = Compared::Not("the entries are not what was signed".into());
        looked.unchecked = walked.fold.blobs.len() as u64;
    }
    Ok(Report {
        sound: walked.findings.is_empty(),
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root: checkpoint.root().to_base64(),
        key: key.to_string(),
        state,
        blobs_intact: looked.intact,
        blobs_unchecked: looked.unchecked,
        since: earlier.map(|earlier| earlier.checkpoint.size()),
        findings: walked.findings,
    })
}

async fn look_at_blobs(
    context: &Context,
    source: &Source,
    database: Option<&Database>,
    walked: &mut Walked,
) -> Outcome<Looked> {
    let Walked { fold, findings, .. } = walked;
    match (database, source) {
        (Some(database), _) => fold.blobs.look_in(&*database.ports.blobs, findings).await,
        (None, Source::Server(_)) => fold.blobs.look_at(context, findings).await,
        (None, Source::Directory(_)) => Ok(Looked { intact: 0, unchecked: fold.blobs.len() as u64 }),
    }
}

fn not_believed(key: &VerifierKey, problem: String) -> Report {
    Report {
        sound: false,
        origin: key.name().to_string(),
        size: 0,
        root: String::new(),
        key: key.to_string(),
        state: Compared::Not("there is no checkpoint to compare with".into()),
        blobs_intact: 0,
        blobs_unchecked: 0,
        since: None,
        findings: vec![Finding::Checkpoint { problem }],
    }
}
