//! [`Delivery`]: whether a target of a stage has what the stage has.

use domain::{TargetName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How it stands with one target of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The target.
    #[schema(value_type = String)]
    pub target: TargetName,
    /// Where that is.
    pub place: String,
    /// How it stands.
    pub state: DeliveryState,
    /// When the target was known to have it, or when the last failure was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The index of the entry that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// How often it was tried without success: as this server knows, or as the ledger says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u64,
    /// Why it did not succeed the last time, or why it is not tried.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When this server tries again; nothing while it tries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
}

/// Whether a target has what the stage has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It has: every digest was read back there.
    Delivered,
    /// It is on its way.
    Delivering,
    /// It was tried, did not succeed, and is tried again.
    Failing,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
