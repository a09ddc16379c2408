//! The [`Tiers`] port.

use std::ops::Bound;

use async_trait::async_trait;
use domain::{Digest, Timestamp};
use engine::ports::{Away, Blob, Tier, Tiers, Trouble};
use futures::{StreamExt, stream};

use super::{Memory, locked};

#[async_trait]
impl Tiers for Memory {
    async fn put_away(&self, digest: &Digest, tier: Tier, at: Timestamp) -> Result<bool, Trouble> {
        let mut kept = locked(&self.blobs);
        let Some(bytes) = kept.blobs.remove(digest) else { return Ok(kept.away.contains_key(&(tier, digest.clone()))) };
        kept.away.insert((tier, digest.clone()), (bytes, at));
        Ok(true)
    }

    async fn take_back(&self, digest: &Digest, tier: Tier) -> Result<bool, Trouble> {
        let mut kept = locked(&self.blobs);
        let away = kept.away.remove(&(tier, digest.clone()));
        if let Some((bytes, _)) = away {
            kept.blobs.entry(digest.clone()).or_insert(bytes);
        }
        Ok(kept.blobs.contains_key(digest))
    }

    async fn away(&self, digest: &Digest, tier: Tier) -> Result<Option<Away>, Trouble> {
        let found = locked(&self.blobs).away.get(&(tier, digest.clone())).map(|(bytes, at)| (bytes.len(), *at));
        Ok(found.map(|(size, at)| Away { digest: digest.clone(), size: size as u64, at }))
    }

    async fn list_away(&self, tier: Tier, after: Option<&Digest>, limit: usize) -> Result<Vec<Away>, Trouble> {
        let kept = locked(&self.blobs);
        let first = after.map_or(Bound::Unbounded, |after| Bound::Excluded((tier, after.clone())));
        let there = kept.away.range((first, Bound::Unbounded)).filter(|((place, _), _)| *place == tier);
        let away =
            there.map(|((_, digest), (bytes, at))| Away { digest: digest.clone(), size: bytes.len() as u64, at: *at });
        Ok(away.take(limit).collect())
    }

    async fn read_away(&self, digest: &Digest, tier: Tier) -> Result<Option<Blob>, Trouble> {
        let found = locked(&self.blobs).away.get(&(tier, digest.clone())).map(|(bytes, _)| bytes.clone());
        Ok(found.map(|bytes| Blob { size: bytes.len() as u64, bytes: stream::iter([Ok(bytes)]).boxed() }))
    }

    async fn verify_away(&self, digest: &Digest, tier: Tier) -> Result<Option<bool>, Trouble> {
        let found = locked(&self.blobs).away.get(&(tier, digest.clone())).cloned();
        Ok(found.map(|(bytes, _)| Digest::of(digest.algorithm(), &bytes) == *digest))
    }

    async fn discard(&self, digest: &Digest) -> Result<bool, Trouble> {
        Ok(locked(&self.blobs).away.remove(&(Tier::Trash, digest.clone())).is_some())
    }
}
