//! The thread that writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Failed, at_once, tx::Tx};

/// How many pieces of work wait at most before whoever brings another has to wait.
const WAITING: usize = 256;
/// How many pieces of work one transaction takes at most.
const TOGETHER: usize = 64;
/// How many pages the write-ahead log has before they are copied back.
const LOG_PAGES: i64 = 4_000;

/// Runs inside the transaction, or not at all if there is none; it leaves behind what to do once the transaction has ended.
type Work = Box<dyn FnOnce(Option<&mut Connection>) -> Answer + Send>;
/// Gives the answer: with the reason if nothing was committed.
type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

/// A handle to the thread. Dropping it waits until the thread has done what it was given.
pub(super) struct Writer {
    work: Option<mpsc::Sender<Work>>,
    stopped: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `file` is what the connection writes to, for messages.
    pub fn start(connection: Connection, file: PathBuf) -> Self {
        let (work, waiting) = mpsc::channel(WAITING);
        let stopped = Arc::new(OnceLock::new());
        let shared = stopped.clone();
        let thread = thread::spawn(move || run(connection, &file, waiting, &shared));
        Self { work: Some(work), stopped, thread: Some(thread) }
    }

    /// Runs `write` in the next transaction; answers once that is durable.
    pub async fn run<T: Send + 'static>(
        &self,
        write: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        if let Some(reason) = self.stopped.get() {
            return Err(Failed::Stopped(reason.clone()));
        }
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let written = connection.map(|connection| in_savepoint(connection, write));
            Box::new(move |failed| {
                let written = match (failed, written) {
                    (None, Some(written)) => written,
                    (reason, _) => Err(Failed::Stopped(reason.unwrap_or("no transaction could be begun").to_owned())),
                };
                // Nobody may be waiting any more.
                let _ = answer.send(written);
            })
        });
        let gone = || Failed::Stopped("the database's writer has ended; start the server again".into());
        self.work.as_ref().ok_or_else(gone)?.send(work).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was answered to whoever waited.
            let _ = thread.join();
        }
    }
}

fn in_savepoint<T>(
    connection: &mut Connection,
    write: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    connection.prepare_cached("SAVEPOINT piece")?.execute([])?;
    let written = at_once(write(&mut Tx::Lite(connection)));
    // After some errors SQLite has rolled back everything by itself, and there is no savepoint any more.
    if !connection.is_autocommit() {
        if written.is_err() {
            connection.prepare_cached("ROLLBACK TO piece")?.execute([])?;
        }
        connection.prepare_cached("RELEASE piece")?.execute([])?;
    }
    written
}

fn run(mut connection: Connection, file: &Path, mut waiting: mpsc::Receiver<Work>, stopped: &OnceLock<String>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while waiting.blocking_recv_many(&mut together, TOGETHER) > 0 {
        let mut answers = Vec::with_capacity(together.len());
        let failed = match stopped.get() {
            Some(reason) => Some(reason.clone()),
            None => transact(&mut connection, file, &mut together, &mut answers, stopped),
        };
        answers.extend(together.drain(..).map(|work| work(None)));
        for answer in answers {
            answer(failed.as_deref());
        }
        if stopped.get().is_none()
            && let Err(error) = copy_back(&connection)
        {
            stop(stopped, file, &error);
        }
    }
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
    together: &mut Vec<Work>,
    answers: &mut Vec<Answer>,
    stopped: &OnceLock<String>,
) -> Option<String> {
    if let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
        // Nothing was written, so the next transaction may well succeed.
        return Some(error.to_string());
    }
    for work in together.drain(..) {
        answers.push(work(Some(connection)));
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
