//! The archive and the trash: objects beside the blobs, each with a small one that says since when it lies there.
//!
//! Nothing moves in object storage. The bytes are copied within it, and only then removed where they were: after a crash they are in two places, and
//! those at hand count. The date is written first, so that what lies there always has one.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest, Timestamp};
use engine::ports::{Away, Blob, Blobs, Tier, Tiers, Trouble};
use futures::{StreamExt, TryStreamExt, future::try_join_all};

use super::{Objects, blob, named};

/// How many dates are read at once.
const AT_ONCE: usize = 16;

#[async_trait]
impl Tiers for Objects {
    async fn put_away(&self, digest: &Digest, tier: Tier, at: Timestamp) -> Result<bool, Trouble> {
        let there = bytes_in(tier, digest);
        let Some(size) = self.size(digest).await? else { return Ok(self.bucket.size(&there).await?.is_some()) };
        self.bucket.put(&date_in(tier, digest), at.as_millis().to_string().into()).await?;
        self.copy(&blob(digest), &there, size).await?;
        self.delete(digest).await
    }

    async fn take_back(&self, digest: &Digest, tier: Tier) -> Result<bool, Trouble> {
        let there = bytes_in(tier, digest);
        let at_hand = self.size(digest).await?.is_some();
        if !at_hand {
            let Some(size) = self.bucket.size(&there).await? else { return Ok(false) };
            self.copy(&there, &blob(digest), size).await?;
        }
        self.remove(digest, tier).await.map(|_| true)
    }

    async fn away(&self, digest: &Digest, tier: Tier) -> Result<Option<Away>, Trouble> {
        match self.bucket.size(&bytes_in(tier, digest)).await? {
            Some(size) => self.dated(digest.clone(), size, tier).await,
            None => Ok(None),
        }
    }

    async fn list_away(&self, tier: Tier, after: Option<&Digest>, limit: usize) -> Result<Vec<Away>, Trouble> {
        let mut found: Vec<Away> = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            if after.is_some_and(|after| after.algorithm() > algorithm) {
                continue;
            }
            let after = after.filter(|after| after.algorithm() == algorithm).map(Digest::hex);
            let folder = format!("{}/{algorithm}", folder(tier));
            let named = self.bucket.list(&folder, after).take(limit - found.len()).try_collect::<Vec<_>>().await?;
            for some in named.chunks(AT_ONCE) {
                let digest = |name: &str| format!("{algorithm}:{name}").parse::<Digest>().ok();
                let some = some.iter().filter_map(|(name, object)| Some((digest(name)?, object.size)));
                let dated = try_join_all(some.map(|(digest, size)| self.dated(digest, size, tier))).await?;
                found.extend(dated.into_iter().flatten());
            }
        }
        Ok(found)
    }

    async fn read_away(&self, digest: &Digest, tier: Tier) -> Result<Option<Blob>, Trouble> {
        let name = bytes_in(tier, digest);
        let Some(opened) = self.bucket.open(&name, None).await? else { return Ok(None) };
        let bucket = self.bucket.clone();
        let bytes = opened.bytes.map_err(move |error| bucket.trouble("read", &name, error)).boxed();
        Ok(Some(Blob { size: opened.size, bytes }))
    }

    async fn verify_away(&self, digest: &Digest, tier: Tier) -> Result<Option<bool>, Trouble> {
        Ok(self.hash_object(&bytes_in(tier, digest), digest).await?.map(|sums| sums.is_some()))
    }

    async fn discard(&self, digest: &Digest) -> Result<bool, Trouble> {
        self.remove(digest, Tier::Trash).await
    }
}

impl Objects {
    /// Removes what lies there; `false` if nothing did.
    async fn remove(&self, digest: &Digest, tier: Tier) -> Result<bool, Trouble> {
        let bytes = bytes_in(tier, digest);
        let there = self.bucket.size(&bytes).await?.is_some();
        self.bucket.delete(&bytes).await?;
        self.bucket.delete(&date_in(tier, digest)).await?;
        Ok(there)
    }

    /// What lies there with its date; `None` if it went meanwhile.
    async fn dated(&self, digest: Digest, size: u64, tier: Tier) -> Result<Option<Away>, Trouble> {
        let name = date_in(tier, &digest);
        let Some(bytes) = self.bucket.whole(&name).await? else { return Ok(None) };
        let at = parsed(&bytes).ok_or_else(|| Trouble::new(format!("read `{name}`"), "it holds no time"))?;
        Ok(Some(Away { digest, size, at }))
    }
}

fn parsed(bytes: &Bytes) -> Option<Timestamp> {
    std::str::from_utf8(bytes).ok()?.parse().ok().map(Timestamp::from_millis)
}

fn folder(tier: Tier) -> &'static str {
    match tier {
        Tier::Archive => "archive",
        Tier::Trash => "trash",
    }
}

fn bytes_in(tier: Tier, digest: &Digest) -> String {
    named(folder(tier), digest)
}

fn date_in(tier: Tier, digest: &Digest) -> String {
    named(&format!("dates/{}", folder(tier)), digest)
}
