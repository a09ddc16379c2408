//! The [`Views`] port.

mod fold;

use async_trait::async_trait;
use domain::{Digest, ProjectName, ReleaseId, StageName, Timestamp};
use engine::ports::{HistoryRow, ReleaseRow, Trouble, ViewChange, Views};
use futures::FutureExt;

use super::{
    Database, Failed, integer,
    tx::{Row, Tx, V},
};

#[async_trait]
impl Views for Database {
    async fn cursor(&self) -> Result<u64, Trouble> {
        self.look_up("the views' cursor", |tx| cursor(tx).boxed()).await
    }

    async fn fold(&self, changes: Vec<ViewChange>, cursor: u64) -> Result<(), Trouble> {
        self.write("the views", move |tx| async move { fold::fold(tx, &changes, cursor).await }.boxed()).await
    }

    async fn clear(&self) -> Result<(), Trouble> {
        self.write("the views", |tx| fold::clear(tx).boxed()).await
    }

    async fn history(
        &self,
        project: &ProjectName,
        stage: Option<&StageName>,
        before: Option<u64>,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Trouble> {
        self.scan("the history", |tx| {
            async move {
                let select = match stage {
                    Some(_) => {
                        "SELECT idx, at, project, stage, release, rolled_back, party, reason, seal FROM history \
                     WHERE project = $1 AND idx < $2 AND at <= $3 AND stage = $5 ORDER BY idx DESC LIMIT $4"
                    }
                    None => {
                        "SELECT idx, at, project, stage, release, rolled_back, party, reason, seal FROM history \
                     WHERE project = $1 AND idx < $2 AND at <= $3 ORDER BY idx DESC LIMIT $4"
                    }
                };
                let until = until.map_or(i64::MAX, Timestamp::as_millis);
                let mut values = vec![V::T(project.as_str()), end(before), V::I(until), (limit as u64).into()];
                values.extend(stage.map(|stage| V::T(stage.as_str())));
                tx.rows(select, &values).await?.into_iter().map(history_row).collect()
            }
            .boxed()
        })
        .await
    }

    async fn releases(
        &self,
        project: &ProjectName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReleaseRow>, Trouble> {
        self.scan("releases", |tx| {
            async move {
                let select = "SELECT idx, at, project, release, seal FROM releases \
                          WHERE project = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3";
                let rows = tx.rows(select, &[V::T(project.as_str()), end(before), (limit as u64).into()]).await?;
                rows.into_iter().map(release_row).collect()
            }
            .boxed()
        })
        .await
    }

    async fn releases_like(
        &self,
        project: &ProjectName,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<ReleaseId>, Trouble> {
        self.scan("releases", |tx| {
            async move {
                let select = "SELECT idx, at, project, release, seal FROM releases \
                          WHERE project = $1 AND release >= $2 AND release < $3 ORDER BY release LIMIT $4";
                // Behind every hexadecimal digit stands the tilde.
                let (first, end) = (format!("sha256:{prefix}"), format!("sha256:{prefix}~"));
                let values = [V::T(project.as_str()), V::T(&first), V::T(&end), (limit as u64).into()];
                let rows = tx.rows(select, &values).await?;
                rows.into_iter().map(|row| release_row(row).map(|row| row.release)).collect()
            }
            .boxed()
        })
        .await
    }

    async fn about(&self, digest: &Digest, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let select = "SELECT digest, idx, seal FROM mentions WHERE digest = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        self.scan("entries about a digest", |tx| indices(tx, select, digest.as_str(), from, limit).boxed()).await
    }

    async fn of_project(&self, project: &ProjectName, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let select =
            "SELECT project, idx, seal FROM project_entries WHERE project = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        self.scan("entries about a project", |tx| indices(tx, select, project.as_str(), from, limit).boxed()).await
    }
}

async fn cursor(tx: &mut Tx<'_>) -> Result<u64, Failed> {
    let found = tx.row("SELECT id, size, seal FROM view_cursor WHERE id = 1", &[]).await?;
    let Some(row) = found else {
        let lost = tx.row("SELECT idx FROM mentions LIMIT 1", &[]).await?.is_some();
        return if lost { Err(Failed::Damaged("the views' cursor".into())) } else { Ok(0) };
    };
    row.unsealed(|| "the views' cursor".into())?.natural(1, "the views' cursor")
}

/// The index that the indices asked for are below.
fn end(before: Option<u64>) -> V<'static> {
    V::I(before.map_or(i64::MAX, integer))
}

async fn indices(tx: &mut Tx<'_>, select: &str, of: &str, from: u64, limit: usize) -> Result<Vec<u64>, Failed> {
    let rows = tx.rows(select, &[V::T(of), from.into(), (limit as u64).into()]).await?;
    let index = |row: Row| row.unsealed(|| format!("an index of what is about `{of}`"))?.natural(1, "an index");
    rows.into_iter().map(index).collect()
}

fn history_row(row: Row) -> Result<HistoryRow, Failed> {
    let row = row.unsealed(|| "a row of the history".into())?;
    Ok(HistoryRow {
        index: row.natural(0, "an index")?,
        at: row.time(1, "a time")?,
        project: row.parsed(2, "a project")?,
        stage: row.parsed(3, "a stage")?,
        release: row.parsed(4, "a release")?,
        rolled_back: row.integer(5, "a row of the history")? != 0,
        by: row.parsed(6, "a party")?,
        reason: row.text(7, "a reason")?.to_owned(),
    })
}

fn release_row(row: Row) -> Result<ReleaseRow, Failed> {
    let row = row.unsealed(|| "a row of the releases".into())?;
    Ok(ReleaseRow {
        index: row.natural(0, "an index")?,
        at: row.time(1, "a time")?,
        project: row.parsed(2, "a project")?,
        release: row.parsed(3, "a release")?,
    })
}
