//! A project with its stages.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::Mark;
use crate::{ComponentName, Contents, Digest, ProjectConfig, ReleaseId, RepositoryName, StageName, Timestamp};

/// How many earlier releases a stage keeps at hand: its rollback window. Older ones are in the ledger and the views.
pub const HISTORY_MAX: usize = 5;

/// A project: its configuration in force and what each stage has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The configuration in force.
    pub config: Arc<ProjectConfig>,
    /// Who put it in force, and when.
    pub applied: Mark,
    /// What each stage has: rows of their own, so that a promotion does not write the whole project. A stage that is not loaded, or was
    /// never touched, reads as empty.
    #[serde(skip)]
    pub stages: BTreeMap<StageName, Arc<StageState>>,
}

/// What a stage has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageState {
    /// The release that is current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Settled>,
    /// The releases that were current before, the latest first, at most [`HISTORY_MAX`].
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub earlier: VecDeque<Arc<Settled>>,
    /// The stage is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Mark>,
    /// The stage is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Mark>,
    /// The last report of how the current release does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// A release that is or was current in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The release.
    pub release: ReleaseId,
    /// What it is made of.
    pub contents: Contents,
    /// Who put it there, when and why; the entry is its promotion or rollback.
    pub mark: Mark,
}

/// A report of how a stage does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Whether it does well.
    pub healthy: bool,
    /// Since when it has been reported so, without a different report in between.
    pub since: Timestamp,
    /// The report.
    pub mark: Mark,
}

impl Project {
    /// What `stage` has, empty if nothing ever happened there.
    pub fn stage(&self, stage: &StageName) -> &StageState {
        static EMPTY: StageState =
            StageState { current: None, earlier: VecDeque::new(), pinned: None, paused: None, health: None };
        self.stages.get(stage).map_or(&EMPTY, |state| state)
    }
}

impl Project {
    /// What stages have of components whose repository is another one under `after`: the component, its repository then, the stage, and
    /// the artifact.
    pub(crate) fn moving<'a>(
        &'a self,
        after: &'a ProjectConfig,
    ) -> impl Iterator<Item = (&'a ComponentName, RepositoryName, &'a StageName, &'a Digest)> {
        let moved = after.components.keys().filter_map(|component| {
            let repository = after.repository(component)?;
            (self.config.repository(component)? != repository).then_some((component, repository))
        });
        moved.flat_map(|(component, repository)| {
            self.stages.iter().filter_map(move |(stage, there)| {
                let digest = there.current.as_ref()?.contents.components.get(component)?;
                Some((component, repository.clone(), stage, digest))
            })
        })
    }
}

impl StageState {
    /// The latest release that was current before and is another one than the current.
    pub fn previous(&self) -> Option<&Settled> {
        let current = self.current.as_ref().map(|settled| &settled.release);
        self.earlier.iter().map(|settled| &**settled).find(|settled| Some(&settled.release) != current)
    }

    /// The current release and those of the rollback window.
    pub fn recent(&self) -> impl Iterator<Item = &Settled> {
        self.current.iter().chain(self.earlier.iter().map(|settled| &**settled))
    }

    /// Whether `digest` is part of the current release or of one in the rollback window.
    pub fn has_promoted(&self, digest: &Digest) -> bool {
        self.recent().any(|settled| settled.contents.digests().any(|part| part == digest))
    }

    pub(super) fn settle(&mut self, settled: Settled) {
        if let Some(before) = self.current.replace(settled) {
            self.earlier.push_front(Arc::new(before));
            self.earlier.truncate(HISTORY_MAX);
        }
        self.health = None;
    }
}
