//! The [`Ledger`] port.

mod derive;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Answered, Batch, CatalogChange, CommitError, Head, Ledger, NewEntry, Row, Trouble, WriteTurn};
use futures::FutureExt;
use tlog::{Frontier, Hash, leaf_hash};

use super::{
    Database, Failed,
    insert::Insert,
    integer,
    pg::{Address, PgTurn},
    replicas,
    seal::{push_sealed, sealed},
    tx::{self, Tx, V},
};

/// Up to this many rows are looked up without making room for other tasks first.
const FEW: usize = 64;

// An entry's leaf hash speaks for its body, and its seal for its leaf hash, so that leaf hashes can be read alone.
static ENTRIES: Insert = Insert::new("entries(idx, leaf, seal, body)", 4, "");

#[async_trait]
impl Ledger for Database {
    async fn head(&self) -> Result<Head, Trouble> {
        self.look_up("the head", |tx| head(tx).boxed()).await
    }

    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble> {
        self.scan("entries", |tx| entries(tx, from, limit).boxed()).await
    }

    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble> {
        self.scan("entries", |tx| entries_at(tx, indices).boxed()).await
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Trouble> {
        self.scan("leaf hashes", |tx| leaves(tx, from, to).boxed()).await
    }

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        match keys.len() {
            0..=FEW => self.look_up("rows of the state", |tx| derive::rows(tx, keys).boxed()).await,
            _ => self.scan("rows of the state", |tx| derive::rows(tx, keys).boxed()).await,
        }
    }

    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble> {
        self.scan("rows of the state", |tx| {
            async move { Ok((head(tx).await?, derive::all_rows(tx, after, limit).await?)) }.boxed()
        })
        .await
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        match keys.len() {
            0..=FEW => self.look_up("answered requests", |tx| derive::answered(tx, keys).boxed()).await,
            _ => self.scan("answered requests", |tx| derive::answered(tx, keys).boxed()).await,
        }
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let committed = match self {
            // The ledger's writer does nothing else meanwhile, and commits most.
            Self::Lite(lite) => lite.writer.run_here(async move |tx: &mut Tx<'_>| commit(tx, &batch).await).await,
            Self::Pg(postgres) => postgres.write(|tx| async move { commit(tx, &batch).await }.boxed()).await,
        };
        committed.map_err(|failed| match (failed, self) {
            (Failed::Conflict, _) => CommitError::Conflict,
            (Failed::Answered, _) => CommitError::Answered,
            (other, Self::Lite(_)) => CommitError::Trouble(self.not_written("entries", other)),
            (other, Self::Pg(postgres)) => not_committed(other, postgres.address()),
        })
    }

    async fn turn_to_write(&self, from: u64, limit: usize) -> Result<Option<Box<dyn WriteTurn + '_>>, Trouble> {
        let Self::Pg(postgres) = self else { return Ok(None) };
        match PgTurn::take(postgres, from, limit).await {
            Ok(turn) => Ok(Some(Box::new(turn))),
            Err(failed) => Err(Trouble::new(format!("take a turn at {self}"), failed)),
        }
    }

    async fn clear_derived(&self) -> Result<(), Trouble> {
        self.write("the derived tables", |tx| derive::clear(tx).boxed()).await
    }

    async fn restore_derived(
        &self,
        rows: Vec<Row>,
        requests: Vec<(String, Answered)>,
        catalog: Vec<CatalogChange>,
    ) -> Result<(), Trouble> {
        self.write("the derived tables", |tx| {
            async move { derive::write(tx, &rows, &requests, &catalog).await }.boxed()
        })
        .await
    }

    async fn end_rebuild(&self) -> Result<(), Trouble> {
        self.write("the derived tables", |tx| derive::end_rebuild(tx).boxed()).await
    }

    async fn rebuilding(&self) -> Result<bool, Trouble> {
        self.look_up("whether a rebuild has ended", |tx| derive::rebuilding(tx).boxed()).await
    }

    async fn moved(&self, from: u64) -> Result<Head, Trouble> {
        replicas::moved(self, from).await
    }

    fn is_shared(&self) -> bool {
        matches!(self, Self::Pg(_))
    }

