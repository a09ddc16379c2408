//! Tables, and how a database of an earlier version becomes one of this version.
//!
//! Written once for both databases: `INTEGER` has 64 bits, `TEXT` compares by bytes, `BLOB` is bytes, a `seal` is the checksum of the columns
//! before it. `rebuild` has a row from the beginning of a rebuild to its end. An index `..._again` is there to be asked a second time
//! when the first answer was "there is none". [`for_sqlite`] and [`for_postgres`] say in each
//! database's words what the other understands differently.

use std::fmt;

use rusqlite::{Connection, OptionalExtension};
use tokio_postgres::Client;

use super::{Failed, locks::MIGRATING};

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// PostgreSQL said so.
    #[error("{0}")]
    Pg(Failed),
    /// It was written by a newer program.
    #[error("it has schema version {found}, and this program knows versions up to {known}: use a newer program")]
    TooNew { found: i64, known: i64 },
}

/// Each version's statements, in order. A version that was released never changes.
pub(super) const VERSIONS: [&str; 4] = ["
CREATE TABLE entries(idx INTEGER PRIMARY KEY, body BLOB NOT NULL, leaf BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE head(id INTEGER PRIMARY KEY, frontier BLOB NOT NULL, at INTEGER NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE INDEX state_again ON state((key || ''));
CREATE TABLE requests(
    key TEXT PRIMARY KEY, command TEXT NOT NULL, idx INTEGER NOT NULL, entries INTEGER NOT NULL, seal INTEGER NOT NULL);

CREATE TABLE rebuild(id INTEGER PRIMARY KEY);

CREATE TABLE manifests(
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL, subject TEXT,
    artifact_type TEXT, annotations TEXT NOT NULL, parts INTEGER NOT NULL, seal INTEGER NOT NULL,
    PRIMARY KEY(repository, digest));
CREATE INDEX manifests_again ON manifests(digest, repository);
CREATE INDEX manifests_by_subject ON manifests(repository, subject, digest);
CREATE TABLE tags(
    repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(repository, tag));
CREATE INDEX tags_again ON tags(tag, repository);
CREATE INDEX tags_by_digest ON tags(repository, digest);
CREATE TABLE parts(
    repository TEXT NOT NULL, manifest TEXT NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL, digest TEXT NOT NULL,
    size INTEGER NOT NULL, media_type TEXT NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(repository, manifest, position));
CREATE INDEX parts_by_digest ON parts(repository, digest, manifest);
CREATE TABLE repository_blobs(
    repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL, seal INTEGER NOT NULL,
    PRIMARY KEY(repository, digest));
CREATE INDEX repository_blobs_again ON repository_blobs(digest, repository);

CREATE TABLE view_cursor(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE history(
    idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, project TEXT NOT NULL, stage TEXT NOT NULL, release TEXT NOT NULL,
    rolled_back INTEGER NOT NULL, party TEXT NOT NULL, reason TEXT NOT NULL, seal INTEGER NOT NULL);
CREATE INDEX history_by_stage ON history(project, stage, idx);
CREATE INDEX history_by_project ON history(project, idx);
CREATE TABLE releases(
    idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, project TEXT NOT NULL, release TEXT NOT NULL, seal INTEGER NOT NULL);
CREATE INDEX releases_by_project ON releases(project, idx);
CREATE INDEX releases_by_id ON releases(project, release);
CREATE TABLE mentions(digest TEXT NOT NULL, idx INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(digest, idx));
CREATE TABLE project_entries(
    project TEXT NOT NULL, idx INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(project, idx));
", "
CREATE TABLE checkpoint(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE verifier(id INTEGER PRIMARY KEY, name TEXT NOT NULL, seal INTEGER NOT NULL);
", "
CREATE TABLE uploads(
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL, at INTEGER NOT NULL, seal INTEGER NOT NULL);
CREATE INDEX uploads_by_age ON uploads(at);
CREATE TABLE upload_parts(
    upload TEXT NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL, sums BLOB NOT NULL, seal INTEGER NOT NULL,
    PRIMARY KEY(upload, number));
", "
CREATE TABLE turns(work TEXT PRIMARY KEY, who TEXT NOT NULL, number INTEGER NOT NULL, until INTEGER NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE pulls(
    repository TEXT NOT NULL, digest TEXT NOT NULL, day INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY(repository, digest));
CREATE INDEX pulls_by_day ON pulls(day);
"];

/// The version that this program's tables have.
pub(super) const KNOWN: i64 = VERSIONS.len() as i64;

/// What became of a database that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Migrated {
    /// The version that it had; 0 for one without tables.
    from: i64,
}

impl Migrated {
    /// Says in the log that a database is of this version now, if it was of an earlier one.
    pub fn tell(self, database: &impl fmt::Display) {
        if (1..KNOWN).contains(&self.from) {
            tracing::info!(%database, from = self.from, to = KNOWN, "The database was brought to this program's schema version");
        }
    }
}

/// Which version a database has; `None` if it has no tables.
pub(super) fn version_of(connection: &Connection) -> Result<Option<i64>, Failed> {
    let there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
    if connection.query_row(there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    Ok(connection.query_row("SELECT MAX(version) FROM schema_version", [], |row| row.get(0))?)
}

/// The same of a PostgreSQL database.
pub(super) async fn version_of_postgres(client: &Client) -> Result<Option<i64>, Failed> {
    let there = "SELECT to_regclass('schema_version') IS NOT NULL";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(client.query_one("SELECT MAX(version) FROM schema_version", &[]).await?.try_get(0)?)
}

/// Brings the database to this version, each step whole or not at all.
pub(super) fn migrate(connection: &Connection) -> Result<Migrated, Unfit> {
    let versions = "CREATE TABLE IF NOT EXISTS schema_version(id INTEGER PRIMARY KEY, version INTEGER NOT NULL);";
    connection.execute_batch(&for_sqlite(versions))?;
    let found = connection.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], |row| row.get(0))?;
    if found > KNOWN {
        return Err(Unfit::TooNew { found, known: KNOWN });
    }
    for (version, statements) in (1..).zip(VERSIONS).filter(|(version, _)| *version > found) {
        let set = format!(
            "INSERT INTO schema_version(id, version) VALUES (1, {version}) \
             ON CONFLICT(id) DO UPDATE SET version = excluded.version;"
        );
        let step = format!("BEGIN IMMEDIATE; {} {set} COMMIT;", for_sqlite(statements));
        if let Err(error) = connection.execute_batch(&step) {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            return Err(error.into());
        }
    }
    Ok(Migrated { from: found })
}

/// Brings a PostgreSQL database to this version, all steps or none.
pub(super) async fn migrate_postgres(client: &Client) -> Result<Migrated, Unfit> {
    let versions = "CREATE TABLE IF NOT EXISTS schema_version(id INTEGER PRIMARY KEY, version INTEGER NOT NULL);";
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({MIGRATING})"
    );
    client.batch_execute(&begin).await?;
    client.batch_execute(&for_postgres(versions)).await?;
    let found: i64 = client.query_one("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[]).await?.try_get(0)?;
    if found > KNOWN {
        return Err(Unfit::TooNew { found, known: KNOWN });
    }
    for (_, statements) in (1..).zip(VERSIONS).filter(|(version, _)| *version > found) {
        client.batch_execute(&for_postgres(statements)).await?;
    }
    let set = "INSERT INTO schema_version(id, version) VALUES (1, $1) ON CONFLICT(id) DO UPDATE SET version = excluded.version";
    client.execute(set, &[&KNOWN]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(Migrated { from: found })
}

/// PostgreSQL's integers are narrower and its bytes have another name; its texts compare by bytes only if told so.
fn for_postgres(statements: &str) -> String {
    statements.replace("INTEGER", "BIGINT").replace("BLOB", "BYTEA").replace(" TEXT", " TEXT COLLATE \"C\"")
}

impl From<tokio_postgres::Error> for Unfit {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Pg(error.into())
    }
}

/// Tables of small rows that are looked up by their key alone: SQLite keeps such a table in the order of its key, and writes one page for a
/// row instead of one for the table and one for an index.
const BY_KEY: [&str; 3] = ["requests", "mentions", "project_entries"];

/// Tables of SQLite hold what their columns say only if they are `STRICT`.
fn for_sqlite(statements: &str) -> String {
    let strict = |statement: &str| match statement.trim_start().strip_prefix("CREATE TABLE ") {
        Some(table) if BY_KEY.iter().any(|name| table.strip_prefix(name).is_some_and(|rest| rest.starts_with('('))) => {
            format!("{statement} STRICT, WITHOUT ROWID;")
        }
        Some(_) => format!("{statement} STRICT;"),
        None => format!("{statement};"),
    };
    statements.split(';').filter(|statement| !statement.trim().is_empty()).map(strict).collect()
}
