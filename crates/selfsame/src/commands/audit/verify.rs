//! `selfsame audit verify`: the whole ledger, from nothing but its files and its public key.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use tlog::{VerifiedCheckpoint, VerifierKey};

use super::{super::storage::Elsewhere, Place, read_checkpoint, read_key};
use crate::{
    audit::{
        self, BLOBS, Conclusion, Database, Earlier, Finding, Looked, NotChecked, Report, STATE, Shelf, Shown, Source,
        Stops, Walked,
    },
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
};

/// How often the checkpoint is asked for until it covers what the server shows.
const TRIES: usize = 60;
/// How long between.
const PAUSE: Duration = Duration::from_millis(500);

/// What is checked where, and what the exit code says.
const RULE: &str = "\
What is checked:
  --dir DIR    every hash, every entry, the checkpoint; and all blobs, if `blobs` lies beside DIR
  --data DIR   that, the rows and the entries in the database, and all blobs; the server must be stopped. --database and --objects say
               what of it is elsewhere
  --url URL    of a server: every hash, every entry, the checkpoint, the state that it shows, and all blobs that it hands out;
               the token must be one that may read everything. Of a static copy of a ledger folder: as --dir, without blobs

Exit code 0: all of that was checked and fits. 1: something does not fit. 2: nothing was found, but something could not be checked.
The report says what was not checked, and why.

Example:
  selfsame audit verify --url https://selfsame.example --key ledger.pub
  selfsame audit verify --data data --key data/keys/ledger.pub
  selfsame audit verify --dir mirror/ledger --key ledger.pub --since last-year.checkpoint";

/// Check every hash, every entry, the state that is shown and every blob that is named, with all that manifests are made of.
#[derive(Debug, Args)]
#[command(after_help = RULE)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// The ledger's public key, or a file that holds it. Take it from a place that you trust.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The data directory of a stopped server: compare its database and its blobs, too.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    /// An earlier checkpoint (a file), or an earlier copy of the whole ledger (a folder): the ledger must begin with it.
    #[arg(long, value_name = "PATH")]
    since: Option<PathBuf>,
}

/// What the entries are compared with.
struct Against {
    database: Option<Database>,
    shown: Result<Shown, NotChecked>,
    shelf: Result<Shelf, NotChecked>,
    earlier: Option<Earlier>,
    /// What was found on the way here.
    findings: Vec<Finding>,
}

/// Runs the verb.
pub async fn run(context: &Context, mut args: VerifyArgs) -> Outcome {
    let key = read_key(&args.key)?;
    let earlier = match &args.since {
        Some(path) => Some(Earlier::read(path, &key).await?),
        None => None,
    };
    let database = match &args.data {
        Some(data) => Some(Database::open(&args.elsewhere.existing(data)?).await?),
        None => None,
    };
    let stored = database.as_ref().filter(|database| database.is_elsewhere);
    let (source, context) = match stored.filter(|_| args.place.url.is_none() && args.place.dir.is_none()) {
        Some(database) => (Source::Stored(database.ports.tiles.clone()), context.clone()),
        None => {
            if args.place.url.is_none() && args.place.dir.is_none() {
                args.place.dir = args.data.as_ref().map(|data| data.join("ledger"));
            }
            args.place.open(context).await?
        }
    };
    let against = Against::gather(&context, &source, (args.data.as_deref(), database), earlier).await?;
    let wanted = against.shown.as_ref().ok().filter(|_| against.database.is_none()).map(|shown| shown.size);
    let report = match checkpoint_for(&source, &key, wanted).await? {
        Ok(checkpoint) => verify(&source, &checkpoint, &key, against).await?,
        Err(problem) => not_believed(&key, problem),
    };
    output::answer(context.json, &report, Report::describe)?;
    match report.conclusion {
        Conclusion::Sound => Ok(()),
        Conclusion::Incomplete => Err(Failure::broken("not everything that was asked for could be checked")),
        Conclusion::Unsound => {
            Err(Failure::Negative(format!("the audit found {} things that do not fit", report.findings.len())))
        }
    }
}