    async fn take_turn(&self, work: &str, lasts: Duration) -> Result<Option<u64>, Trouble> {
        replicas::take_turn(self, work, lasts).await
    }

    async fn contradictions(&self) -> Result<Vec<String>, Trouble> {
        self.scan("all tables", |tx| tx.contradictions().boxed()).await
    }
}

async fn head(tx: &mut Tx<'_>) -> Result<Head, Failed> {
    let Some(row) = tx.row("SELECT id, frontier, at, seal FROM head WHERE id = 1", &[]).await? else {
        let lost = tx.row("SELECT idx FROM entries LIMIT 1", &[]).await?.is_some();
        return if lost { Err(Failed::Damaged("the head of the ledger".into())) } else { Ok(Head::default()) };
    };
    let mut row = row.unsealed(|| "the head of the ledger".into())?;
    let frontier = Frontier::from_bytes(&row.take_bytes(1, "the head of the ledger")?);
    let frontier = frontier.map_err(|error| Failed::Damaged(format!("the head of the ledger ({error})")))?;
    Ok(Head { frontier, time: row.time(2, "the head of the ledger")? })
}

/// Why PostgreSQL has not committed a batch, as far as that is known.
pub(super) fn not_committed(failed: Failed, address: &Address) -> CommitError {
    match failed {
        Failed::Conflict => CommitError::Conflict,
        Failed::Answered => CommitError::Answered,
        other => CommitError::Unknown(Trouble::new(format!("write entries to `{address}`"), other)),
    }
}

/// The entries from `from` on with their leaf hashes, at most `limit`.
pub(super) async fn tail(tx: &mut Tx<'_>, from: u64, limit: usize) -> Result<Vec<NewEntry>, Failed> {
    let select = "SELECT idx, leaf, body FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2";
    let rows = tx.rows(select, &[from.into(), (limit as u64).into()]).await?;
    (from..).zip(rows).map(|(index, row)| new_entry(row, index)).collect()
}

async fn entries(tx: &mut Tx<'_>, from: u64, limit: usize) -> Result<Vec<Bytes>, Failed> {
    let end = head(tx).await?.frontier.size().min(from.saturating_add(limit as u64));
    if from >= end {
        return Ok(Vec::new());
    }
    let select = "SELECT idx, leaf, body FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx";
    let rows = tx.rows(select, &[from.into(), end.into()]).await?;
    let found = (from..).zip(rows).map(|(index, row)| entry(row, index)).collect::<Result<Vec<_>, _>>()?;
    complete(found, from, end)
}

async fn entries_at(tx: &mut Tx<'_>, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Failed> {
    let size = head(tx).await?.frontier.size();
    let mut entries = Vec::with_capacity(indices.len());
    for index in indices.iter().copied().filter(|index| *index < size) {
        let found = tx.row("SELECT idx, leaf, body FROM entries WHERE idx = $1", &[index.into()]).await?;
        let row = found.ok_or_else(|| Failed::Damaged(format!("the ledger: entry {index} is missing; it")))?;
        entries.push((index, entry(row, index)?));
    }
    Ok(entries)
}

async fn leaves(tx: &mut Tx<'_>, from: u64, to: u64) -> Result<Vec<Hash>, Failed> {
    let end = head(tx).await?.frontier.size().min(to);
    if from >= end {
        return Ok(Vec::new());
    }
    let select = "SELECT idx, leaf, seal FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx";
    let rows = tx.rows(select, &[from.into(), end.into()]).await?;
    let leaf = |(index, row): (u64, tx::Row)| {
        let mut row = row.unsealed(|| format!("the leaf hash of entry {index}"))?;
        expect_index(&row, index)?;
        hash(&row.take_bytes(1, "a leaf hash")?)
    };
    let found = (from..).zip(rows).map(leaf).collect::<Result<Vec<_>, _>>()?;
    complete(found, from, end)
}

/// `found`, if it is what stands at the indices `from..end`.
fn complete<T>(found: Vec<T>, from: u64, end: u64) -> Result<Vec<T>, Failed> {
    let next = from + found.len() as u64;
    if next == end { Ok(found) } else { Err(Failed::Damaged(format!("the ledger: entry {next} is missing; it"))) }
}

