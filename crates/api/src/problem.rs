//! [`Problem`]: why a request failed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Decision;

/// Why a request failed, as RFC 9457 has it (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained: `/docs/refusals/CODE` if the rules refused it, `/docs/problems/CODE` for anything else.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What scripts match on: it outlives every rewording.
    pub code: String,
    /// What happened, as a sentence that names things.
    pub detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The parameter or member that is wrong, for `malformed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The gate's whole answer, for `gate-unmet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Box<Decision>>,
    /// The name of the request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How many ledger entries the answer takes into account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
}
