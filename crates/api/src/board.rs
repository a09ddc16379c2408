//! [`Board`]: what runs where, and what waits.

use std::collections::BTreeMap;

use domain::{ComponentName, Digest, Party, ProjectName, ReleaseId, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Delivery, Standing};

/// What each stage of a project has, and what could enter it next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The digest of the configuration in force.
    #[schema(value_type = String)]
    pub config: Digest,
    /// The stages, each after its upstream stages.
    pub stages: Vec<BoardStage>,
}

/// A stage on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardStage {
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// Its upstream stages.
    #[schema(value_type = Vec<String>)]
    pub after: Vec<StageName>,
    /// What it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Tenure>,
    /// Whether each target has it, where the stage delivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
    /// What it had just before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Tenure>,
    /// The last report of how the current release does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthReport>,
    /// It stays on what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Mark>,
    /// No promotions for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Mark>,
    /// The latest releases that are newer than what it has, the latest first.
    pub waiting: Vec<Candidate>,
}

/// A release that is or was current in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenure {
    /// The release.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The artifact of each component.
    #[schema(value_type = BTreeMap<String, String>)]
    pub components: BTreeMap<ComponentName, Digest>,
    /// The configuration pinned beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub config: Option<Digest>,
    /// Who put it there, when and why.
    pub mark: Mark,
    /// The stage delivers, and not every target has it, or had it when it left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
}

/// How a stage was reported to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthReport {
    /// Whether it does well.
    pub healthy: bool,
    /// Since when it has been reported so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// The report.
    pub mark: Mark,
}

/// A release that could enter a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The release.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// How it stands.
    pub standing: Standing,
    /// What keeps it out, one clause for each requirement that is not met.
    pub missing: Vec<String>,
    /// What to do about it.
    pub next_steps: Vec<String>,
    /// When time alone will let it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opens_at: Option<Timestamp>,
}

/// A thing that somebody did at some time for some reason, and the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    /// Who.
    #[schema(value_type = String)]
    pub by: Party,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The index of the entry.
    pub index: u64,
}

impl From<domain::Mark> for Mark {
    fn from(mark: domain::Mark) -> Self {
        let domain::Mark { by, at, reason, index } = mark;
        Self { by, at, reason, index }
    }
}

impl From<domain::Tenure> for Tenure {
    fn from(tenure: domain::Tenure) -> Self {
        let domain::Tenure { release, contents, mark, unsettled } = tenure;
        Self { release, components: contents.components, config: contents.config, mark: mark.into(), unsettled }
    }
}

impl From<domain::Health> for HealthReport {
    fn from(health: domain::Health) -> Self {
        Self { healthy: health.healthy, since: health.since, mark: health.mark.into() }
    }
}
