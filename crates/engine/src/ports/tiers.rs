//! [`Tiers`]: where bytes lie that are not at hand.

use async_trait::async_trait;
use domain::{Digest, Timestamp};

use super::{Blob, Trouble};

/// Where bytes lie that are not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// They are wanted, though seldom.
    Archive,
    /// Nobody wants them, unless somebody changes his mind.
    Trash,
}

/// Bytes that are not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Their digest.
    pub digest: Digest,
    /// How many.
    pub size: u64,
    /// Since when.
    pub at: Timestamp,
}

/// What blobs do beside being at hand: they lie in the archive or in the trash, and come back.
///
/// * The same bytes may be in two places at once, after a crash or because somebody stored them again; then those at hand count.
/// * No partial bytes are ever visible, wherever they lie.
/// * [`Tiers::take_back`] is durable when it returns. That something was put away need not be: it is put away again.
#[async_trait]
pub trait Tiers: Send + Sync + 'static {
    /// Puts bytes that are at hand away, as of `at`; `false` if they are neither at hand nor there already.
    async fn put_away(&self, digest: &Digest, tier: Tier, at: Timestamp) -> Result<bool, Trouble>;

    /// Brings bytes back to hand; `false` if they are not there. Where they are at hand already, those away are removed.
    async fn take_back(&self, digest: &Digest, tier: Tier) -> Result<bool, Trouble>;

    /// The bytes as they lie there.
    async fn away(&self, digest: &Digest, tier: Tier) -> Result<Option<Away>, Trouble>;

    /// What lies there, in the order of digests after `after`, at most `limit`.
    async fn list_away(&self, tier: Tier, after: Option<&Digest>, limit: usize) -> Result<Vec<Away>, Trouble>;

    /// The bytes as they lie there, which are not brought back. They were not compared with anything: that is the reader's to do.
    async fn read_away(&self, digest: &Digest, tier: Tier) -> Result<Option<Blob>, Trouble>;

    /// Re-reads bytes where they lie, as `Blobs::verify` does with those at hand.
    async fn verify_away(&self, digest: &Digest, tier: Tier) -> Result<Option<bool>, Trouble>;

    /// Removes bytes from the trash for good; `false` if there were none.
    async fn discard(&self, digest: &Digest) -> Result<bool, Trouble>;
}
