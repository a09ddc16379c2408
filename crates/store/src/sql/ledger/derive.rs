//! What follows from the entries and is committed with them: rows of the state, answered requests, the catalog.

use std::collections::BTreeMap;

use engine::ports::{Answered, CatalogChange, Row};

use crate::sql::{
    Failed, catalog,
    insert::Insert,
    integer,
    seal::push_sealed,
    tx::{self, Tx, V},
};

/// How many keys one statement looks up.
const LOOKED_UP: [usize; 3] = [64, 8, 1];

static STATE: Insert = Insert::new(
    "state(key, value, seal)",
    3,
    "ON CONFLICT(key) DO UPDATE SET value = excluded.value, seal = excluded.seal",
);
static REQUESTS: Insert = Insert::new("requests(key, command, idx, entries, seal)", 5, "");

pub(super) async fn rows(tx: &mut Tx<'_>, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Failed> {
    let mut found = BTreeMap::new();
    for row in rows_in(tx, "SELECT key, value, seal FROM state WHERE key IN", keys).await? {
        let (key, value) = value(row)?;
        found.insert(key, value);
    }
    let none: Vec<String> = keys.iter().filter(|key| !found.contains_key(*key)).cloned().collect();
    // A hold or a veto that was lost would be as if it had never been there. See `Tx::expect_none`.
    if let Some(lost) = rows_in(tx, "SELECT key FROM state WHERE key || '' IN", &none).await?.first() {
        let key = lost.text(0, "a key of the state")?;
        return Err(Failed::Damaged(format!("the index that leads to the row `{key}` of the state")));
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

/// The rows that `select` finds, whose last word is `IN`.
async fn rows_in(tx: &mut Tx<'_>, select: &str, keys: &[String]) -> Result<Vec<tx::Row>, Failed> {
    let mut found = Vec::with_capacity(keys.len());
    for keys in keys.chunks(LOOKED_UP[0]) {
        // Few sizes, so that statements stay prepared; the last key fills the places that are left.
        let size = LOOKED_UP.into_iter().rfind(|size| *size >= keys.len()).unwrap_or(LOOKED_UP[0]);
        let places: Vec<_> = (1..=size).map(|place| format!("${place}")).collect();
        let filled = keys.iter().chain(std::iter::repeat(&keys[keys.len() - 1])).take(size);
        let values: Vec<_> = filled.map(|key| V::T(key)).collect();
        found.extend(tx.rows(&format!("{select} ({})", places.join(", ")), &values).await?);
    }
    Ok(found)
}

pub(super) async fn all_rows(
    tx: &mut Tx<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, Failed> {
    let select = "SELECT key, value, seal FROM state WHERE key > $1 ORDER BY key LIMIT $2";
    let rows = tx.rows(select, &[V::T(after.unwrap_or_default()), (limit as u64).into()]).await?;
    rows.into_iter().map(value).collect()
}

fn value(row: tx::Row) -> Result<(String, Vec<u8>), Failed> {
    let key = row.text(0, "a key of the state")?.to_owned();
    let mut row = row.unsealed(|| format!("the row `{key}` of the state"))?;
    let value = row.take_bytes(1, "a row of the state")?;
    Ok((key, value))
}

pub(super) async fn answered(tx: &mut Tx<'_>, keys: &[String]) -> Result<Vec<Option<Answered>>, Failed> {
    let mut found = BTreeMap::new();
    for row in rows_in(tx, "SELECT key, command, idx, entries, seal FROM requests WHERE key IN", keys).await? {
        let (key, answer) = answer(row)?;
        found.insert(key, answer);
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

fn answer(row: tx::Row) -> Result<(String, Answered), Failed> {
    let row = row.unsealed(|| "an answered request".into())?;
    let key = row.text(0, "the key of an answered request")?.to_owned();
    let answered = Answered {
        command: row.parsed(1, "the digest of a command")?,
        index: row.natural(2, "the index of an answered request")?,
        count: row.natural(3, "the entries of an answered request")?,
    };
    Ok((key, answered))
}

pub(super) async fn clear(tx: &mut Tx<'_>) -> Result<(), Failed> {
    tx.run("INSERT INTO rebuild(id) VALUES (1) ON CONFLICT(id) DO NOTHING", &[]).await?;
    for table in ["state", "requests", "manifests", "tags", "parts"] {
        tx.empty(table).await?;
    }
    Ok(())
}

pub(super) async fn end_rebuild(tx: &mut Tx<'_>) -> Result<(), Failed> {
    tx.run("DELETE FROM rebuild", &[]).await
}

pub(super) async fn rebuilding(tx: &mut Tx<'_>) -> Result<bool, Failed> {
    Ok(tx.row("SELECT id FROM rebuild", &[]).await?.is_some())
}

pub(super) async fn write(
    tx: &mut Tx<'_>,
    rows: &[Row],
    requests: &[(String, Answered)],
    changes: &[CatalogChange],
) -> Result<(), Failed> {
    // The last of several rows with one key is the one that counts.
    let last: BTreeMap<&str, Option<&[u8]>> = rows.iter().map(|(key, value)| (&**key, value.as_deref())).collect();
    let mut values = Vec::with_capacity(last.len() * 3);
    for (key, value) in last {
        match value {
            Some(value) => push_sealed(&mut values, &[V::T(key), V::B(value)]),
            None => tx.run("DELETE FROM state WHERE key = $1", &[V::T(key)]).await?,
        }
    }
    STATE.run(tx, &values).await?;
    let mut values = Vec::with_capacity(requests.len() * 5);
    for (key, answer) in requests {
        let columns =
            [V::T(key), V::T(answer.command.as_str()), V::I(integer(answer.index)), V::I(integer(answer.count))];
        push_sealed(&mut values, &columns);
    }
    REQUESTS.run(tx, &values).await.map_err(|failed| if failed.is_duplicate() { Failed::Answered } else { failed })?;
    for change in changes {
        catalog::change(tx, change).await?;
    }
    Ok(())
}
