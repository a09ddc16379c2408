//! Releases.

use std::collections::BTreeMap;

use domain::{ComponentName, Contents, Digest, Party, ReleaseId, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Mark, Receipt, Standing};

/// Creates a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The artifact of each component.
    #[schema(value_type = BTreeMap<String, String>)]
    pub components: BTreeMap<ComponentName, Digest>,
    /// The run-time configuration that belongs to them, if it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub config: Option<Digest>,
    /// Where the artifacts come from.
    #[serde(default, skip_serializing_if = "Source::is_empty")]
    pub source: Source,
}

/// Where the artifacts of a release come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The source repository, as an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The build, by its id or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// A release that was created, or was there already: the same contents are the same release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedRelease {
    /// Its id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// What became of the command.
    #[serde(flatten)]
    pub receipt: Receipt,
}

/// A release in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The entry that created it.
    pub index: u64,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who created it.
    #[schema(value_type = String)]
    pub by: Party,
    /// The artifact of each component.
    #[schema(value_type = BTreeMap<String, String>)]
    pub components: BTreeMap<ComponentName, Digest>,
    /// The configuration pinned beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub config: Option<Digest>,
    /// Where they come from.
    #[serde(default, skip_serializing_if = "Source::is_empty")]
    pub source: Source,
    /// The stages that have it now.
    #[schema(value_type = Vec<String>)]
    pub current_in: Vec<StageName>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// Its id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The artifact of each component.
    #[schema(value_type = BTreeMap<String, String>)]
    pub components: BTreeMap<ComponentName, Digest>,
    /// The configuration pinned beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub config: Option<Digest>,
    /// Where they come from.
    #[serde(default, skip_serializing_if = "Source::is_empty")]
    pub source: Source,
    /// Who created it, and when.
    pub created: Mark,
    /// How it stands in each stage, each after its upstream stages.
    pub stages: Vec<ReleaseInStage>,
}

/// How a release stands in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseInStage {
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// In one word.
    pub standing: Standing,
    /// What keeps it out, one clause for each requirement that is not met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Since when it was last current there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// When it ceased to be current there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Who said yes to it for that stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub approved_by: Vec<Party>,
}

impl Source {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<domain::Source> for Source {
    fn from(source: domain::Source) -> Self {
        let domain::Source { repository, commit, build } = source;
        Self { repository, commit, build }
    }
}

impl From<Source> for domain::Source {
    fn from(source: Source) -> Self {
        let Source { repository, commit, build } = source;
        Self { repository, commit, build }
    }
}

impl ReleaseRequest {
    /// What the release is made of, and where that comes from.
    pub fn into_parts(self) -> (Contents, domain::Source) {
        (Contents { components: self.components, config: self.config }, self.source.into())
    }
}
