//! The [`Ledger`] port.

mod derive;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Answered, Batch, CatalogChange, CommitError, Head, Ledger, NewEntry, Row, Trouble};
use tlog::{Frontier, Hash, leaf_hash};

use super::{
    Database, Failed,
    insert::Insert,
    integer,
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
        self.look_up("the head", async |tx| head(tx).await)
    }

    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble> {
        self.scan("entries", async |tx| entries(tx, from, limit).await)
    }

    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble> {
        self.scan("entries", async |tx| entries_at(tx, indices).await)
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Trouble> {
        self.scan("leaf hashes", async |tx| leaves(tx, from, to).await)
    }

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        match keys.len() {
            0..=FEW => self.look_up("rows of the state", async |tx| derive::rows(tx, keys).await),
            _ => self.scan("rows of the state", async |tx| derive::rows(tx, keys).await),
        }
    }

    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble> {
        self.scan("rows of the state", async |tx| Ok((head(tx).await?, derive::all_rows(tx, after, limit).await?)))
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        match keys.len() {
            0..=FEW => self.look_up("answered requests", async |tx| derive::answered(tx, keys).await),
            _ => self.scan("answered requests", async |tx| derive::answered(tx, keys).await),
        }
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        // The ledger's writer does nothing else meanwhile, and commits most.
        let committed = self.writer.run_here(async move |tx| commit(tx, &batch).await).await;
        committed.map_err(|failed| match failed {
            Failed::Conflict => CommitError::Conflict,
            Failed::Answered => CommitError::Answered,
            other => CommitError::Trouble(self.not_written("entries", other)),
        })
    }

    async fn clear_derived(&self) -> Result<(), Trouble> {
        self.write("the derived tables", async |tx| derive::clear(tx).await).await
    }

    async fn restore_derived(
        &self,
        rows: Vec<Row>,
        requests: Vec<(String, Answered)>,
        catalog: Vec<CatalogChange>,
    ) -> Result<(), Trouble> {
        self.write("the derived tables", async move |tx| derive::write(tx, &rows, &requests, &catalog).await).await
    }

    async fn end_rebuild(&self) -> Result<(), Trouble> {
        self.write("the derived tables", async |tx| derive::end_rebuild(tx).await).await
    }

    async fn rebuilding(&self) -> Result<bool, Trouble> {
        self.look_up("whether a rebuild has ended", async |tx| derive::rebuilding(tx).await)
    }

    async fn contradictions(&self) -> Result<Vec<String>, Trouble> {
        self.scan("all tables", async |tx| tx.contradictions().await)
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
fn entry(mut row: tx::Row, index: u64) -> Result<Bytes, Failed> {
    expect_index(&row, index)?;
    let leaf = hash(&row.take_bytes(1, "a leaf hash")?)?;
    let body = row.take_bytes(2, "an entry")?;
    if leaf_hash(&body) == leaf { Ok(body.into()) } else { Err(Failed::Damaged(format!("entry {index}"))) }
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

async fn commit(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), Failed> {
    if head(tx).await? != batch.expected {
        return Err(Failed::Conflict);
    }
    ENTRIES.run(tx, &new_entries(batch.expected.frontier.size(), &batch.entries)).await?;
    let set = "INSERT INTO head(id, frontier, at, seal) VALUES ($1, $2, $3, $4) \
               ON CONFLICT(id) DO UPDATE SET frontier = excluded.frontier, at = excluded.at, seal = excluded.seal";
    let frontier = batch.next.frontier.to_bytes();
    tx.execute(set, &sealed(&[V::I(1), V::B(&frontier), batch.next.time.into()])).await?;
    derive::write(tx, &batch.rows, &batch.requests, &batch.catalog).await
}

fn new_entries(first: u64, entries: &[NewEntry]) -> Vec<V<'_>> {
    let mut values = Vec::with_capacity(entries.len() * 4);
    for (index, entry) in (first..).zip(entries) {
        push_sealed(&mut values, &[V::I(integer(index)), V::B(entry.leaf.as_bytes())]);
        values.push(V::B(&entry.bytes));
    }
    values
}
