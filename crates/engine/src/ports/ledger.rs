//! [`Ledger`]: the entries, the head, and the rows of the state that belong to them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Digest, Timestamp};
use tlog::{Frontier, Hash};

use super::{CatalogChange, Trouble};

/// Where the ledger ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The tree: how many entries, and the hashes that its root follows from.
    pub frontier: Frontier,
    /// The time of the last entry.
    pub time: Timestamp,
}

/// One entry to append.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The canonical bytes.
    pub bytes: Bytes,
    /// Their RFC 6962 leaf hash.
    pub leaf: Hash,
}

/// A row of the state: the key's text and the aggregate's JSON, `None` to remove it.
pub type Row = (String, Option<Vec<u8>>);

/// What a command with an idempotency key was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The digest of the command.
    pub command: Digest,
    /// The index of its first entry.
    pub index: u64,
    /// How many entries it made, at least one.
    pub count: u64,
}

/// Everything that becomes true together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The head that this batch was decided on. Committing fails if the ledger ends elsewhere.
    pub expected: Head,
    /// The entries to append, in order.
    pub entries: Vec<NewEntry>,
    /// The head afterwards.
    pub next: Head,
    /// The rows of the state that the entries change.
    pub rows: Vec<Row>,
    /// The idempotency keys that the entries answer, each already made unique for its actor.
    pub requests: Vec<(String, Answered)>,
    /// What the entries change in the registry's catalog.
    pub catalog: Vec<CatalogChange>,
}

/// Why a batch was not committed. Nothing of it is visible.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// One of the requests was answered before: look them up, decide again.
    #[error("one of the requests was answered before")]
    Answered,
    /// Another writer was faster: read the tail, fold it, decide again.
    #[error("the ledger ends elsewhere: another writer was faster")]
    Conflict,
    /// Storage could not be reached, or its answer was not heard. Whether the batch is there, or is yet to be, is unknown: read the head and the tail,
    /// and decide again what is not there. A batch that lingers cannot be committed any more once the head has moved.
    #[error(transparent)]
    Unknown(Trouble),
    /// Storage broke. Whether the batch will be found after a restart is unknown, and nothing more is written until then.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// A turn at writing, where other processes write to the same ledger: see [`Ledger::turn_to_write`].
///
/// It ends with its commit, with [`WriteTurn::end`], or when it is dropped.
#[async_trait]
pub trait WriteTurn: Send {
    /// The entries from the index asked for, each once: where the turn begins.
    fn take_tail(&mut self) -> Vec<NewEntry>;

    /// Appends a batch, as [`Ledger::commit`] does.
    async fn commit(self: Box<Self>, batch: Batch) -> Result<(), CommitError>;

    /// Ends it without a commit.
    async fn end(self: Box<Self>) -> Result<(), Trouble>;
}

/// The append-only ledger, and the rows and tables that are committed with it.
///
/// * `commit` is atomic and durable: once it returned `Ok`, all of the batch survives any crash; otherwise none of it is visible.
/// * `commit` succeeds only if the ledger ends at `expected`: a compare-and-swap, so that two writers can never fork it.
/// * `commit` fails if one of the batch's requests was answered before, so that nothing is done twice under one key.
/// * Reads see every commit that returned before they began.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// The head; the default one for a ledger without entries.
    async fn head(&self) -> Result<Head, Trouble>;

    /// The entries from index `from` on, at most `limit`, in order and without gaps; empty at the end.
    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble>;

    /// The entries with these indices, in the order asked for; an index past the end is left out.
    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble>;

    /// The leaf hashes of the entries `from..to`, for cutting tiles without reading bodies.
    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Trouble>;

    /// The rows of the state with these keys, in the order asked for.
    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble>;

    /// Rows of the state in the order of their keys, beginning after `after`, at most `limit`; and the head that they belong to, both from
    /// one snapshot. Whoever compares rows with the entries relies on it.
    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble>;

    /// The rows of [`Ledger::rows_at_head`], for whoever knows that nothing is written meanwhile.
    async fn all_rows(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
        Ok(self.rows_at_head(after, limit).await?.1)
    }

    /// What these idempotency keys were answered with, in the order asked for.
    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble>;

    /// Appends a batch.
    async fn commit(&self, batch: Batch) -> Result<(), CommitError>;

    /// Where other processes write to the same ledger: waits for a turn at it, and reads the entries from `from` on, at most `limit`. While the turn lasts,
    /// nobody else has one, so what is decided on that tail is not decided in vain. Storage takes it back soon from a process that is stopped or cut
    /// off, and whoever does without may write all the same: what keeps the ledger from forking is the comparison of [`Ledger::commit`] alone.
    /// `None` where no other process writes.
    async fn turn_to_write(&self, _from: u64, _limit: usize) -> Result<Option<Box<dyn WriteTurn + '_>>, Trouble> {
        Ok(None)
    }

    /// Removes every row of the state, every answered key and the whole catalog, as the first step of a rebuild; from then on
    /// [`Ledger::rebuilding`], whatever happens to the process.
    async fn clear_derived(&self) -> Result<(), Trouble>;

    /// Writes derived rows without entries, as the further steps of a rebuild.
    async fn restore_derived(
        &self,
        rows: Vec<Row>,
        requests: Vec<(String, Answered)>,
        catalog: Vec<CatalogChange>,
    ) -> Result<(), Trouble>;

    /// Everything that is derived is there again: the last step of a rebuild.
    async fn end_rebuild(&self) -> Result<(), Trouble>;

    /// Whether a rebuild has begun and not ended, so that rows are missing.
    async fn rebuilding(&self) -> Result<bool, Trouble>;

    /// Where other processes write to the same ledger: waits until it has more than `from` entries, or a little while, and answers with the head.
    /// Where none does, this never returns.
    async fn moved(&self, _from: u64) -> Result<Head, Trouble> {
        std::future::pending().await
    }

    /// Whether other processes write to the same ledger, so that [`Ledger::moved`] returns.
    fn is_shared(&self) -> bool {
        false
    }

    /// Where other processes write to the same ledger: has this one do `work` alone for `lasts` from now on, by the clock of the storage, unless
    /// another does. Whoever has the turn renews it so. `None` while another has it; else a number, larger with each turn that begins, and the same
    /// for as long as no other had it in between. Where no other process writes, it is always this one's turn.
    async fn take_turn(&self, _work: &str, _lasts: Duration) -> Result<Option<u64>, Trouble> {
        Ok(Some(0))
    }

    /// Reads all that storage has, and says what contradicts itself: damage that no single read can see, such as a row that an index does
    /// not lead to any more. Empty where all is well.
    async fn contradictions(&self) -> Result<Vec<String>, Trouble>;
}
