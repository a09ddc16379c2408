//! One at a time writes, for all who wait.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Failed, at_once, tx::Tx};
use crate::waiting::blocking;

/// How many pieces of work wait at most before whoever brings another has to wait.
const WAITING: usize = 256;
/// How many pieces of work one transaction takes at most.
const TOGETHER: usize = 64;
/// How many pages the write-ahead log has before they are copied back.
const LOG_PAGES: i64 = 4_000;

/// Runs inside the transaction, or not at all if there is none; it leaves behind what to do once the transaction has ended.
type Work = Box<dyn FnOnce(Option<&mut Connection>, Company) -> Answer + Send>;
/// Whether a piece of work has a transaction to itself, or must not spoil it for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Alone,
    Others,
}

/// Gives the answer: with the reason if nothing was committed.
type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

/// The connection that writes. Whoever brings work while nobody writes does it at once, on its own thread, since waking another costs as much
/// as a small commit; whoever comes meanwhile leaves its work here, and all that was left goes into the next transaction.
///
/// Dropping it waits until all that was brought is done.
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    /// `None` once it is closed.
    connection: Mutex<Option<Connection>>,
    waiting: Mutex<VecDeque<Work>>,
    places: Arc<Semaphore>,
    /// Why nothing is written any more.
    stopped: OnceLock<String>,
    /// What the connection writes to, for messages.
    file: PathBuf,
}

impl Writer {
    /// Writes to `file` through `connection`.
    pub fn new(connection: Connection, file: PathBuf) -> Self {
        Self(Arc::new(Shared {
            connection: Mutex::new(Some(connection)),
            waiting: Mutex::default(),
            places: Arc::new(Semaphore::new(WAITING)),
            stopped: OnceLock::new(),
            file,
        }))
    }

    /// Runs `write` in the next transaction; answers once that is durable. It happens even if nobody waits for the answer any more.
    pub async fn run<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T, Failed> {
        self.bring(write, |shared| blocking(|| shared.write_round())).await
    }

    /// As [`Writer::run`], for a task that no other has to wait for: the runtime does not move the others elsewhere first, which would take as
    /// long as a small commit.
    pub async fn run_here<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T, Failed> {
        self.bring(write, Shared::write_round).await
    }

    async fn bring<T: Send + 'static>(
        &self,
        write: impl Write<T>,
        write_round: impl FnOnce(&Shared) -> bool,
    ) -> Result<T, Failed> {
        if let Some(reason) = self.0.stopped.get() {
            return Err(Failed::Stopped(reason.clone()));
        }
        let gone = || Failed::Stopped("the database's writer has ended; start the server again".into());
        let place = self.0.places.clone().acquire_owned().await.map_err(|_| gone())?;
        let (answer, answered) = oneshot::channel();
        self.0.queue().push_back(work(write, place, answer));
        if write_round(&self.0) && !self.0.queue().is_empty() {
            // Others came meanwhile. They shall be served, but whoever has its answer shall not have to.
            let shared = self.0.clone();
            tokio::task::spawn_blocking(move || shared.write_all());
        }
        answered.await.map_err(|_| gone())?
    }
}

/// What is done in a transaction.
pub(super) trait Write<T>: AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed> + Send + 'static {}

