//! What the doctor looks at in the database and in object storage.

use std::{cmp::Ordering, fs};

use domain::Timestamp;
use engine::{Clock, Ports, SystemClock};
use store::sql::Inspection;
use tlog::{Checkpoint, VerifierKey};

use super::{Check, Found, Wrong};
use crate::compose::{DataDir, DatabaseChoice, Storage};

/// How much clocks may differ, in milliseconds.
const SKEW_MS: u64 = 5_000;

/// Looks at the database, and then at what is in it, if that can be done without changing it.
pub(super) async fn look(folder: &DataDir, checks: &mut Vec<Check>) {
    let inspected = match folder.database() {
        DatabaseChoice::Embedded => match Inspection::of_file(folder.path()) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => {
                let mend =
                    "name the right folder with --data, and with --database where the database is if it is elsewhere";
                Err(Wrong::new("there is none in the folder: a server would begin a ledger", mend))
            }
            Err(trouble) => Err(Wrong::new(trouble, "restore the folder from a backup")),
        },
        DatabaseChoice::Postgres(address) => Inspection::of_server(address).await.map_err(|trouble| {
            Wrong::new(
                trouble,
                "see docs/operation/replicas.md: what PostgreSQL must be, and how its address is written",
            )
        }),
    };
    let found = match inspected {
        Ok(found) => found,
        Err(wrong) => return checks.push(Check::new("database", Err(wrong))),
    };
    let used =
        if found.used_from.is_empty() { String::new() } else { format!(", used from {}", found.used_from.join(", ")) };
    checks.push(Check::new("database", Ok(format!("{}{used}", found.server))));
    if let Some(theirs) = found.clock {
        checks.push(Check::new("clock", clock(SystemClock.now(), theirs)));
    }
    checks.push(Check::new("schema", schema(&found)));
    if found.schema != Some(Inspection::SCHEMA) {
        return;
    }
    match folder.open_to_look().await {
        Ok(storage) => inside(folder, &storage, checks).await,
        Err(unusable) => {
            let mend = "if a server is running there, stop it first, or ask it: `selfsame ready --server URL`";
            checks.push(Check::new("ledger", Err(Wrong::new(unusable, mend))));
        }
    }
}

async fn inside(folder: &DataDir, storage: &Storage, checks: &mut Vec<Check>) {
    let key = fs::read_to_string(folder.keys().public()).ok().and_then(|text| text.trim().parse::<VerifierKey>().ok());
    checks.push(Check::new("ledger and checkpoint", published(&storage.ports, key.as_ref()).await));
    checks.push(Check::new("views", views(&storage.ports).await));
    if let Some(objects) = &storage.objects {
        let mend = "see docs/reference/object-storage.md: what the bucket and its credentials must allow";
        let found = objects.check().await.map(|()| "an object can be written, read and removed".to_owned());
        checks.push(Check::new("object storage", found.map_err(|trouble| Wrong::new(trouble, mend))));
        checks.push(Check::new("owner of the bucket's place", owner(objects.owner().await, key.as_ref())));
    }
}

fn clock(ours: Timestamp, theirs: Timestamp) -> Found {
    let apart = ours.as_millis().abs_diff(theirs.as_millis());
    if apart <= SKEW_MS {
        return Ok(format!("{apart} ms from the database's"));
    }
    let mend = "have both machines set their clocks by the same source (NTP)";
    Err(Wrong::new(format!("it shows {ours}, and the database's {theirs}"), mend))
}

fn schema(found: &Inspection) -> Found {
    let known = Inspection::SCHEMA;
    let Some(version) = found.schema else {
        return Ok(format!("there are no tables yet: a server makes those of version {known}"));
    };
    match version.cmp(&known) {
        Ordering::Equal => Ok(format!("version {version}")),
        Ordering::Less => Ok(format!("version {version}: `serve` brings it to {known}; make a backup first")),
        Ordering::Greater => {
            let found = format!("version {version}, and this program knows versions up to {known}");
            Err(Wrong::new(found, "use the newer program that has been here before"))
        }
    }
}

async fn published(ports: &Ports, key: Option<&VerifierKey>) -> Found {
    let damaged = "run `selfsame audit verify`, and restore the ledger from a backup if it does not fit";
    let head = ports.ledger.head().await.map_err(|trouble| Wrong::new(trouble, damaged))?;
    let (entries, now) = (head.frontier.size(), SystemClock.now());
    if ports.ledger.rebuilding().await.map_err(|trouble| Wrong::new(trouble, damaged))? {
        return Err(Wrong::new("a rebuild has begun and has not ended", "run `selfsame rebuild` again, to its end"));
    }
    if head.time.as_millis() > now.as_millis().saturating_add(SKEW_MS as i64) {
        let found = format!("the last entry is of {}, and this machine's clock shows {now}", head.time);
        return Err(Wrong::new(found, "set the clock: time in the ledger stands still until then"));
    }
    let key = key.ok_or_else(|| {
        Wrong::new("the checkpoint cannot be checked without the public key", "mend the public key first")
    })?;
    let note = ports.tiles.get("checkpoint").await;
    let note = note.map_err(|trouble| Wrong::new(trouble, "see that the published ledger can be read"))?;
    let note = note.ok_or_else(|| Wrong::new("nothing is published yet", "start the server once: it publishes"))?;
    let checkpoint = Checkpoint::open(&note, std::slice::from_ref(key));
    let mend = "put back the key that this ledger was begun with";
    let checkpoint = checkpoint.map_err(|error| Wrong::new(error, mend))?;
    match checkpoint.size() {
        size if size > entries => {
            let found =
                format!("{entries} entries, and {size} were published: the database is older than the checkpoint");
            Err(Wrong::new(
                found,
                "restore the newer database: a server would sign a second history, and does not start",
            ))
        }
        size if size == entries && checkpoint.root() != head.frontier.root() => {
            Err(Wrong::new("the checkpoint is of another ledger", "name the storage that belongs together"))
        }
        size => Ok(format!("{entries} entries, {size} of them published")),
    }
}

async fn views(ports: &Ports) -> Found {
    let mend = "run `selfsame rebuild`";
    let head = ports.ledger.head().await.map_err(|trouble| Wrong::new(trouble, mend))?;
    let cursor = ports.views.cursor().await.map_err(|trouble| Wrong::new(trouble, mend))?;
    match (cursor, head.frontier.size()) {
        (cursor, entries) if cursor > entries => {
            Err(Wrong::new(format!("they know {cursor} entries of {entries}"), mend))
        }
        (cursor, entries) => Ok(format!("they know {cursor} of {entries} entries; the server catches up")),
    }
}

fn owner(owner: Result<Option<String>, engine::ports::Trouble>, key: Option<&VerifierKey>) -> Found {
    let mend = "name the bucket and prefix of this ledger: two ledgers in one place overwrite each other's files";
    match (owner.map_err(|trouble| Wrong::new(trouble, mend))?, key) {
        (None, _) => Ok("nobody yet: the server claims it".into()),
        (Some(owner), Some(key)) if owner == key.to_string() => Ok("this ledger".into()),
        (Some(owner), _) => Err(Wrong::new(format!("the ledger `{owner}`"), mend)),
    }
}
