//! What is asked of a stage.

use domain::{Digest, ReleaseId, Steering};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Moves a release into a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionRequest {
    /// Which release, by its whole id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Answer as if it were asked in earnest, and write nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Says yes to a release for a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// Which release, by its whole id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The digest of the gate that the person saw; refused with `gate-changed` if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gate: Option<Digest>,
    /// What the person says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// Puts an earlier release of a stage back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The release that the caller saw there; refused with `stage-moved` if another is current by now. Without it, whatever is current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<ReleaseId>,
    /// To which release, by its whole id; the previous good one unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub to: Option<ReleaseId>,
    /// Why.
    pub reason: String,
}

/// Never lets a release into a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VetoRequest {
    /// Which release, by its whole id.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// Why.
    pub reason: String,
}

/// Pins, unpins, pauses or resumes a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SteeringRequest {
    /// What it shall be: `pinned`, `unpinned`, `paused` or `resumed`.
    #[schema(value_type = String)]
    pub change: Steering,
    /// Why.
    pub reason: String,
}

/// Reports how the current release of a stage does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthRequest {
    /// The release that was observed; refused with `stage-moved` if another is current by now. Without it, whatever is current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub release: Option<ReleaseId>,
    /// Whether it does well.
    pub healthy: bool,
    /// What was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
