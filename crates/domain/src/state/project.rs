//! A project with its stages.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::Mark;
use crate::{
    ComponentName, Contents, Digest, Due, ProjectConfig, ReleaseId, RepositoryName, StageName, TargetName, Timestamp,
};

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
    pub current: Option<Tenure>,
    /// The releases that were current before, the latest first, at most [`HISTORY_MAX`].
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub earlier: VecDeque<Arc<Tenure>>,
    /// The stage is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Mark>,
    /// The stage is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Mark>,
    /// The last report of how the current release does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// What was learnt of the deliveries of the current release, by target: of a target that is not named, nothing yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deliveries: BTreeMap<TargetName, Delivery>,
}

/// A release that is or was current in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenure {
    /// The release.
    pub release: ReleaseId,
    /// What it is made of.
    pub contents: Contents,
    /// Who put it there, when and why; the entry is its promotion or rollback.
    pub mark: Mark,
    /// The stage delivers, and not every target has it, or had it when it left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
}

/// What was learnt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Delivery {
    /// The target has the release: every digest was read back there.
    Delivered {
        /// When that was known.
        at: Timestamp,
        /// The entry.
        index: u64,
    },
    /// It was tried several times, and is tried again.
    Failing {
        /// When that was recorded.
        at: Timestamp,
        /// The entry.
        index: u64,
        /// How often it had been tried by then.
        tries: u64,
        /// Why it did not succeed the last time.
        reason: String,
    },
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
        static EMPTY: StageState = StageState {
            current: None,
            earlier: VecDeque::new(),
            pinned: None,
            paused: None,
            health: None,
            deliveries: BTreeMap::new(),
        };
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

impl Project {
    /// What is still to be delivered.
    pub fn due(&self) -> Vec<Due> {
        let mut due = Vec::new();
        for (stage, there) in &self.stages {
            let Some(current) = &there.current else { continue };
            let place = |(component, digest): (&ComponentName, &Digest)| {
                (component.clone(), (self.config.repository(component), digest.clone()))
            };
            for (target, to) in self.config.targets(stage).iter().filter(|(target, _)| !there.is_delivered(target)) {
                due.push(Due {
                    project: self.config.project.clone(),
                    stage: stage.clone(),
                    release: current.release.clone(),
                    promotion: current.mark.index,
                    target: target.clone(),
                    to: to.clone(),
                    artifacts: current.contents.components.iter().map(place).collect(),
                });
            }
        }
        due
    }
}

impl StageState {
    /// Whether `target` has the current release.
    pub fn is_delivered(&self, target: &TargetName) -> bool {
        matches!(self.deliveries.get(target), Some(Delivery::Delivered { .. }))
    }

    /// The latest release that was current before and is another one than the current.
    pub fn previous(&self) -> Option<&Tenure> {
        let current = self.current.as_ref().map(|tenure| &tenure.release);
        self.earlier.iter().map(|tenure| &**tenure).find(|tenure| Some(&tenure.release) != current)
    }

    /// The current release and those of the rollback window.
    pub fn recent(&self) -> impl Iterator<Item = &Tenure> {
        self.current.iter().chain(self.earlier.iter().map(|tenure| &**tenure))
    }

    /// Whether `digest` is part of the current release or of one in the rollback window.
    pub fn has_promoted(&self, digest: &Digest) -> bool {
        self.recent().any(|tenure| tenure.contents.digests().any(|part| part == digest))
    }

    pub(super) fn begin(&mut self, tenure: Tenure) {
        if let Some(before) = self.current.replace(tenure) {
            self.earlier.push_front(Arc::new(before));
            self.earlier.truncate(HISTORY_MAX);
        }
        self.health = None;
        self.deliveries.clear();
    }
}
