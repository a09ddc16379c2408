//! The [`Ledger`] port.

use std::{collections::BTreeMap, ops::Bound};

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Answered, Batch, CatalogChange, CommitError, Head, Ledger, NewEntry, Row, Trouble};
use tlog::Hash;

use super::{Memory, catalog, locked};

/// What is committed together: entries, state, catalog.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Head,
    entries: Vec<NewEntry>,
    rows: BTreeMap<String, Vec<u8>>,
    requests: BTreeMap<String, Answered>,
    rebuilding: bool,
    pub catalog: catalog::Kept,
}

#[async_trait]
impl Ledger for Memory {
    async fn head(&self) -> Result<Head, Trouble> {
        Ok(locked(&self.ledger).head.clone())
    }

    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble> {
        let kept = locked(&self.ledger);
        Ok(kept.entries.iter().skip(place(from)).take(limit).map(|entry| entry.bytes.clone()).collect())
    }

    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble> {
        let kept = locked(&self.ledger);
        let entry = |index: &u64| Some((*index, kept.entries.get(place(*index))?.bytes.clone()));
        Ok(indices.iter().filter_map(entry).collect())
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Trouble> {
        let kept = locked(&self.ledger);
        let wanted = kept.entries.iter().take(place(to)).skip(place(from));
        Ok(wanted.map(|entry| entry.leaf).collect())
    }

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        let kept = locked(&self.ledger);
        Ok(keys.iter().map(|key| kept.rows.get(key).cloned()).collect())
    }

    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble> {
        let kept = locked(&self.ledger);
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = kept.rows.range::<str, _>((first, Bound::Unbounded)).take(limit);
        Ok((kept.head.clone(), rows.map(|(key, value)| (key.clone(), value.clone())).collect()))
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        let kept = locked(&self.ledger);
        Ok(keys.iter().map(|key| kept.requests.get(key).cloned()).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let mut kept = locked(&self.ledger);
        if kept.head != batch.expected {
            return Err(CommitError::Conflict);
        }
        if batch.requests.iter().any(|(key, _)| kept.requests.contains_key(key)) {
            return Err(CommitError::Answered);
        }
        kept.head = batch.next;
        kept.entries.extend(batch.entries);
        kept.derive(batch.rows, batch.requests, batch.catalog);
        Ok(())
    }

    async fn clear_derived(&self) -> Result<(), Trouble> {
        let mut kept = locked(&self.ledger);
        kept.rebuilding = true;
        kept.rows.clear();
        kept.requests.clear();
        kept.catalog.clear();
        Ok(())
    }

    async fn restore_derived(
        &self,
        rows: Vec<Row>,
        requests: Vec<(String, Answered)>,
        catalog: Vec<CatalogChange>,
    ) -> Result<(), Trouble> {
        locked(&self.ledger).derive(rows, requests, catalog);
        Ok(())
    }

    async fn end_rebuild(&self) -> Result<(), Trouble> {
        locked(&self.ledger).rebuilding = false;
        Ok(())
    }

    async fn rebuilding(&self) -> Result<bool, Trouble> {
        Ok(locked(&self.ledger).rebuilding)
    }

    async fn contradictions(&self) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }
}

impl Kept {
    fn derive(&mut self, rows: Vec<Row>, requests: Vec<(String, Answered)>, changes: Vec<CatalogChange>) {
        for (key, value) in rows {
            match value {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
        self.requests.extend(requests);
        changes.into_iter().for_each(|change| self.catalog.change(change));
    }
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
