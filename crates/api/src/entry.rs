//! Entries of the ledger.

use domain::{Party, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its index.
    pub index: u64,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who asked for it.
    #[schema(value_type = String)]
    pub actor: Party,
    /// What happened, in a word, for example `promoted`.
    pub name: String,
    /// What became true, as the ledger has it.
    #[schema(value_type = Object)]
    pub event: serde_json::Value,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryAnswer {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The leaf: the entry's canonical bytes (RFC 8785) as text.
    pub leaf: String,
}

/// Entries in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The entries; empty if nothing happened while waiting.
    pub items: Vec<Entry>,
    /// The `after` to go on with; none if nothing was seen yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

impl From<(u64, domain::Entry)> for Entry {
    fn from((index, entry): (u64, domain::Entry)) -> Self {
        let domain::Entry { actor, at, event, .. } = entry;
        let name = event.name().to_owned();
        let event = serde_json::to_value(&event).expect("events serialise to JSON");
        Self { index, at, actor, name, event }
    }
}
