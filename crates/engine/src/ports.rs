//! The ports: what the engine asks of storage. Each adapter passes the conformance suite that comes with the `store` crate.
//!
//! Every method either does what it says, durably where it says so, or returns [`Trouble`] and has done nothing that a reader can see.
//! Nobody retries below a port; the caller decides.

mod blobs;
mod catalog;
mod courier;
mod ledger;
mod signing;
mod tiers;
mod tiles;
mod upstream;
mod views;

pub use blobs::{Blob, BlobRange, Blobs, ByteStream, UploadError, UploadId};
pub use catalog::{
    Catalog, CatalogChange, Closure, Link, ManifestRecord, PULLS_KNOWN, Part, PartKind, Referrer, Unlinked,
};
pub use courier::{Courier, Undelivered};
pub use ledger::{Answered, Batch, CommitError, Head, Ledger, NewEntry, Row, WriteTurn};
pub use signing::SigningKey;
pub use tiers::{Away, Tier, Tiers};
pub use tiles::Tiles;
pub use upstream::{MirrorRule, Upstream, UpstreamEvidence};
pub use views::{HistoryRow, ReleaseRow, ViewChange, Views};

/// Something underneath broke: a disk, a database, a network. The text is for the operator and names the thing.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}: {source}")]
pub struct Trouble {
    /// What was being done to which thing, as an infinitive clause.
    pub doing: String,
    /// What happened.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Trouble {
    /// Trouble while `doing` something, because of `source`.
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), source: source.into() }
    }
}
