//! How the server does, and who one is to it.

use domain::{Grant, Party, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The server is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// How many ledger entries there are.
    pub as_of: u64,
    /// The version of the server.
    pub version: String,
}

/// Whether the server does its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// How many ledger entries there are.
    pub as_of: u64,
    /// Whether commands are taken; if not, reads go on.
    pub writable: bool,
    /// How many entries the lists and the history take into account.
    pub viewed: u64,
    /// How many entries are published with a signed checkpoint.
    pub published: u64,
    /// How many stored blobs are known to be damaged; `GET /v1/scrub` names them.
    #[serde(default)]
    pub damaged: u64,
}

/// Who the asker is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The stable id that entries name.
    #[schema(value_type = String)]
    pub party: Party,
    /// What the token allows.
    #[schema(value_type = Vec<String>)]
    pub grants: Vec<Grant>,
    /// The id of the token.
    #[schema(value_type = String)]
    pub token: TokenId,
    /// When the token ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}
