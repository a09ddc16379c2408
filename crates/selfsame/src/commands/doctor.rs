//! `selfsame doctor`: looks whether a stopped server's data is fit to serve from.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use tlog::{Checkpoint, VerifierKey};

use crate::{
    audit::Database,
    compose::DataDir,
    context::Context,
    outcome::{Failure, Outcome},
    output,
};

/// Less free space than this is told.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Look whether a stopped server's data directory is fit to serve from; exit code 1 if it is not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame doctor --data selfsame-data")]
pub struct DoctorArgs {
    /// The data directory of a stopped server.
    #[arg(long, env = "SELFSAME_DATA", default_value = "selfsame-data", value_name = "DIR")]
    data: PathBuf,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    found: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: DoctorArgs) -> Outcome {
    let data = DataDir::new(&args.data);
    let database = Database::open(&args.data)?;
    let mut checks = vec![writable(data.path()), space(data.path()), secrets(data.path())];
    let key = key(&data);
    let believed = key.as_ref().ok().cloned();
    checks.push(told("public key", key.map(|key| format!("ledger `{}`", key.name()))));
    checks.push(told("ledger and checkpoint", published(&database, believed.as_ref()).await));
    checks.push(told("views", views(&database).await));
    if let Some(objects) = &database.objects {
        let found = objects.check().await.map(|()| "an object can be written, read and removed".to_owned());
        checks.push(told("object storage", found.map_err(|trouble| trouble.to_string())));
    }
    let wrong = checks.iter().filter(|check| !check.ok).count();
    output::answer(context.json, &checks, |checks| {
        let line =
            |check: &Check| format!("{}  {}: {}", if check.ok { "ok   " } else { "WRONG" }, check.what, check.found);
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    if wrong == 0 {
        if !context.json {
            output::hint("`selfsame audit verify` checks the ledger itself, `selfsame scrub` every stored byte");
        }
        return Ok(());
    }
    Err(Failure::Negative(format!("{wrong} things are wrong")))
}

fn told(what: &'static str, found: Result<String, String>) -> Check {
    Check { what, ok: found.is_ok(), found: found.unwrap_or_else(|problem| problem) }
}

fn writable(data: &Path) -> Check {
    let file = data.join(format!(".doctor-{}", std::process::id()));
    let tried = fs::File::create(&file).and_then(|mut file| {
        file.write_all(b"doctor")?;
        file.sync_all()
    });
    let _ = fs::remove_file(&file);
    told(
        "disk",
        tried.map(|()| "it can be written and synced".into()).map_err(|error| format!("it cannot be written: {error}")),
    )
}

fn space(data: &Path) -> Check {
    let found = rustix::fs::statvfs(data).map_err(|error| error.to_string()).and_then(|disk| {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let text = format!("{} free", output::bytes(free));
        if free < FREE_BYTES_MIN { Err(format!("only {text}")) } else { Ok(text) }
    });
    told("space", found)
}

/// Nobody else may read the private key.
fn secrets(data: &Path) -> Check {
    let mode = fs::metadata(data.join("keys/ledger.key")).map(|metadata| metadata.permissions().mode() & 0o777);
    told(
        "private key",
        match mode {
            Ok(mode) if mode & 0o077 == 0 => Ok("only its owner can read it".into()),
            Ok(mode) => Err(format!("others can read it (mode {mode:o}): chmod 600 keys/ledger.key")),
            Err(error) => Err(format!("keys/ledger.key: {error}")),
        },
    )
}

fn key(data: &DataDir) -> Result<VerifierKey, String> {
    let text =
        fs::read_to_string(data.public_key()).map_err(|error| format!("`{}`: {error}", data.public_key().display()))?;
    text.trim().parse().map_err(|error| format!("`{}`: {error}", data.public_key().display()))
}

async fn published(database: &Database, key: Option<&VerifierKey>) -> Result<String, String> {
    let head = database.ports.ledger.head().await.map_err(|trouble| trouble.to_string())?;
    let entries = head.frontier.size();
    let key = key.ok_or("the checkpoint cannot be checked without the public key")?;
    let note = database.ports.tiles.get("checkpoint").await.map_err(|trouble| trouble.to_string())?;
    let note = note.ok_or("nothing is published yet")?;
    let checkpoint = Checkpoint::open(&note, std::slice::from_ref(key)).map_err(|error| error.to_string())?;
    match checkpoint.size() {
        size if size > entries => {
            Err(format!("{entries} entries, and {size} were published: the database is older than the checkpoint"))
        }
        size if size == entries && checkpoint.root() != head.frontier.root() => {
            Err("the checkpoint is of another ledger".into())
        }
        size => Ok(format!("{entries} entries, {size} of them published")),
    }
}

async fn views(database: &Database) -> Result<String, String> {
    let entries = database.ports.ledger.head().await.map_err(|trouble| trouble.to_string())?.frontier.size();
    let cursor = database.ports.views.cursor().await.map_err(|trouble| trouble.to_string())?;
    match cursor {
        cursor if cursor > entries => Err(format!("they know {cursor} entries of {entries}: run `selfsame rebuild`")),
        cursor => Ok(format!("they know {cursor} of {entries} entries; the server catches up when it starts")),
    }
}
