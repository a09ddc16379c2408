//! Holds.

use domain::{Digest, ProjectName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Mark;

/// Holds a digest: nobody may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// An artifact, a configuration or a release.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// In one project; everywhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Why.
    pub reason: String,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// What is held.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// In one project; everywhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Who, when and why.
    pub mark: Mark,
}
