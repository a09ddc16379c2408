//! [`State`]: the fold of the ledger, as far as it is loaded.
//!
//! The state is made of *aggregates*, each with a [`Key`] and one row in storage. A shell holds any part of them in memory: before it
//! decides a command or applies an event it loads what [`State::needs`] and [`Key::of_event`] name. So memory does not grow with the
//! ledger, and start-up reads nothing but the system aggregate.
//!
//! # Invariants
//!
//! * A key that is not loaded reads as absent. Deciding with a needed key absent by mistake is the shell's bug, and `needs` its cure.
//! * Applying an event cannot fail: what the ledger says is true.

mod apply;
mod artifact;
mod delivery;
mod needs;
mod placed;
mod project;
mod release;
mod retention;
mod rows;
mod subject;
mod system;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use artifact::{Artifact, PARTS_MAX};
pub use placed::Placed;
pub use project::{Delivery, HISTORY_MAX, Health, Project, StageState, Tenure};
pub use release::{Approval, InStage, Left, Presence, Release};
pub use retention::{Ended, Lease, Observation, RecordedPlan, Retention};
pub(crate) use retention::{
    KEEPS_MAX, LEASE_LASTS_MAX, LEASES_MAX, LEASES_OF_ONE_MAX, OBSERVATION_LASTS_MAX, OBSERVATIONS_MAX, PLAN_LASTS,
};
pub use rows::{InvalidKey, InvalidRow};
pub use subject::{Evidence, GROUPS_MAX, STATEMENTS_MAX, Subject, Touched};
pub use system::{Hold, System, Token};

use crate::{Digest, Party, ProjectName, ReleaseId, RepositoryName, StageName, TagName, Timestamp, TokenId};

/// The name of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// What concerns the whole ledger: holds, the names of projects.
    System,
    /// A project: its configuration.
    Project(ProjectName),
    /// What a stage has.
    Stage(ProjectName, StageName),
    /// A release.
    Release(ProjectName, ReleaseId),
    /// What is known about a digest within a project.
    Subject(ProjectName, Digest),
    /// An access token.
    Token(TokenId),
    /// What an artifact of a repository consists of: no row, but looked up in the catalog.
    Artifact(RepositoryName, Digest),
    /// A project's retention.
    Retention(ProjectName),
    /// What stands in the way of a manifest's going: no row, but looked up in the catalog.
    Manifest(RepositoryName, Digest),
    /// What a tag attaches its manifest to: no row, but looked up in the catalog.
    Tag(RepositoryName, TagName),
}

/// A thing that somebody did at some time for some reason, and the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Who.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The index of the entry.
    pub index: u64,
}

/// The fold of the ledger up to [`State::size`], as far as it is loaded.
#[derive(Clone, Debug, Default)]
pub struct State {
    size: u64,
    time: Timestamp,
    system: Arc<System>,
    projects: BTreeMap<ProjectName, Option<Arc<Project>>>,
    releases: BTreeMap<(ProjectName, ReleaseId), Option<Arc<Release>>>,
    subjects: BTreeMap<(ProjectName, Digest), Option<Arc<Subject>>>,
    tokens: BTreeMap<TokenId, Option<Arc<Token>>>,
    artifacts: BTreeMap<(RepositoryName, Digest), Arc<Artifact>>,
    retentions: BTreeMap<ProjectName, Option<Arc<Retention>>>,
    placed: BTreeMap<(RepositoryName, Digest), Arc<Placed>>,
    tags: BTreeMap<(RepositoryName, TagName), Arc<Option<Digest>>>,
    changed: BTreeSet<Key>,
}

impl State {
    /// An empty state that stands after `size` entries, the last of them at `time`: aggregates are loaded into it from storage.
    pub fn resume(size: u64, time: Timestamp) -> Self {
        Self { size, time, ..Self::default() }
    }

    /// How many entries were applied: the index of the next one.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The time of the last entry.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What concerns the whole ledger.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// A project, if it is loaded and exists.
    pub fn project(&self, name: &ProjectName) -> Option<&Arc<Project>> {
        self.projects.get(name)?.as_ref()
    }

    /// A release, if it is loaded and exists.
    pub fn release(&self, project: &ProjectName, id: &ReleaseId) -> Option<&Arc<Release>> {
        self.releases.get(&(project.clone(), id.clone()))?.as_ref()
    }

    /// What is known about a digest in a project, if it is loaded and anything is.
    pub fn subject(&self, project: &ProjectName, digest: &Digest) -> Option<&Arc<Subject>> {
        self.subjects.get(&(project.clone(), digest.clone()))?.as_ref()
    }

    /// A token, if it is loaded and exists.
    pub fn token(&self, id: &TokenId) -> Option<&Arc<Token>> {
        self.tokens.get(id)?.as_ref()
    }

    /// A project's retention, if it is loaded and anything is known of it.
    pub fn retention(&self, project: &ProjectName) -> Option<&Retention> {
        self.retentions.get(project)?.as_deref()
    }

