//! [`Objects`]: bytes by digest, in S3-compatible object storage.
//!
//! ```text
//! s3://BUCKET/PREFIX/
//!   blobs/sha256/<64 digits>      the bytes, and nothing else
//!   blobs/sha512/<128 digits>
//!   sums/sha256/<64 digits>       the checksums of its 256 KiB chunks, derived; none for small blobs
//!   uploads/<64 digits>/<name>    what an upload has after its last part; `whole`: all of it, on the way to its blob
//!   damaged/<digits>              what was found damaged, for whoever wants to look at it
//!   archive/ trash/               blobs that are not at hand, and in dates/ since when: see `tiers`
//!   ledger/                       the published ledger: see `tiles`
//! ```
//!
//! An object appears whole or not at all, and so does a blob: a small one by one `PUT`, a large one by a copy within the storage of what was put
//! together from parts elsewhere. What is known of an upload between two requests is a row of the database ([`Sessions`]), changed by
//! compare-and-swap: so any replica goes on with it, and of two that do so at once one is told that it is late. Nothing depends on conditional
//! requests, which not every storage has.
//!
//! Reading checks every byte before it is handed out, as the directory does; see `docs/decisions/0004-verified-reads.md` and
//! `docs/decisions/0014-blobs-in-object-storage.md`.

mod across;
mod bucket;
mod choice;
mod finish;
mod place;
mod read;
mod session;
#[cfg(test)]
mod tests;
mod tiers;
mod tiles;
mod turns;
mod upload;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blob, BlobRange, Blobs, ByteStream, Trouble, UploadError, UploadId};
use futures::{StreamExt, TryStreamExt};

use crate::{
    blobs::{
        SMALL, new_upload_id,
        sums::{self, Chunks, SumCache},
    },
    waiting::blocking,
};
use bucket::Bucket;
pub use choice::{choose, chosen};
pub use place::{BucketUrl, Credentials, Endpoint, InvalidPlace, Place, Style};
pub use session::{NoSessions, Sessions, StoredPart};
pub use tiles::ObjectTiles;
use turns::Turns;

/// How large a blob is at most, in bytes: 10,000 parts, and S3 knows no more. That is 78 GiB.
pub const BLOB_BYTES_MAX: u64 = 10_000 * PART as u64;
/// How large a part is. Some storages want all but the last of one size.
const PART: usize = 8 << 20;
/// How much one request copies within the storage at most.
const COPY_MAX: u64 = 5 << 30;

/// Blobs in object storage.
pub struct Objects {
    bucket: Bucket,
    sessions: Arc<dyn Sessions>,
    turns: Turns,
    sums: SumCache,
    /// How many bytes one request copies within the storage at most.
    copy_max: u64,
}

impl Objects {
    /// Blobs at a place, with their uploads kept by `sessions`. Nothing is asked yet.
    pub fn new(place: Place, credentials: &Credentials, sessions: Arc<dyn Sessions>) -> Result<Self, Trouble> {
        let (turns, sums) = Default::default();
        Ok(Self { bucket: Bucket::new(place, credentials)?, sessions, turns, sums, copy_max: COPY_MAX })
    }

    /// Writes, reads and removes an object, so that what is wrong with the bucket, the credentials or the way there is said at once.
    pub async fn check(&self) -> Result<(), Trouble> {
        self.bucket.check().await
    }

    /// Writes down whose place this is, once; an error if it is somebody else's: two ledgers would overwrite each other's files.
    pub async fn claim(&self, owner: &str) -> Result<(), Trouble> {
        match self.bucket.whole("owner").await? {
            None => self.bucket.put("owner", Bytes::copy_from_slice(owner.as_bytes())).await,
            Some(found) if found == owner.as_bytes() => Ok(()),
            Some(found) => {
                let found = String::from_utf8_lossy(&found).chars().take(200).collect::<String>();
                Err(Trouble::new(
                    "use this place for blobs",
                    format!("it belongs to the ledger `{found}`: name another prefix"),
                ))
            }
        }
    }