impl Against {
    async fn gather(
        context: &Context,
        source: &Source,
        (data, database): (Option<&Path>, Option<Database>),
        earlier: Option<Earlier>,
    ) -> Outcome<Self> {
        let mut findings = Vec::new();
        let shown = match (&database, source) {
            (Some(database), _) => database.shown().await.map_err(|trouble| {
                findings.push(Finding::Database { problem: trouble.to_string() });
                NotChecked::asked(STATE, "the database cannot be read")
            }),
            (None, Source::Server(client)) => {
                Shown::of_server(client).await?.map_err(|why| NotChecked::asked(STATE, why))
            }
            (None, Source::Directory(_) | Source::Stored(_)) => {
                Err(NotChecked::unasked(STATE, "published files do not show it: give --data or --url for that"))
            }
            (None, Source::Mirror(_)) => Err(NotChecked::unasked(
                STATE,
                "a static copy does not show it: give --data, or the address of the server, for that",
            )),
        };
        let shelf = match (data, source) {
            (Some(data), _) => Ok(match database.as_ref().filter(|database| database.objects.is_some()) {
                Some(database) => Shelf::Stored(database.ports.blobs.clone()),
                None => Shelf::Files(data.to_owned()),
            }),
            (None, Source::Server(_)) => Ok(Shelf::Server(Box::new(context.clone()))),
            (None, Source::Directory(folder)) if folder.join("../blobs").is_dir() => {
                Ok(Shelf::Files(folder.join("..")))
            }
            (None, Source::Directory(_) | Source::Stored(_)) => {
                Err(NotChecked::unasked(BLOBS, "there is no folder `blobs` beside the ledger: give --data or --url"))
            }
            (None, Source::Mirror(_)) => Err(NotChecked::unasked(
                BLOBS,
                "a static copy has none: give --data, or the address of the server, for that",
            )),
        };
        Ok(Self { database, shown, shelf, earlier, findings })
    }
}

/// The newest checkpoint; one that covers what the server shows, `wanted` entries, and is published a moment later.
async fn checkpoint_for(
    source: &Source,
    key: &VerifierKey,
    wanted: Option<u64>,
) -> Outcome<Result<VerifiedCheckpoint, String>> {
    for _ in 0..TRIES {
        let (_, opened) = read_checkpoint(source, key).await?;
        match opened {
            Ok(checkpoint) if wanted.is_some_and(|wanted| wanted > checkpoint.size()) => {
                tokio::time::sleep(PAUSE).await
            }
            opened => return Ok(opened),
        }
    }
    Err(Failure::broken("the server does not publish what it shows: its checkpoint stays behind"))
}

async fn verify(
    source: &Source,
    checkpoint: &VerifiedCheckpoint,
    key: &VerifierKey,
    against: Against,
) -> Outcome<Report> {
    let Against { database, shown, shelf, earlier, findings } = against;
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
    let mut report = Report {
        conclusion: Conclusion::Unsound,
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root: checkpoint.root().to_base64(),
        key: key.to_string(),
        rows: None,
        database: None,
        blobs_intact: 0,
        not_checked: Vec::new(),
        since: earlier.map(|earlier| earlier.checkpoint.size()),
        findings: Vec::new(),
    };
    let follows = walked.findings.is_empty();
    walked.findings.extend(findings);
    if let Some(database) = database.as_ref().filter(|_| follows) {
        report.database = Some(database.compare(source, checkpoint.size(), &mut walked.findings).await?);
        walked.go_on(database, checkpoint.origin()).await;
        let contradictions = database.ports.ledger.contradictions().await;
        let problems = contradictions.unwrap_or_else(|trouble| vec![trouble.to_string()]);
        walked.findings.extend(problems.into_iter().map(|problem| Finding::Database { problem }));
    }
    let differ = || "the entries are not what was signed";
    match (shown, &walked.rows) {
        (Ok(shown), Some(rows)) if follows => {
            shown.compare(rows, &mut walked.findings);
            report.rows = Some(shown.rows.len() as u64);
        }
        (Ok(_), _) => report.not_checked.push(NotChecked::asked(STATE, differ())),
        (Err(why), _) => report.not_checked.push(why),
    }
    match shelf {
        Ok(shelf) if follows => {
            let Looked { intact, not_checked } = look(&shelf, &mut walked).await?;
            report.blobs_intact = intact;
            report.not_checked.extend(not_checked);
        }
        Ok(_) => report.not_checked.push(NotChecked::asked(BLOBS, differ())),
        Err(why) => report.not_checked.push(why),
    }
    report.conclusion = Conclusion::of(&walked.findings, &report.not_checked);
    report.findings = walked.findings;
    Ok(report)
}

async fn look(shelf: &Shelf, walked: &mut Walked) -> Outcome<Looked> {
    let Walked { fold, findings, .. } = walked;
    let bar = progress::count("blobs", fold.blobs.len() as u64);
    let looked = fold.blobs.look(shelf, |blobs| bar.set_position(blobs), findings).await;
    bar.finish_and_clear();
    looked
}

fn not_believed(key: &VerifierKey, problem: String) -> Report {
    let why = "there is no checkpoint to compare with";
    Report {
        conclusion: Conclusion::Unsound,
        origin: key.name().to_string(),
        size: 0,
        root: String::new(),
        key: key.to_string(),
        rows: None,
        database: None,
        blobs_intact: 0,
        not_checked: [STATE, BLOBS].map(|what| NotChecked::asked(what, why)).into(),
        since: None,
        findings: vec![Finding::Checkpoint { problem }],
    }
}
