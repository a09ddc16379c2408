//! Projects and their configuration.

use std::str::FromStr;

use domain::{Digest, InvalidDigest, ProjectConfig, ProjectName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Mark, Receipt};

/// Puts a project's configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The whole configuration, as the project's file has it.
    #[schema(value_type = ConfigSchema)]
    pub config: ProjectConfig,
    /// The configuration that the plan was made against; refused with `plan-stale` if another is in force by now. Without it, nothing is
    /// expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expect: Option<Expected>,
}

/// Stands for the schema of a configuration, which follows from the project's file and not from this crate: whoever makes a whole document
/// puts it in under the name `ProjectConfig`.
#[derive(ToSchema)]
#[schema(as = ProjectConfig)]
struct ConfigSchema {}

/// The configuration that is expected to be in force: its digest, or `none` for a project that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Expected {
    /// There is no such project yet.
    None,
    /// The configuration with this digest.
    Config(Digest),
}

/// What applying a configuration would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// What to expect when applying: the digest of the configuration in force, or `none`.
    #[schema(value_type = String)]
    pub expect: Expected,
    /// The digest of the new configuration.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What would change; empty if all is so already.
    pub changes: Vec<Change>,
}

/// The answer to an application that made no entry: nothing had to change, or it was only planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Applied {
    /// It was planned.
    Planned(Plan),
    /// It was in force already.
    Already(Receipt),
}

/// One thing that a new configuration changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What it is: `component`, `stage` (with its gate) or `role`.
    pub subject: String,
    /// The name of the component, the stage or the role.
    pub name: String,
    /// What happens to it.
    pub change: ChangeKind,
    /// How it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<serde_json::Value>,
    /// How it will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub after: Option<serde_json::Value>,
}

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is different.
    Changed,
}

/// A project in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectSummary {
    /// The name.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The digest of the configuration in force.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// How many components it has.
    pub components: usize,
    /// How many stages it has.
    pub stages: usize,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectAnswer {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The name.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The digest of the configuration in force.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The configuration in force.
    #[schema(value_type = ConfigSchema)]
    pub config: ProjectConfig,
    /// Who put it in force, and when.
    pub applied: Mark,
}

impl FromStr for Expected {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Config) }
    }
}

impl TryFrom<String> for Expected {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Expected> for String {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::None => "none".into(),
            Expected::Config(digest) => digest.into(),
        }
    }
}

impl From<Option<Digest>> for Expected {
    fn from(digest: Option<Digest>) -> Self {
        digest.map_or(Self::None, Self::Config)
    }
}

impl From<Expected> for Option<Digest> {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::None => None,
            Expected::Config(digest) => Some(digest),
        }
    }
}
