//! [`StateRow`]: what an auditor compares with the fold of the ledger.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of the state: an aggregate's key, and the hash of its JSON, as the server stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateRow {
    /// The key, for example `project/shop`.
    pub key: String,
    /// The SHA-256 hash of the row, in lower-case hexadecimal.
    pub sha256: String,
}
