//! [`PgTurn`]: a turn at writing to the ledger.

use async_trait::async_trait;
use engine::ports::{Batch, CommitError, NewEntry, Trouble, WriteTurn};
use tokio::time::timeout;

use super::{Failed, Open, PATIENCE, Postgres, silent};
use crate::sql::{ledger, locks::WRITING, tx::V};

/// The lock is waited for only so long, and kept from others only so long by whoever says nothing: this is how long a replica that is stopped, or cut
/// off, can hold up the others. PostgreSQL sees to both, so no replica's clock matters.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '2s'; \
     SET LOCAL idle_in_transaction_session_timeout = '500ms'";

/// A transaction that has the lock of whoever writes to the ledger.
pub(in crate::sql) struct PgTurn<'p> {
    postgres: &'p Postgres,
    open: Open<'p>,
    tail: Vec<NewEntry>,
}

impl<'p> PgTurn<'p> {
    /// Waits for the turn, and reads the entries from `from` on, at most `limit`.
    pub async fn take(postgres: &'p Postgres, from: u64, limit: usize) -> Result<Self, Failed> {
        let taking = async {
            let mut open = postgres.begin(BEGIN).await?;
            // What is read after the lock was waited for sees all that was committed under it.
            open.tx.run("SELECT pg_advisory_xact_lock($1)", &[V::I(WRITING)]).await?;
            match ledger::tail(&mut open.tx, from, limit).await {
                Ok(tail) => Ok(Self { postgres, open, tail }),
                Err(failed) => postgres.finish(open, Err(failed)).await,
            }
        };
        timeout(PATIENCE, taking).await.unwrap_or_else(|_| Err(silent()))
    }
}

#[async_trait]
impl WriteTurn for PgTurn<'_> {
    fn take_tail(&mut self) -> Vec<NewEntry> {
        std::mem::take(&mut self.tail)
    }

    async fn commit(self: Box<Self>, batch: Batch) -> Result<(), CommitError> {
        let Self { postgres, mut open, .. } = *self;
        let committing = async {
            let written = ledger::commit(&mut open.tx, &batch).await;
            postgres.finish(open, written).await
        };
        let committed = timeout(PATIENCE, committing).await.unwrap_or_else(|_| Err(silent()));
        committed.map_err(|failed| ledger::not_committed(failed, postgres.address()))
    }

    async fn end(self: Box<Self>) -> Result<(), Trouble> {
        let Self { postgres, open, .. } = *self;
        let ended = timeout(PATIENCE, postgres.finish(open, Ok(()))).await.unwrap_or_else(|_| Err(silent()));
        ended.map_err(|failed| Trouble::new(format!("end a turn at `{}`", postgres.address()), failed))
    }
}
