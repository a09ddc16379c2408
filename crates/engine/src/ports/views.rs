//! [`Views`]: read models that followers keep, thrown away and refolded at will.

use async_trait::async_trait;
use domain::{Digest, Party, ProjectName, ReleaseId, StageName, Timestamp};

use super::Trouble;

/// One transition of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The entry.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// What is current since then.
    pub release: ReleaseId,
    /// Whether by a rollback.
    pub rolled_back: bool,
    /// Who.
    pub by: Party,
    /// Why.
    pub reason: String,
}

/// A release in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// The entry that created it.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub release: ReleaseId,
}

/// What one entry adds to the views.
#[derive(Clone, Debug, Default)]
pub struct ViewChange {
    /// The entry's index.
    pub index: u64,
    /// The project that the entry is about.
    pub project: Option<ProjectName>,
    /// The digests that the entry is about.
    pub digests: Vec<Digest>,
    /// A transition of a stage.
    pub history: Option<HistoryRow>,
    /// A new release.
    pub release: Option<ReleaseRow>,
}

/// The read models. They trail the ledger: [`Views::cursor`] says by how much, and whoever needs more waits for it.
#[async_trait]
pub trait Views: Send + Sync + 'static {
    /// How many entries the views take into account.
    async fn cursor(&self) -> Result<u64, Trouble>;

    /// Adds changes and moves the cursor to `cursor`, atomically; a change that is there already is not added twice. Where
    /// several processes fold, a cursor that is past `cursor` stays, and nothing is added.
    async fn fold(&self, changes: Vec<ViewChange>, cursor: u64) -> Result<(), Trouble>;

    /// Throws everything away and puts the cursor to zero.
    async fn clear(&self) -> Result<(), Trouble>;

    /// The transitions of a project, or of one of its stages, latest first, from before entry `before`, not after `until`, at most `limit`.
    async fn history(
        &self,
        project: &ProjectName,
        stage: Option<&StageName>,
        before: Option<u64>,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Trouble>;

    /// The releases of a project, latest first, from before entry `before`, at most `limit`.
    async fn releases(
        &self,
        project: &ProjectName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReleaseRow>, Trouble>;

    /// The releases of a project whose id begins with `prefix` (lower-case hexadecimal), at most `limit`.
    async fn releases_like(&self, project: &ProjectName, prefix: &str, limit: usize)
    -> Result<Vec<ReleaseId>, Trouble>;

    /// The entries about a digest, in order, from index `from` on, at most `limit`.
    async fn about(&self, digest: &Digest, from: u64, limit: usize) -> Result<Vec<u64>, Trouble>;

    /// The entries about a project, in order, from index `from` on, at most `limit`.
    async fn of_project(&self, project: &ProjectName, from: u64, limit: usize) -> Result<Vec<u64>, Trouble>;
}
