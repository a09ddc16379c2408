//! Tables, and how a database of an earlier version becomes one of this version.

use rusqlite::Connection;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("it has schema version {found}, and this program knows versions up to {known}: use a newer program")]
    TooNew { found: i64, known: i64 },
}

/// Each version's statements, in order. A version that was released never changes.
const VERSIONS: [&str; 1] = ["
CREATE TABLE entries(idx INTEGER PRIMARY KEY, body BLOB NOT NULL, leaf BLOB NOT NULL) STRICT;
CREATE TABLE head(id INTEGER PRIMARY KEY, frontier BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE state(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) STRICT;
CREATE TABLE requests(key TEXT PRIMARY KEY, command TEXT NOT NULL, idx INTEGER NOT NULL, entries INTEGER NOT NULL) STRICT;

CREATE TABLE manifests(
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
    subject TEXT, artifact_type TEXT, annotations TEXT NOT NULL, PRIMARY KEY(repository, digest)) STRICT;
CREATE INDEX manifests_by_subject ON manifests(repository, subject, digest);
CREATE TABLE tags(repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY(repository, tag)) STRICT;
CREATE INDEX tags_by_digest ON tags(repository, digest);
CREATE TABLE parts(
    manifest TEXT NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL, digest TEXT NOT NULL,
    size INTEGER NOT NULL, media_type TEXT NOT NULL, PRIMARY KEY(manifest, position)) STRICT;
CREATE INDEX parts_by_digest ON parts(digest, manifest);
CREATE TABLE repository_blobs(
    repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY(repository, digest)) STRICT;
CREATE INDEX repository_blobs_by_digest ON repository_blobs(digest);

CREATE TABLE view_cursor(id INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT;
CREATE TABLE history(
    idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, project TEXT NOT NULL, stage TEXT NOT NULL, release TEXT NOT NULL,
    rolled_back INTEGER NOT NULL, party TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE INDEX history_by_stage ON history(project, stage, idx);
CREATE INDEX history_by_project ON history(project, idx);
CREATE TABLE releases(idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, project TEXT NOT NULL, release TEXT NOT NULL) STRICT;
CREATE INDEX releases_by_project ON releases(project, idx);
CREATE INDEX releases_by_id ON releases(project, release);
CREATE TABLE mentions(digest TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(digest, idx)) STRICT;
CREATE TABLE project_entries(project TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(project, idx)) STRICT;
"];

/// Brings the database to this version, each step whole or not at all.
pub(super) fn migrate(connection: &Connection) -> Result<(), Unfit> {
    connection.execute_batch("CREATE TABLE IF NOT EXISTS schema_version(id INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT")?;
    let found: i64 = connection.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], |row| row.get(0))?;
    let known = VERSIONS.len() as i64;
    if found > known {
        return Err(Unfit::TooNew { found, known });
    }
    for (version, statements) in (1_i64..).zip(VERSIONS) {
        if version > found {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let done = connection.execute_batch(statements).and_then(|()| {
                let text = "INSERT INTO schema_version(id, version) VALUES (1, $1) ON CONFLICT(id) DO UPDATE SET version = excluded.version";
                connection.execute(text, [version])
            });
            connection.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            done?;
        }
    }
    Ok(())
}
