//! The [`Views`] port.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::{Digest, ProjectName, ReleaseId, StageName, Timestamp};
use engine::ports::{HistoryRow, ReleaseRow, Trouble, ViewChange, Views};

use super::{Memory, locked};

#[derive(Debug, Default)]
pub(super) struct Kept {
    cursor: u64,
    history: BTreeMap<u64, HistoryRow>,
    releases: BTreeMap<u64, ReleaseRow>,
    mentions: BTreeSet<(Digest, u64)>,
    entries: BTreeSet<(ProjectName, u64)>,
}

#[async_trait]
impl Views for Memory {
    async fn cursor(&self) -> Result<u64, Trouble> {
        Ok(locked(&self.views).cursor)
    }

    async fn fold(&self, changes: Vec<ViewChange>, cursor: u64) -> Result<(), Trouble> {
        let mut kept = locked(&self.views);
        for change in changes {
            kept.mentions.extend(change.digests.into_iter().map(|digest| (digest, change.index)));
            kept.entries.extend(change.project.map(|project| (project, change.index)));
            kept.history.extend(change.history.map(|row| (row.index, row)));
            kept.releases.extend(change.release.map(|row| (row.index, row)));
        }
        kept.cursor = cursor;
        Ok(())
    }

    async fn clear(&self) -> Result<(), Trouble> {
        *locked(&self.views) = Kept::default();
        Ok(())
    }

    async fn history(
        &self,
        project: &ProjectName,
        stage: Option<&StageName>,
        before: Option<u64>,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Trouble> {
        let kept = locked(&self.views);
        let wanted = |row: &&HistoryRow| {
            row.project == *project
                && stage.is_none_or(|stage| row.stage == *stage)
                && before.is_none_or(|before| row.index < before)
                && until.is_none_or(|until| row.at <= until)
        };
        Ok(kept.history.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn releases(
        &self,
        project: &ProjectName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReleaseRow>, Trouble> {
        let kept = locked(&self.views);
        let wanted = |row: &&ReleaseRow| row.project == *project && before.is_none_or(|before| row.index < before);
        Ok(kept.releases.values().rev().filter(wanted).take(limit).cloned().collect())
    }

    async fn releases_like(
        &self,
        project: &ProjectName,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<ReleaseId>, Trouble> {
        let kept = locked(&self.views);
        let of_project = kept.releases.values().filter(|row| row.project == *project);
        let mut found: Vec<ReleaseId> = of_project
            .filter(|row| row.release.digest().hex().starts_with(prefix))
            .map(|row| row.release.clone())
            .collect();
        found.sort();
        found.truncate(limit);
        Ok(found)
    }

    async fn about(&self, digest: &Digest, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let kept = locked(&self.views);
        let found = kept.mentions.range((digest.clone(), from)..).take_while(|(about, _)| about == digest);
        Ok(found.map(|(_, index)| *index).take(limit).collect())
    }

    async fn of_project(&self, project: &ProjectName, from: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let kept = locked(&self.views);
        let found = kept.entries.range((project.clone(), from)..).take_while(|(about, _)| about == project);
        Ok(found.map(|(_, index)| *index).take(limit).collect())
    }
}
