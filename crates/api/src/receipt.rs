//! [`Receipt`]: what a command is answered with.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a command. Status `201` if it made entries, now or when it was asked under the same idempotency key before; `200` if all
/// was so already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The index of the first entry that the command made; the ledger's size if it made none.
    pub index: u64,
    /// How many entries the command made; none if all was so already.
    pub count: u64,
    /// The time that the decision was made for.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether the command had been answered before, under the same idempotency key.
    pub repeated: bool,
    /// The events of the entries, as the ledger has them; empty in the answer to a repeated command.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<serde_json::Value>,
}
