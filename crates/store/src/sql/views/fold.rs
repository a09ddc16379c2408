//! Writing the views.

use std::collections::BTreeSet;

use domain::Digest;
use engine::ports::ViewChange;

use crate::sql::{
    Failed,
    insert::Insert,
    integer,
    locks::VIEWS,
    seal::{push_sealed, sealed},
    tx::{Tx, V},
};

const AGAIN: &str = "ON CONFLICT DO NOTHING";

static MENTIONS: Insert = Insert::new("mentions(digest, idx, seal)", 3, AGAIN);
static PROJECT_ENTRIES: Insert = Insert::new("project_entries(project, idx, seal)", 3, AGAIN);
static HISTORY: Insert =
    Insert::new("history(idx, at, project, stage, release, rolled_back, party, reason, seal)", 9, AGAIN);
static RELEASES: Insert = Insert::new("releases(idx, at, project, release, seal)", 5, AGAIN);

/// Adds changes, unless another replica was faster: several follow the ledger, and one at a time writes what it found.
pub(super) async fn fold(tx: &mut Tx<'_>, changes: &[ViewChange], cursor: u64) -> Result<(), Failed> {
    if tx.take_turn(VIEWS).await? && super::cursor(tx).await? >= cursor {
        return Ok(());
    }
    let (mut mentions, mut entries) = (Vec::new(), Vec::new());
    for change in changes {
        let digests: BTreeSet<&Digest> = change.digests.iter().collect();
        for digest in digests {
            push_sealed(&mut mentions, &[V::T(digest.as_str()), change.index.into()]);
        }
        if let Some(project) = &change.project {
            push_sealed(&mut entries, &[V::T(project.as_str()), change.index.into()]);
        }
    }
    MENTIONS.run(tx, &mentions).await?;
    PROJECT_ENTRIES.run(tx, &entries).await?;
    history(tx, changes).await?;
    releases(tx, changes).await?;
    let set = "INSERT INTO view_cursor(id, size, seal) VALUES ($1, $2, $3) \
               ON CONFLICT(id) DO UPDATE SET size = excluded.size, seal = excluded.seal";
    tx.run(set, &sealed(&[V::I(1), cursor.into()])).await?;
    Ok(())
}

async fn history(tx: &mut Tx<'_>, changes: &[ViewChange]) -> Result<(), Failed> {
    let rows: Vec<_> = changes.iter().filter_map(|change| change.history.as_ref()).collect();
    let releases: Vec<_> = rows.iter().map(|row| row.release.to_string()).collect();
    let mut values = Vec::with_capacity(rows.len() * 9);
    for (row, release) in rows.into_iter().zip(&releases) {
        let columns = [
            V::I(integer(row.index)),
            row.at.into(),
            V::T(row.project.as_str()),
            V::T(row.stage.as_str()),
            V::T(release),
            V::I(i64::from(row.rolled_back)),
            V::T(row.by.as_str()),
            V::T(&row.reason),
        ];
        push_sealed(&mut values, &columns);
    }
    HISTORY.run(tx, &values).await
}

async fn releases(tx: &mut Tx<'_>, changes: &[ViewChange]) -> Result<(), Failed> {
    let rows: Vec<_> = changes.iter().filter_map(|change| change.release.as_ref()).collect();
    let releases: Vec<_> = rows.iter().map(|row| row.release.to_string()).collect();
    let mut values = Vec::with_capacity(rows.len() * 5);
    for (row, release) in rows.into_iter().zip(&releases) {
        push_sealed(&mut values, &[row.index.into(), row.at.into(), V::T(row.project.as_str()), V::T(release)]);
    }
    RELEASES.run(tx, &values).await
}

pub(super) async fn clear(tx: &mut Tx<'_>) -> Result<(), Failed> {
    for table in ["view_cursor", "history", "releases", "mentions", "project_entries"] {
        tx.empty(table).await?;
    }
    Ok(())
}
