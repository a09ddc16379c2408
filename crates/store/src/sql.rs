//! [`Database`]: the ledger, the state, the catalog and the views in one SQL database.
//!
//! The SQL is written once, in the subset that SQLite and PostgreSQL share: `$1`, `$2` in the order of their first use, `ON CONFLICT`,
//! `RETURNING`; integers are 64 bits, times are milliseconds, documents are text. SQLite is the adapter that exists.
//!
//! One thread writes. It takes what waits, runs it in one transaction, each piece in a savepoint of its own, commits, and only then
//! answers: so durable throughput is that of group commit, and one piece that fails spoils no other. Readers have connections of their
//! own and see every commit that was answered before they began (WAL).
//!
//! After a commit that failed nothing is written any more until the program is started again: what the disk did is unknown.

mod catalog;
mod ledger;
mod schema;
#[cfg(test)]
mod tests;
mod views;
mod writer;

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use engine::ports::Trouble;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};

use writer::Writer;

/// How many connections readers keep.
const READERS: usize = 4;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// The database. It is locked against a second process while it is open.
pub struct Database {
    file: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    _lock: File,
}

impl Database {
    /// Opens `selfsame.db` in `data`, making or migrating it if needed.
    pub fn open(data: &Path) -> Result<Self, Trouble> {
        let lock = lock(data)?;
        let file = data.join("selfsame.db");
        let trouble = |error: rusqlite::Error| Trouble::new(format!("open `{}`", file.display()), error);
        let connection = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).map_err(trouble)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
            .map_err(|error| Trouble::new(format!("protect `{}`", file.display()), error))?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(trouble)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(trouble)?;
        schema::migrate(&connection).map_err(|error| Trouble::new(format!("migrate `{}`", file.display()), error))?;
        let writer = Writer::start(connection, file.clone());
        Ok(Self { file, writer, readers: Mutex::new(Vec::new()), _lock: lock })
    }

    /// Runs `read` on a reader's connection, in one transaction where it makes several statements agree.
    fn read<T>(&self, what: &str, read: impl FnOnce(&Connection) -> Result<T, Failed>) -> Result<T, Trouble> {
        let trouble = |error: Failed| Trouble::new(format!("read {what} from `{}`", self.file.display()), error);
        let free = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => connect(&self.file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| trouble(error.into()))?,
        };
        let found = read(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        drop(readers);
        found.map_err(trouble)
    }

    /// Runs `write` in the writer's next transaction, and answers once that is durable.
    async fn write<T: Send + 'static>(
        &self,
        what: &str,
        write: impl FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        self.writer.run(what, write).await
    }

    fn trouble(&self, what: &str, error: Failed) -> Trouble {
        Trouble::new(format!("write {what} to `{}`", self.file.display()), error)
    }
}

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A row is not what was written.
    #[error("{0} is damaged")]
    Damaged(String),
    /// The ledger ends elsewhere than expected.
    #[error("the ledger ends elsewhere: another writer was faster")]
    Conflict,
    /// Nothing is written any more.
    #[error("{0}")]
    Stopped(String),
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn lock(data: &Path) -> Result<File, Trouble> {
    let path = data.join("lock");
    let doing = || format!("lock `{}`", path.display());
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| Trouble::new(doing(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Trouble::new(doing(), "another process has this data directory open: stop it first")),
        Err(fs::TryLockError::Error(error)) => Err(Trouble::new(doing(), error)),
    }
}

/// The first eight bytes of the SHA-256 of a row's key and value: enough to find damage, which is all that it is for.
fn sum(key: &str, value: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(key).chain_update([0]).chain_update(value).finalize()[..8].to_vec()
}

/// A number as SQL has it. Sizes and indices stay far below 2^63.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as we have it; a negative one is damage.
fn natural(number: i64, what: &str) -> Result<u64, Failed> {
    u64::try_from(number).map_err(|_| Failed::Damaged(what.to_owned()))
}

/// A text that must be what it was when it was written.
fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Failed> {
    text.parse().map_err(|_| Failed::Damaged(format!("{what} `{text}`")))
}
