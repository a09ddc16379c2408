//! The [`Ledger`] port.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;
use engine::ports::{Answered, Batch, CatalogChange, CommitError, Head, Ledger, Row, Trouble};
use rusqlite::{Connection, OptionalExtension, params};
use tlog::{Frontier, Hash, leaf_hash};

use super::{Database, Failed, catalog, integer, natural, parsed, sum};

#[async_trait]
impl Ledger for Database {
    async fn head(&self) -> Result<Head, Trouble> {
        self.read("the head", head)
    }

    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble> {
        self.read("entries", |connection| {
            let mut select = connection.prepare_cached("SELECT idx, body, leaf FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2")?;
            let mut rows = select.query(params![integer(from), integer(limit as u64)])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let expected = from + entries.len() as u64;
                if natural(row.get(0)?, "an index")? != expected {
                    return Err(Failed::Damaged(format!("the ledger: entry {expected} is missing")));
                }
                entries.push(entry(row.get(1)?, &row.get::<_, Vec<u8>>(2)?, expected)?);
            }
            Ok(entries)
        })
    }

    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble> {
        self.read("entries", |connection| {
            let mut select = connection.prepare_cached("SELECT body, leaf FROM entries WHERE idx = $1")?;
            let mut entries = Vec::with_capacity(indices.len());
            for index in indices {
                let found = select.query_row([integer(*index)], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
                if let Some((body, leaf)) = found {
                    entries.push((*index, entry(body, &leaf, *index)?));
                }
            }
            Ok(entries)
        })
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Trouble> {
        self.read("leaf hashes", |connection| {
            let mut select = connection.prepare_cached("SELECT leaf FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx")?;
            let rows = select.query_map(params![integer(from), integer(to)], |row| row.get::<_, Vec<u8>>(0))?;
            rows.map(|leaf| hash(&leaf?, "a leaf hash")).collect()
        })
    }

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        self.read("rows of the state", |connection| {
            let mut select = connection.prepare_cached("SELECT value, sum FROM state WHERE key = $1")?;
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                let found = select.query_row([key], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
                rows.push(found.map(|(value, stored)| checked(key, value, &stored)).transpose()?);
            }
            Ok(rows)
        })
    }

    async fn all_rows(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
        self.read("rows of the state", |connection| {
            let mut select = connection.prepare_cached("SELECT key, value, sum FROM state WHERE key > $1 ORDER BY key LIMIT $2")?;
            let mut rows = select.query(params![after.unwrap_or_default(), integer(limit as u64)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                let value = checked(&key, row.get(1)?, &row.get::<_, Vec<u8>>(2)?)?;
                found.push((key, value));
            }
            Ok(found)
        })
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        self.read("answered requests", |connection| {
            let mut select = connection.prepare_cached("SELECT command, idx, entries FROM requests WHERE key = $1")?;
            let mut answers = Vec::with_capacity(keys.len());
            for key in keys {
                let found = select.query_row([key], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))).optional()?;
                let answer = found.map(|(command, index, count)| {
                    Ok::<_, Failed>(Answered {
                        command: parsed(&command, "the digest of a command")?,
                        index: natural(index, "an index")?,
                        count: natural(count, "a count")?,
                    })
                });
                answers.push(answer.transpose()?);
            }
            Ok(answers)
        })
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let committed = self.write("entries", move |connection| commit(connection, &batch)).await;
        committed.map_err(|failed| match failed {
            Failed::Conflict => CommitError::Conflict,
            other => CommitError::Trouble(self.trouble("entries", other)),
        })
    }

    async fn clear_derived(&self) -> Result<(), Trouble> {
        let tables = ["state", "requests", "manifests", "tags", "parts"];
        let cleared = self.write("the derived tables", move |connection| {
            for table in tables {
                connection.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        });
        cleared.await.map_err(|failed| self.trouble("the derived tables", failed))
    }

    async fn restore_derived(&self, rows: Vec<Row>, requests: Vec<(String, Answered)>, catalog: Vec<CatalogChange>) -> Result<(), Trouble> {
        let restored = self.write("the derived tables", move |connection| derive(connection, &rows, &requests, &catalog)).await;
        restored.map_err(|failed| self.trouble("the derived tables", failed))
    }
}

fn head(connection: &Connection) -> Result<Head, Failed> {
    let mut select = connection.prepare_cached("SELECT frontier, at FROM head WHERE id = 1")?;
    let found = select.query_row([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))).optional()?;
    let Some((frontier, at)) = found else { return Ok(Head::default()) };
    let frontier = Frontier::from_bytes(&frontier).map_err(|error| Failed::Damaged(format!("the head ({error})")))?;
    Ok(Head { frontier, time: Timestamp::from_millis(at) })
}

fn commit(connection: &Connection, batch: &Batch) -> Result<(), Failed> {
    if head(connection)? != batch.expected {
        return Err(Failed::Conflict);
    }
    let mut insert = connection.prepare_cached("INSERT INTO entries(idx, body, leaf) VALUES ($1, $2, $3)")?;
    for (index, entry) in (batch.expected.frontier.size()..).zip(&batch.entries) {
        insert.execute(params![integer(index), &entry.bytes[..], entry.leaf.as_bytes()])?;
    }
    let set_head = "INSERT INTO head(id, frontier, at) VALUES (1, $1, $2) \
                    ON CONFLICT(id) DO UPDATE SET frontier = excluded.frontier, at = excluded.at";
    connection.prepare_cached(set_head)?.execute(params![batch.next.frontier.to_bytes(), batch.next.time.as_millis()])?;
    derive(connection, &batch.rows, &batch.requests, &batch.catalog)
}

fn derive(connection: &Connection, rows: &[Row], requests: &[(String, Answered)], changes: &[CatalogChange]) -> Result<(), Failed> {
    let put = "INSERT INTO state(key, value, sum) VALUES ($1, $2, $3) \
               ON CONFLICT(key) DO UPDATE SET value = excluded.value, sum = excluded.sum";
    let (mut put, mut remove) = (connection.prepare_cached(put)?, connection.prepare_cached("DELETE FROM state WHERE key = $1")?);
    for (key, value) in rows {
        match value {
            Some(value) => put.execute(params![key, value, sum(key, value)])?,
            None => remove.execute([key])?,
        };
    }
    let mut remember = connection.prepare_cached("INSERT INTO requests(key, command, idx, entries) VALUES ($1, $2, $3, $4)")?;
    for (key, answer) in requests {
        remember.execute(params![key, answer.command.as_str(), integer(answer.index), integer(answer.count)])?;
    }
    changes.iter().try_for_each(|change| catalog::change(connection, change))
}

/// An entry whose bytes are those that were hashed when it was written.
fn entry(body: Vec<u8>, leaf: &[u8], index: u64) -> Result<Bytes, Failed> {
    if leaf_hash(&body).as_bytes() == leaf { Ok(body.into()) } else { Err(Failed::Damaged(format!("entry {index}"))) }
}

fn checked(key: &str, value: Vec<u8>, stored: &[u8]) -> Result<Vec<u8>, Failed> {
    if sum(key, &value) == stored { Ok(value) } else { Err(Failed::Damaged(format!("the row `{key}` of the state"))) }
}

fn hash(bytes: &[u8], what: &str) -> Result<Hash, Failed> {
    bytes.try_into().map(Hash::from_bytes).map_err(|_| Failed::Damaged(what.to_owned()))
}
