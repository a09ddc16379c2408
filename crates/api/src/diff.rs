//! [`Difference`]: what is different between two stages or releases.

use domain::{ComponentName, Digest, ReleaseId, StageName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Source;

/// What is different between two stages or releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// One side.
    pub from: DiffSide,
    /// The other side.
    pub to: DiffSide,
    /// The components whose artifacts differ; empty if they are the same.
    pub components: Vec<DiffPart>,
    /// The pinned configuration, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<DiffPart>,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffSide {
    /// The stage, if a stage was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stage: Option<StageName>,
    /// The release.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Source::is_empty")]
    pub source: Source,
}

/// What one part is on each side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffPart {
    /// The component; none for the pinned configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub component: Option<ComponentName>,
    /// Its digest on the one side; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<Digest>,
    /// Its digest on the other side; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Digest>,
}