    /// What stands in the way of a manifest's going, if that is loaded.
    pub fn placed(&self, repository: &RepositoryName, digest: &Digest) -> Option<&Placed> {
        self.placed.get(&(repository.clone(), digest.clone())).map(|placed| &**placed)
    }

    /// What a tag attaches its manifest to, if that is loaded and the tag does so.
    pub(crate) fn tagged(&self, repository: &RepositoryName, tag: &TagName) -> Option<&Digest> {
        (**self.tags.get(&(repository.clone(), tag.clone()))?).as_ref()
    }

    /// The digests that are held in `project` or kept there, as far as they could be releases.
    pub(crate) fn held_or_kept(&self, project: &ProjectName) -> impl Iterator<Item = ReleaseId> {
        let held = self.system.holds.keys().filter(|digest| self.system.hold_on(digest, project).is_some());
        let kept = self.retention(project).into_iter().flat_map(|retention| retention.keeps.keys());
        held.chain(kept).filter_map(|digest| digest.as_str().parse().ok())
    }

    /// How many aggregates are loaded.
    pub fn loaded(&self) -> usize {
        let rows = self.projects.len() + self.releases.len() + self.subjects.len() + self.tokens.len();
        rows + self.artifacts.len() + self.retentions.len() + self.placed.len() + self.tags.len()
    }

    /// Forgets every loaded aggregate except the system. Only right when nothing is [changed](Self::take_changed).
    pub fn unload(&mut self) {
        self.projects.clear();
        self.releases.clear();
        self.subjects.clear();
        self.tokens.clear();
        self.artifacts.clear();
        self.retentions.clear();
        self.placed.clear();
        self.tags.clear();
    }

    /// Takes over the aggregates `keys` of `from`, loaded there, and stands where `from` stands: how readers follow the writer.
    pub fn adopt(&mut self, from: &Self, keys: &BTreeSet<Key>) {
        for key in keys {
            match key {
                Key::System => self.system = from.system.clone(),
                Key::Project(project) => drop(self.projects.insert(project.clone(), from.project(project).cloned())),
                Key::Stage(project, stage) => {
                    let state = from.project(project).and_then(|known| known.stages.get(stage));
                    if let Some(Some(known)) = self.projects.get_mut(project) {
                        let stages = &mut Arc::make_mut(known).stages;
                        match state {
                            Some(state) => drop(stages.insert(stage.clone(), state.clone())),
                            None => drop(stages.remove(stage)),
                        }
                    }
                }
                Key::Release(project, id) => {
                    self.releases.insert((project.clone(), id.clone()), from.release(project, id).cloned());
                }
                Key::Subject(project, digest) => {
                    // A manifest may have come or gone, and with it parts of others.
                    self.forget_artifacts();
                    self.subjects.insert((project.clone(), digest.clone()), from.subject(project, digest).cloned());
                }
                Key::Token(token) => drop(self.tokens.insert(token.clone(), from.token(token).cloned())),
                Key::Retention(project) => {
                    drop(self.retentions.insert(project.clone(), from.retentions.get(project).cloned().flatten()));
                }
                Key::Artifact(..) | Key::Manifest(..) | Key::Tag(..) => {}
            }
        }
        self.size = from.size;
        self.time = from.time;
    }

    /// Forgets the aggregates `keys`, which somebody else has changed, or which were changed in vain: they are loaded again when they are needed. The
    /// system aggregate is never forgotten; load it anew.
    pub fn forget(&mut self, keys: &BTreeSet<Key>) {
        for key in keys {
            match key {
                Key::System => {}
                Key::Project(project) => drop(self.projects.remove(project)),
                Key::Stage(project, stage) => {
                    if let Some(Some(known)) = self.projects.get_mut(project) {
                        Arc::make_mut(known).stages.remove(stage);
                    }
                }
                Key::Release(project, id) => drop(self.releases.remove(&(project.clone(), id.clone()))),
                Key::Subject(project, digest) => {
                    // A manifest may have come or gone, and with it parts of others.
                    self.forget_artifacts();
                    self.subjects.remove(&(project.clone(), digest.clone()));
                }
                Key::Token(token) => drop(self.tokens.remove(token)),
                Key::Artifact(repository, digest) => {
                    self.artifacts.remove(&(repository.clone(), digest.clone()));
                }
                Key::Retention(project) => drop(self.retentions.remove(project)),
                Key::Manifest(repository, digest) => {
                    self.placed.remove(&(repository.clone(), digest.clone()));
                }
                Key::Tag(repository, tag) => drop(self.tags.remove(&(repository.clone(), tag.clone()))),
            }
        }
        self.changed.clear();
    }

    /// Applies the entry at `index`, leaving out those between: for the fold of one project's entries.
    pub fn apply_at(&mut self, index: u64, entry: &crate::Entry) {
        self.size = index;
        self.apply(entry);
    }

    /// Says where a fold that left entries out stands: after `size` entries, at `time`.
    pub fn stand_at(&mut self, size: u64, time: Timestamp) {
        self.size = size;
        self.time = time;
    }

    /// The keys that events changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }
}
