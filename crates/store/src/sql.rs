//! [`Database`]: the ledger, the state, the catalog and the views in one SQL database.
//!
//! The SQL is written once, in the subset that SQLite and PostgreSQL share, and runs through `tx::Tx`: parameters are `$1`, `$2`, rows go
//! in by several at once, integers are 64 bits, times are milliseconds, documents are text.
//!
//! # SQLite
//!
//! One at a time writes. It takes what waits, runs it in one transaction, each piece in a savepoint of its own, commits, and only then
//! answers: so durable throughput is that of group commit, and one piece that fails spoils no other. Readers have connections of their
//! own and see every commit that was answered before they began (WAL).
//!
//! After a commit that failed nothing is written any more until the program is started again: what the disk did is unknown.
//!
//! # PostgreSQL
//!
//! Several replicas write; see `pg`. A commit is one round trip, and fails if the ledger does not end where it was expected to.
//!
//! # Both
//!
//! What a flipped bit could make wrong carries a checksum (`seal`): it is checked at each read, and damage is an error, never an answer.

mod catalog;
mod insert;
mod inspect;
mod ledger;
mod locks;
mod pg;
mod replicas;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod tx;
mod uploads;
mod views;
mod writer;

use std::{
    fmt,
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use engine::ports::Trouble;
use futures::{FutureExt, future::BoxFuture};
use rusqlite::{Connection, OpenFlags};

use crate::waiting::blocking;
pub use inspect::Inspection;
pub use pg::{Access, Address, InvalidAddress};
use pg::{Postgres, Problem};
pub(crate) use replicas::size_of;
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

/// The database.
pub enum Database {
    /// A file that this process alone has open.
    Lite(Lite),
    /// A server that other replicas use, too.
    Pg(Box<Postgres>),
}

/// A SQLite database. It is locked against a second process while it is open.
pub struct Lite {
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
    /// PostgreSQL, or the way to it, said so.
    #[error(transparent)]
    Pg(#[from] Problem),
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
        Lite::open(data).map(Self::Lite)
    }

    /// Connects to a PostgreSQL database, migrating it if needed.
    ///
    /// # Errors
    /// If it cannot be reached or is not fit; if somebody must be alone with it, or `access` says so and somebody is there.
    pub async fn connect(address: Address, access: Access) -> Result<Self, Trouble> {
        Ok(Self::Pg(Box::new(Postgres::open(address, access).await?)))
    }

    /// Reads little, at once: `read` sees one snapshot, however many statements it runs.
    async fn look_up<'e, T>(
        &self,
        what: &str,
        read: impl for<'t> FnOnce(&'t mut Tx<'e>) -> BoxFuture<'t, Result<T, Failed>> + Send,
    ) -> Result<T, Trouble> {
        let found = match self {
            Self::Lite(lite) => lite.read(read),
            Self::Pg(postgres) => postgres.read(read).await,
        };
        found.map_err(|failed| Trouble::new(format!("read {what} from {self}"), failed))
    }

    /// Reads what may be much: as [`Database::look_up`], and other tasks of the same thread go on elsewhere meanwhile.
    async fn scan<'e, T>(
        &self,
        what: &str,
        read: impl for<'t> FnOnce(&'t mut Tx<'e>) -> BoxFuture<'t, Result<T, Failed>> + Send,
    ) -> Result<T, Trouble> {
        let found = match self {
            Self::Lite(lite) => blocking(|| lite.read(read)),
            Self::Pg(postgres) => postgres.read(read).await,
        };
        found.map_err(|failed| Trouble::new(format!("read {what} from {self}"), failed))
    }

    /// Runs `write` in a transaction, and answers once that is durable.
    async fn write<T: Send + 'static>(
        &self,
        what: &str,
        write: impl for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Failed>> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.try_write(write).await.map_err(|failed| self.not_written(what, failed))
    }

    async fn try_write<T: Send + 'static>(
        &self,
        write: impl for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Failed>> + Send + 'static,
    ) -> Result<T, Failed> {
        match self {
            Self::Lite(lite) => lite.writer.run(async move |tx: &mut Tx<'_>| write(tx).await).await,
            Self::Pg(postgres) => postgres.write(write).await,
        }
    }

    fn not_written(&self, what: &str, failed: Failed) -> Trouble {
        Trouble::new(format!("write {what} to {self}"), failed)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lite(lite) => write!(f, "`{}`", lite.file.display()),
            Self::Pg(postgres) => write!(f, "`{}`", postgres.address()),
        }
    }
}

impl Lite {
    fn open(data: &Path) -> Result<Self, Trouble> {
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
        let migrated = schema::migrate(&connection);
        let trouble = |error: schema::Unfit| Trouble::new(format!("migrate `{}`", file.display()), error);
        migrated.map_err(trouble)?.tell(&format_args!("`{}`", file.display()));
        let writer = Writer::new(connection, file.clone());
        Ok(Self { file, writer, readers: Mutex::default(), _lock: lock })
    }

    fn read<'e, T>(
        &self,
        read: impl for<'t> FnOnce(&'t mut Tx<'e>) -> BoxFuture<'t, Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let (found, connection) = snapshot(self.reader()?, read)?;
        let found = found?;
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
        Ok(found)
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

/// What `read` comes to in a snapshot, and the connection back.
fn snapshot<'e, T>(
    connection: Connection,
    read: impl for<'t> FnOnce(&'t mut Tx<'e>) -> BoxFuture<'t, Result<T, Failed>>,
) -> Result<(Result<T, Failed>, Connection), Failed> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let mut tx = Tx::LiteReader(connection);
    let found = at_once(read(&mut tx));
    let Tx::LiteReader(connection) = tx else { unreachable!("a transaction stays what it is") };
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok((found, connection))
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