impl<T, F: AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed> + Send + 'static> Write<T> for F {}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever writes now has the connection until its transaction has ended.
        let mut connection = self.0.connection.lock().unwrap_or_else(PoisonError::into_inner);
        while self.0.round(&mut connection) {}
        *connection = None;
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until nothing waits, unless somebody else does.
    ///
    /// Whoever leaves work and finds the connection taken may rely on the one who has it: the queue is looked at again after the
    /// connection was given back.
    fn write_all(&self) {
        while self.write_round() && !self.queue().is_empty() {}
    }

    /// One transaction; `false` if somebody else writes.
    fn write_round(&self) -> bool {
        let mut connection = match self.connection.try_lock() {
            Ok(connection) => connection,
            Err(TryLockError::WouldBlock) => return false,
            Err(TryLockError::Poisoned(poisoned)) => {
                let reason = "the database's writer has panicked; start the server again";
                self.stopped.get_or_init(|| reason.to_owned());
                poisoned.into_inner()
            }
        };
        self.round(&mut connection);
        true
    }

    /// Takes what waits into one transaction, and answers; `false` if nothing waited.
    fn round(&self, connection: &mut Option<Connection>) -> bool {
        let mut together: VecDeque<Work> = {
            let mut queue = self.queue();
            let count = queue.len().min(TOGETHER);
            queue.drain(..count).collect()
        };
        let Some(connection) = connection.as_mut().filter(|_| !together.is_empty()) else { return false };
        let mut answers = Vec::with_capacity(together.len());
        let failed = match self.stopped.get() {
            Some(reason) => Some(reason.clone()),
            None => transact(connection, &self.file, &mut together, &mut answers, &self.stopped),
        };
        answers.extend(together.drain(..).map(|work| work(None, Company::Others)));
        for answer in answers {
            answer(failed.as_deref());
        }
        if self.stopped.get().is_none()
            && let Err(error) = copy_back(connection)
        {
            stop(&self.stopped, &self.file, &error);
        }
        true
    }
}

/// Makes `write` a piece of work that keeps its place until it is done.
fn work<T: Send + 'static>(
    write: impl Write<T>,
    place: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<T, Failed>>,
) -> Work {
    Box::new(move |connection, company| {
        let written = connection.map(|connection| whole_or_not(connection, company, write));
        Box::new(move |failed| {
            let written = match (failed, written) {
                (None, Some(written)) => written,
                (reason, _) => Err(Failed::Stopped(reason.unwrap_or("no transaction could be begun").to_owned())),
            };
            drop(place);
            // Nobody may be waiting any more.
            let _ = answer.send(written);
        })
    })
}

/// Writes all of a piece, or nothing of it. A savepoint copies each page that changes, so a piece that is alone goes without.
fn whole_or_not<T>(connection: &mut Connection, company: Company, write: impl Write<T>) -> Result<T, Failed> {
    if company == Company::Others {
        connection.prepare_cached("SAVEPOINT piece")?.execute([])?;
    }
    let written = at_once(write(&mut Tx::Lite(connection)));
    // After some errors SQLite has rolled back everything by itself, and there is nothing to end any more.
    if !connection.is_autocommit() {
        match company {
            Company::Alone if written.is_err() => connection.execute_batch("ROLLBACK; BEGIN")?,
            Company::Alone => {}
            Company::Others if written.is_err() => connection.execute_batch("ROLLBACK TO piece; RELEASE piece")?,
            Company::Others => drop(connection.prepare_cached("RELEASE piece")?.execute([])?),
        }
    }
    written
}

/// Copies the log back once it is long. SQLite would do that by itself, and keep quiet about a disk that does not sync; a second try
/// could then succeed without the pages being there, and the log be overwritten.
fn copy_back(connection: &Connection) -> Result<(), rusqlite::Error> {
    let pages: i64 = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| row.get(1))?;
    if pages >= LOG_PAGES {
        connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))?;
    }
    Ok(())
}

/// Writes nothing any more, from now on.
fn stop(stopped: &OnceLock<String>, file: &Path, error: &rusqlite::Error) -> String {
    tracing::error!(file = %file.display(), %error, "The database cannot be written; nothing is until a restart");
    let reason = format!("`{}` cannot be written ({error}); start the server again once it can", file.display());
    stopped.get_or_init(|| reason).clone()
}

/// Runs the work in one transaction. If that was not committed, says why; if what the disk did is unknown then, it is the last one.
fn transact(
    connection: &mut Connection,
    file: &Path,
    together: &mut VecDeque<Work>,
    answers: &mut Vec<Answer>,
    stopped: &OnceLock<String>,
) -> Option<String> {
    if let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
        // Nothing was written, so the next transaction may well succeed.
        return Some(error.to_string());
    }
    let company = if together.len() == 1 { Company::Alone } else { Company::Others };
    for work in together.drain(..) {
        answers.push(work(Some(connection), company));
        if connection.is_autocommit() {
            break;
        }
    }
    let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    let error = committed.err()?;
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    Some(stop(stopped, file, &error))
}
