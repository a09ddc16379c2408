//! The thread that writes.

use std::{path::PathBuf, sync::OnceLock, sync::Arc, thread};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::Failed;

/// How many pieces of work wait at most before whoever brings another has to wait.
const WAITING: usize = 256;
/// How many pieces of work one transaction takes at most.
const TOGETHER: usize = 64;

/// What is run inside the transaction; it leaves behind what to do once the transaction has ended.
type Work = Box<dyn FnOnce(&Connection) -> Answer + Send>;
/// Gives the answer: with the reason if the commit failed.
type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

/// A handle to the thread. The thread ends when the handle is gone.
pub(super) struct Writer {
    work: mpsc::Sender<Work>,
    stopped: Arc<OnceLock<String>>,
}

impl Writer {
    pub fn start(connection: Connection, file: PathBuf) -> Self {
        let (work, waiting) = mpsc::channel(WAITING);
        let stopped = Arc::new(OnceLock::new());
        let shared = stopped.clone();
        thread::spawn(move || run(&connection, &file, waiting, &shared));
        Self { work, stopped }
    }

    pub async fn run<T: Send + 'static>(
        &self,
        what: &str,
        write: impl FnOnce(&Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        if let Some(reason) = self.stopped.get() {
            return Err(Failed::Stopped(reason.clone()));
        }
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let written = in_savepoint(connection, write);
            Box::new(move |failed| {
                let written = match failed {
                    Some(reason) => Err(Failed::Stopped(reason.to_owned())),
                    None => written,
                };
                // Nobody may be waiting any more.
                let _ = answer.send(written);
            })
        });
        let gone = || Failed::Stopped(format!("the database's writer ended while it was to write {what}"));
        self.work.send(work).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn in_savepoint<T>(connection: &Connection, write: impl FnOnce(&Connection) -> Result<T, Failed>) -> Result<T, Failed> {
    connection.prepare_cached("SAVEPOINT piece")?.execute([])?;
    let written = write(connection);
    if written.is_err() {
        connection.prepare_cached("ROLLBACK TO piece")?.execute([])?;
    }
    connection.prepare_cached("RELEASE piece")?.execute([])?;
    written
}

fn run(connection: &Connection, file: &std::path::Path, mut waiting: mpsc::Receiver<Work>, stopped: &OnceLock<String>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while waiting.blocking_recv_many(&mut together, TOGETHER) > 0 {
        let work = std::mem::take(&mut together);
        if stopped.get().is_none()
            && let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]))
        {
            let _ = stopped.set(format!("`{}` cannot be written: {error}; start the server again once it can", file.display()));
        }
        if let Some(reason) = stopped.get() {
            for work in work {
                refuse(connection, work, reason);
            }
            continue;
        }
        let answers: Vec<Answer> = work.into_iter().map(|work| work(connection)).collect();
        let failed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).err().map(|error| {
            let reason = format!("`{}` cannot be written: {error}; start the server again once it can", file.display());
            let _ = connection.execute_batch("ROLLBACK");
            stopped.get_or_init(|| reason).clone()
        });
        for answer in answers {
            answer(failed.as_deref());
        }
    }
}

/// Answers a piece of work that is not done any more. Its statements run nowhere: outside a transaction on a connection that only reads.
fn refuse(connection: &Connection, work: Work, reason: &str) {
    let _ = connection.pragma_update(None, "query_only", true);
    work(connection)(Some(reason));
}