/// An entry (its index, leaf hash and body) whose bytes are those that were hashed when it was written.
fn entry(row: tx::Row, index: u64) -> Result<Bytes, Failed> {
    new_entry(row, index).map(|entry| entry.bytes)
}

fn new_entry(mut row: tx::Row, index: u64) -> Result<NewEntry, Failed> {
    expect_index(&row, index)?;
    let leaf = hash(&row.take_bytes(1, "a leaf hash")?)?;
    let bytes = Bytes::from(row.take_bytes(2, "an entry")?);
    if leaf_hash(&bytes) == leaf {
        Ok(NewEntry { bytes, leaf })
    } else {
        Err(Failed::Damaged(format!("entry {index}")))
    }
}

fn expect_index(row: &tx::Row, index: u64) -> Result<(), Failed> {
    if row.natural(0, "an index")? == index {
        return Ok(());
    }
    Err(Failed::Damaged(format!("the ledger: entry {index} is missing; it")))
}

fn hash(bytes: &[u8]) -> Result<Hash, Failed> {
    bytes.try_into().map(Hash::from_bytes).map_err(|_| Failed::Damaged("a leaf hash".into()))
}

/// Appends a batch, if the ledger ends where it was decided on.
///
/// SQLite has one writer, which looks before it writes. On PostgreSQL a look would be a round trip, during which others wait, and be worth
/// nothing without a lock. Instead the entries go in first: of two writers that expect the same head, both have an entry with the next index, so one
/// waits for the other and is refused ([`Failed::Conflict`]). Whoever gets past that is alone, and moves the head, if it is the expected one.
/// So all of a commit is sent at once, and no replica can stop while others wait for what it says next.
pub(super) async fn commit(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), Failed> {
    if batch.entries.is_empty() {
        tx.hold_ledger().await?;
    }
    if !matches!(tx, Tx::Pg(_)) && head(tx).await? != batch.expected {
        return Err(Failed::Conflict);
    }
    ENTRIES.run(tx, &new_entries(batch.expected.frontier.size(), &batch.entries)).await?;
    move_head(tx, &batch.expected, &batch.next).await?;
    derive::write(tx, &batch.rows, &batch.requests, &batch.catalog).await?;
    replicas::tell(tx, batch.next.frontier.size()).await
}

async fn move_head(tx: &mut Tx<'_>, expected: &Head, next: &Head) -> Result<(), Failed> {
    let set = "INSERT INTO head(id, frontier, at, seal) VALUES ($1, $2, $3, $4) \
               ON CONFLICT(id) DO UPDATE SET frontier = excluded.frontier, at = excluded.at, seal = excluded.seal";
    // Another head makes the new one nothing, which the table refuses.
    let set_if = "INSERT INTO head(id, frontier, at, seal) SELECT $1, CASE WHEN EXISTS(\
                  SELECT 1 FROM head WHERE id = $1 AND frontier = $5 AND at = $6) THEN $2::bytea END, $3, $4 \
                  ON CONFLICT(id) DO UPDATE SET frontier = excluded.frontier, at = excluded.at, seal = excluded.seal";
    let set_first = "INSERT INTO head(id, frontier, at, seal) SELECT $1, CASE WHEN NOT EXISTS(\
                     SELECT 1 FROM head) THEN $2::bytea END, $3, $4";
    let frontier = next.frontier.to_bytes();
    let mut values = sealed(&[V::I(1), V::B(&frontier), next.time.into()]);
    let before = expected.frontier.to_bytes();
    match tx {
        Tx::Pg(_) if *expected == Head::default() => tx.run(set_first, &values).await,
        Tx::Pg(_) => {
            values.extend([V::B(&before), expected.time.into()]);
            tx.run(set_if, &values).await
        }
        _ => tx.run(set, &values).await,
    }
}

fn new_entries(first: u64, entries: &[NewEntry]) -> Vec<V<'_>> {
    let mut values = Vec::with_capacity(entries.len() * 4);
    for (index, entry) in (first..).zip(entries) {
        push_sealed(&mut values, &[V::I(integer(index)), V::B(entry.leaf.as_bytes())]);
        values.push(V::B(&entry.bytes));
    }
    values
}