    /// Whose place this is; `None` if nobody has claimed it.
    pub async fn owner(&self) -> Result<Option<String>, Trouble> {
        Ok(self.bucket.whole("owner").await?.map(|owner| String::from_utf8_lossy(&owner).into_owned()))
    }

    /// Puts a whole blob, of which it is known that its bytes have the digest.
    async fn put_whole(&self, digest: &Digest, bytes: Bytes) -> Result<(), Trouble> {
        if bytes.len() as u64 > SMALL {
            let mut chunks = Chunks::default();
            blocking(|| chunks.update(&bytes));
            self.put_sums(digest, bytes.len() as u64, &chunks.finish()).await?;
        }
        self.bucket.put(&blob(digest), bytes).await
    }

    async fn put_sums(&self, digest: &Digest, size: u64, sums: &[u64]) -> Result<(), Trouble> {
        self.bucket.put(&named("sums", digest), sums::encode(size, sums).into()).await
    }
}

#[async_trait]
impl Blobs for Objects {
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, Trouble> {
        self.bucket.size(&blob(digest)).await
    }

    async fn get(&self, digest: &Digest, range: Option<BlobRange>) -> Result<Option<Blob>, Trouble> {
        self.open(digest, range).await
    }

    async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble> {
        self.read_whole(digest, limit).await
    }

    async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        let actual = blocking(|| Digest::of(digest.algorithm(), &bytes));
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        Ok(self.put_whole(digest, bytes).await?)
    }

    async fn delete(&self, digest: &Digest) -> Result<bool, Trouble> {
        let there = self.size(digest).await?.is_some();
        self.sums.remove(digest);
        self.bucket.delete(&blob(digest)).await?;
        self.bucket.delete(&named("sums", digest)).await?;
        Ok(there)
    }

    async fn verify(&self, digest: &Digest) -> Result<Option<bool>, Trouble> {
        Ok(self.hash_all(digest).await?.map(|sums| sums.is_some()))
    }

    async fn list(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble> {
        let mut found = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            if after.is_some_and(|after| after.algorithm() > algorithm) {
                continue;
            }
            let after = after.filter(|after| after.algorithm() == algorithm).map(Digest::hex);
            let folder = format!("blobs/{algorithm}");
            let digests = self
                .bucket
                .list(&folder, after)
                .try_filter_map(async |(name, _)| Ok(format!("{algorithm}:{name}").parse::<Digest>().ok()));
            found.extend(digests.take(limit - found.len()).try_collect::<Vec<_>>().await?);
        }
        Ok(found)
    }

    async fn set_aside(&self, digest: &Digest) -> Result<bool, Trouble> {
        match self.size(digest).await? {
            None => return Ok(false),
            Some(size) => self.copy(&blob(digest), &format!("damaged/{}", digest.hex()), size).await?,
        }
        self.delete(digest).await
    }

    fn writable(&self) -> Result<(), String> {
        // What the storage has answered for is durable, and what it has not is the client's to push again.
        Ok(())
    }

    async fn begin_upload(&self, owner: &str, algorithm: Algorithm) -> Result<UploadId, Trouble> {
        let id = new_upload_id(owner)?;
        self.begin(&id, algorithm).await?;
        Ok(id)
    }

    async fn upload_offset(&self, id: &UploadId) -> Result<u64, UploadError> {
        self.stands_at(&self.turns.of(id), id).await
    }

    async fn append(&self, id: &UploadId, offset: u64, bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        self.go_on(id, offset, bytes, limit).await
    }

    async fn finish_upload(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        self.finish(id, digest).await
    }

    async fn cancel_upload(&self, id: &UploadId) -> Result<(), UploadError> {
        self.cancel(id).await
    }

    async fn collect_uploads(&self, older_than: Duration) -> Result<usize, Trouble> {
        self.collect(older_than).await
    }
}

fn named(kind: &str, digest: &Digest) -> String {
    format!("{kind}/{}/{}", digest.algorithm(), digest.hex())
}

fn blob(digest: &Digest) -> String {
    named("blobs", digest)
}

fn damaged(digest: &Digest) -> Trouble {
    Trouble::new(
        format!("read `{digest}`"),
        "its bytes in the object storage are damaged; `selfsame scrub` lists what is",
    )
}
