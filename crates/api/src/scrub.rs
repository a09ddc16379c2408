//! [`Scrub`]: what the server found when it read again what it stores.

use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far the server is with reading again what it stores, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scrub {
    /// How many ledger entries there are.
    pub as_of: u64,
    /// How many bytes it reads a second at most; 0 if it does not read in the background.
    pub bytes_per_second: u64,
    /// How many rounds were ended.
    pub rounds: u64,
    /// When the last one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// The blob that was read last in this round; none between two rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub at: Option<Digest>,
    /// How many blobs were found intact in this round, or in the last one.
    pub blobs: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many blobs were repaired from a source, ever.
    pub repaired: u64,
    /// Blobs that are damaged and not back yet.
    pub damaged: Vec<DamagedBlob>,
    /// Blobs that could not be read, so that nothing is known of them.
    #[schema(value_type = Vec<String>)]
    pub unread: Vec<Digest>,
    /// Published files that do not lead to what was signed, as of the last round.
    pub ledger: Vec<String>,
    /// What contradicts itself in the database, as of the last round.
    pub database: Vec<String>,
}

/// A blob that is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamagedBlob {
    /// Its digest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// When that was found; none where no server ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub found: Option<Timestamp>,
    /// Whether it is held because of that. The hold ends once the bytes are back.
    pub held: bool,
}
