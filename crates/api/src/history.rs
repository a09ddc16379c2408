//! [`Transition`]: one line of the history.

use domain::{Party, ReleaseId, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stage got another current release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transition {
    /// The entry.
    pub index: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// What is current since then.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// Whether by a rollback.
    pub rolled_back: bool,
    /// Who.
    #[schema(value_type = String)]
    pub by: Party,
    /// Why.
    pub reason: String,
    /// The stage delivers, and not every target has it, or had it when it left. Known of what the stage has and of its rollback window.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
}
