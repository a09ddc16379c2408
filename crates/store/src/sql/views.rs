//! The [`Views`] port.

use async_trait::async_trait;
use domain::{Digest, ProjectName, ReleaseId, StageName, Timestamp};
use engine::ports::{HistoryRow, ReleaseRow, Trouble, ViewChange, Views};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Database, Failed, integer, natural, parsed};

#[async_trait]
impl Views for Database {
    async fn cursor(&self) -> Result<u64, Trouble> {
        self.read("the views' cursor", |connection| {
            let mut select = connection.prepare_cached("SELECT size FROM view_cursor WHERE id = 1")?;
            natural(select.query_row([], |row| row.get(0)).optional()?.unwrap_or(0), "the views' cursor")
        })
    }

    async fn fold(&self, changes: Vec<ViewChange>, cursor: u64) -> Result<(), Trouble> {
        let folded = self.write("the views", move |connection| {
            changes.iter().try_for_each(|change| add(connection, change))?;
            let set = "INSERT INTO view_cursor(id, size) VALUES (1, $1) ON CONFLICT(id) DO UPDATE SET size = excluded.size";
            connection.prepare_cached(set)?.execute([integer(cursor)])?;
            Ok(())
        });
        folded.await.map_err(|failed| self.trouble("the views", failed))
    }

    async fn clear(&self) -> Result<(), Trouble> {
        let cleared = self.write("the views", |connection| {
            for table in ["view_cursor", "history", "releases", "mentions", "project_entries"] {
                connection.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        });
        cleared.await.map_err(|failed| self.trouble("the views", failed))
    }

    async fn history(
        &self,
        project: &ProjectName,
        stage: Option<&StageName>,
        before: Option<u64>,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Trouble> {
        self.read("the history", |connection| {
            let select = "SELECT idx, at, stage, release, rolled_back, party, reason FROM history \
                          WHERE project = $1 AND ($2 = '' OR stage = $2) AND idx < $3 AND at <= $4 ORDER BY idx DESC LIMIT $5";
            let mut select = connection.prepare_cached(select)?;
            let stage = stage.map(StageName::as_str).unwrap_or_default();
            let (before, until) = (before.map_or(i64::MAX, integer), until.map_or(i64::MAX, Timestamp::as_millis));
            let mut rows = select.query(params![project.as_str(), stage, before, until, integer(limit as u64)])?;
            let mut history = Vec::new();
            while let Some(row) = rows.next()? {
                history.push(HistoryRow {
                    index: natural(row.get(0)?, "an index")?,
                    at: Timestamp::from_millis(row.get(1)?),
                    project: project.clone(),
                    stage: parsed(&row.get::<_, String>(2)?, "a stage")?,
                    release: parsed(&row.get::<_, String>(3)?, "a release")?,
                    rolled_back: row.get(4)?,
                    by: parsed(&row.get::<_, String>(5)?, "a party")?,
                    reason: row.get(6)?,
                });
            }
            Ok(history)
        })
    }

    async fn releases(&self, project: &ProjectName, before: Option<u64>, limit: usize) -> Result<Vec<ReleaseRow>, Trouble> {
        self.read("releases", |connection| {
            let select = "SELECT idx, at, release FROM releases WHERE project = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3";
            let mut select = connection.prepare_cached(select)?;
            let mut rows = select.query(params![project.as_str(), before.map_or(i64::MAX, integer), integer(limit as u64)])?;
            let mut releases = Vec::new();
            while let Some(row) = rows.next()? {
                releases.push(ReleaseRow {
                    index: natural(row.get(0)?, "an index")?,
                    at: Timestamp::from_millis(row.get(1)?),
                    project: project.clone(),
                    release: parsed(&row.get::<_, String>(2)?, "a release")?,
                });
            }
            Ok(releases)
        })
    }

    async fn releases_like(&self, project: &ProjectName, prefix: &str, limit: usize) -> Result<Vec<ReleaseId>, Trouble> {
        self.read("releases", |connection| {
            let select = "SELECT release FROM releases WHERE project = $1 AND release >= $2 AND release < $3 ORDER BY release LIMIT $4";
            let mut select = connection.prepare_cached(select)?;
            let (first, last) = (format!("sha256:{prefix}"), format!("sha256:{prefix}~"));
            let bound = params![project.as_str(), first, last, integer(limit as u64)];
            let rows = select.query_map(bound, |row| row.get::<_, String>(0))?;
            rows.map(|release| parsed(&release?, "a release")).collect()
        })
    }

    async fn about(&self, digest: &Digest, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let select = "SELECT idx FROM mentions WHERE digest = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        self.read("entries about a digest", |connection| indices(connection, select, digest.as_str(), from, limit))
    }

    async fn of_project(&self, project: &ProjectName, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let select = "SELECT idx FROM project_entries WHERE project = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
        self.read("entries about a project", |connection| indices(connection, select, project.as_str(), from, limit))
    }
}

fn indices(connection: &Connection, select: &str, what: &str, from: u64, limit: usize) -> Result<Vec<u64>, Failed> {
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map(params![what, integer(from), integer(limit as u64)], |row| row.get(0))?;
    rows.map(|index| natural(index?, "an index")).collect()
}

fn add(connection: &Connection, change: &ViewChange) -> Result<(), Failed> {
    let index = integer(change.index);
    let mut mention = connection.prepare_cached("INSERT INTO mentions(digest, idx) VALUES ($1, $2) ON CONFLICT DO NOTHING")?;
    for digest in &change.digests {
        mention.execute(params![digest.as_str(), index])?;
    }
    if let Some(project) = &change.project {
        let insert = "INSERT INTO project_entries(project, idx) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        connection.prepare_cached(insert)?.execute(params![project.as_str(), index])?;
    }
    if let Some(row) = &change.history {
        let insert = "INSERT INTO history(idx, at, project, stage, release, rolled_back, party, reason) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        connection.prepare_cached(insert)?.execute(params![
            index,
            row.at.as_millis(),
            row.project.as_str(),
            row.stage.as_str(),
            row.release.to_string(),
            i64::from(row.rolled_back),
            row.by.as_str(),
            row.reason,
        ])?;
    }
    if let Some(row) = &change.release {
        let insert = "INSERT INTO releases(idx, at, project, release) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        connection.prepare_cached(insert)?.execute(params![index, row.at.as_millis(), row.project.as_str(), row.release.to_string()])?;
    }
    Ok(())
}
