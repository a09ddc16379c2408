//! [`Database`]: the ledger, the state, the catalog and the views in one SQL database.
//!
//! The SQL is written once, in the subset that SQLite and PostgreSQL share, and runs through `tx::Tx`: parameters are `$1`, `$2`, rows go
//! in by several at once, integers are 64 bits, times are milliseconds, documents are text. SQLite is the adapter that exists.
//!
//! One at a time writes. It takes what waits, runs it in one transaction, each piece in a savepoint of its own, commits, and only then
//! answers: so durable throughput is that of group commit, and one piece that fails spoils no other. Readers have connections of their
//! own and see every commit that was answered before they began (WAL).
//!
//! After a commit that failed nothing is written any more until the program is started again: what the disk did is unknown.
//!
//! What a flipped bit could make wrong carries a checksum (`seal`): it is checked at each read, and damage is an error, never an answer.

mod catalog;
mod insert;
mod ledger;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod tx;
mod views;
mod writer;

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use engine::ports::Trouble;
use futures::FutureExt;
use rusqlite::{Connection, OpenFlags};

use crate::waiting::blocking;
use tx::Tx;
use writer::Writer;

/// How many idle connections readers keep.
const READERS: usize = 4;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;
/// How large the write-ahead log stays once it was copied back, in bytes.
const LOG_BYTES: i64 = 64 * 1024 * 1024;
/// How much of the database the writer keeps in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// The database. It is locked against a second process while it is open.
pub struct Database {
    file: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    // Last, so that it is unlocked once everything above is closed.
    _lock: File,
}

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A row is not what was written.
    #[error("{0} is damaged: restore the file from a backup, or rebuild what is derived with `selfsame rebuild`")]
    Damaged(String),
    /// A request was answered before.
    #[error("a request was answered before")]
    Answered,
    /// The ledger ends elsewhere than expected.
    #[error("the ledger ends elsewhere: another writer was faster")]
    Conflict,
    /// Nothing is written any more.
    #[error("{0}")]
    Stopped(String),
}

impl Failed {
    /// Whether a row was there already.
    fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation))
    }
}

impl Database {
    /// Opens `selfsame.db` in `data`, making or migrating it if needed.
    pub fn open(data: &Path) -> Result<Self, Trouble> {
        let lock = lock(data)?;
        let file = data.join("selfsame.db");
        let trouble = |error: rusqlite::Error| Trouble::new(format!("open `{}`", file.display()), error);
        // SQLite gives its log the permissions of the database, so the database is made with the right ones.
        let made = File::options().create(true).truncate(false).write(true).mode(0o600).open(&file);
        made.map_err(|error| Trouble::new(format!("make `{}`", file.display()), error))?;
        let connection = connect(&file).map_err(trouble)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(trouble)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(trouble)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(trouble)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES).map_err(trouble)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(trouble)?;
        schema::migrate(&connection).map_err(|error| Trouble::new(format!("migrate `{}`", file.display()), error))?;
        let writer = Writer::new(connection, file.clone());
        Ok(Self { file, writer, readers: Mutex::default(), _lock: lock })
    }

    /// Reads little, at once: `read` sees one snapshot, however many statements it runs.
    fn look_up<T>(&self, what: &str, read: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed>) -> Result<T, Trouble> {
        let found = self.reader().and_then(|mut connection| {
            let found = snapshot(&mut connection, read)?;
            let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < READERS {
                idle.push(connection);
            }
            Ok(found)
        });
        found.map_err(|failed| Trouble::new(format!("read {what} from `{}`", self.file.display()), failed))
    }

    /// Reads what may be much: as [`Database::look_up`], and other tasks of the same thread go on elsewhere meanwhile.
    fn scan<T>(&self, what: &str, read: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed>) -> Result<T, Trouble> {
        blocking(|| self.look_up(what, read))
    }

    /// Runs `write` in the writer's next transaction, and answers once that is durable.
    async fn write<T: Send + 'static>(
        &self,
        what: &str,
        write: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.writer.run(write).await.map_err(|failed| self.not_written(what, failed))
    }

    fn not_written(&self, what: &str, failed: Failed) -> Trouble {
        Trouble::new(format!("write {what} to `{}`", self.file.display()), failed)
    }

    fn reader(&self) -> Result<Connection, Failed> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let connection = connect(&self.file)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

fn snapshot<T>(
    connection: &mut Connection,
    read: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let found = at_once(read(&mut Tx::Lite(connection)));
    connection.prepare_cached("COMMIT")?.execute([])?;
    found
}

/// Runs what never waits: on SQLite, every function of a [`Tx`] answers when it is first polled.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("SQLite answers without waiting")
}

fn connect(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // Looks at each page of a tree when it is loaded, so that more damage is an error.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn lock(data: &Path) -> Result<File, Trouble> {
    let path = data.join("lock");
    let doing = || format!("lock `{}`", path.display());
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|error| Trouble::new(doing(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(Trouble::new(doing(), "another process has this data directory open: stop it first"))
        }
        Err(fs::TryLockError::Error(error)) => Err(Trouble::new(doing(), error)),
    }
}

/// A number as SQL has it. Sizes and indices stay far below 2^63.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
