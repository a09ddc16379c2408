//! [`Courier`]: who brings releases to the targets of stages.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{ComponentName, Digest, Due};

/// Why a target does not have what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It was tried, and did not succeed. The text is for people and names the thing; it holds no secrets.
    #[error("{0}")]
    Failed(String),
    /// Another replica is at it.
    #[error("another replica is at it")]
    Elsewhere,
}

/// Brings a release to a target, whatever kind of target that is.
///
/// Asking twice is safe: what the target has already stays. Whoever asks may stop listening at any time (the future is dropped), and ask
/// again later: then it goes on where it was, as far as that is possible.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Makes the target have what is due there and use it, and only then reads back there what it has: of each component the digest, from
    /// the bytes that it serves. It asks several times within reason; to come back later is up to the caller.
    async fn deliver(&self, due: &Due) -> Result<BTreeMap<ComponentName, Digest>, Undelivered>;
}
