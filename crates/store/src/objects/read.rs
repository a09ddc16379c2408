//! Reading, with every byte checked before it is handed out.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::{Digest, Hasher};
use engine::ports::{Blob, BlobRange, ByteStream, Trouble};
use futures::{StreamExt, stream::BoxStream};

use super::{Objects, blob, bucket::Bucket, damaged, named};
use crate::{
    blobs::{CHUNK, SMALL, slice, sums},
    waiting::blocking,
};

/// A pull on its way.
struct Pull {
    bucket: Bucket,
    digest: Digest,
    size: u64,
    sums: Arc<Vec<u64>>,
    pieces: BoxStream<'static, object_store::Result<Bytes>>,
    /// What came after the last whole chunk.
    rest: Bytes,
    /// The next chunk.
    chunk: u64,
    range: BlobRange,
}

impl Objects {
    /// Opens a blob. The storage is asked for whole chunks, so that they can be checked.
    pub(super) async fn open(&self, digest: &Digest, range: Option<BlobRange>) -> Result<Option<Blob>, Trouble> {
        let chunk = CHUNK as u64;
        let first = range.as_ref().map_or(0, |range| range.start() / chunk);
        let asked = range.as_ref().map(|range| first * chunk..(range.end() / chunk + 1).saturating_mul(chunk));
        let Some(opened) = self.bucket.open(&blob(digest), asked).await? else { return Ok(None) };
        let size = opened.size;
        if size <= SMALL {
            // All of it is in the first chunk.
            let whole = self.collect_whole(digest, size, opened.bytes).await?;
            let bytes = range.map_or(whole.clone(), |range| slice(&whole, &range));
            return Ok(Some(Blob { size, bytes: Box::pin(futures::stream::once(async move { Ok(bytes) })) }));
        }
        let sums = match self.sums.get(digest) {
            Some(sums) if sums.len() as u64 == size.div_ceil(chunk) => sums,
            _ => self.load_sums(digest, size).await?,
        };
        let (bucket, digest, range) = (self.bucket.clone(), digest.clone(), range.unwrap_or(0..=size - 1));
        let pull = Pull { bucket, digest, size, sums, pieces: opened.bytes, rest: Bytes::new(), chunk: first, range };
        let bytes: ByteStream = Box::pin(futures::stream::try_unfold(pull, next));
        Ok(Some(Blob { size, bytes }))
    }

    /// The whole of a blob, its digest verified.
    pub(super) async fn read_whole(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble> {
        let Some(opened) = self.bucket.open(&blob(digest), None).await? else { return Ok(None) };
        if opened.size > limit {
            let much = format!("it has {} bytes, and at most {limit} were expected", opened.size);
            return Err(Trouble::new(format!("read `{digest}`"), much));
        }
        self.collect_whole(digest, opened.size, opened.bytes).await.map(Some)
    }

    async fn collect_whole(
        &self,
        digest: &Digest,
        size: u64,
        mut pieces: BoxStream<'static, object_store::Result<Bytes>>,
    ) -> Result<Bytes, Trouble> {
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            whole.extend_from_slice(&piece.map_err(|error| self.bucket.trouble("read", &blob(digest), error))?);
            if whole.len() as u64 > size {
                return Err(damaged(digest));
            }
        }
        let whole = whole.freeze();
        let sound = blocking(|| Digest::of(digest.algorithm(), &whole) == *digest);
        if sound { Ok(whole) } else { Err(damaged(digest)) }
    }

    /// The sums of a blob: from their object, or taken anew while its whole digest is verified.
    async fn load_sums(&self, digest: &Digest, size: u64) -> Result<Arc<Vec<u64>>, Trouble> {
        let stored = self.bucket.whole(&named("sums", digest)).await?.and_then(|bytes| sums::decode(&bytes, size));
        let sums = match stored {
            Some(sums) => sums,
            None => {
                let sums = self.hash_all(digest).await?.flatten().ok_or_else(|| damaged(digest))?;
                if let Err(error) = self.put_sums(digest, size, &sums).await {
                    tracing::warn!(%error, %digest, "The sums of a blob cannot be kept");
                }
                sums
            }
        };
        let sums = Arc::new(sums);
        self.sums.put(digest, sums.clone());
        Ok(sums)
    }

    /// Reads all of a blob: `None` if there is none, else its chunks' sums if its digest is the one it should have.
    pub(super) async fn hash_all(&self, digest: &Digest) -> Result<Option<Option<Vec<u64>>>, Trouble> {
        self.hash_object(&blob(digest), digest).await
    }

    /// The same of the object `name`.
    pub(super) async fn hash_object(&self, name: &str, digest: &Digest) -> Result<Option<Option<Vec<u64>>>, Trouble> {
        let Some(mut opened) = self.bucket.open(name, None).await? else { return Ok(None) };
        let (mut hasher, mut chunks) = (Hasher::new(digest.algorithm()), sums::Chunks::default());
        while let Some(piece) = opened.bytes.next().await {
            let piece = piece.map_err(|error| self.bucket.trouble("read", name, error))?;
            blocking(|| {
                hasher.update(&piece);
                chunks.update(&piece);
            });
        }
        Ok(Some((hasher.finish() == *digest).then(|| chunks.finish())))
    }
}

async fn next(mut pull: Pull) -> Result<Option<(Bytes, Pull)>, Trouble> {
    let first = pull.chunk * CHUNK as u64;
    if first > *pull.range.end() || first >= pull.size {
        return Ok(None);
    }
    let length = usize::try_from((pull.size - first).min(CHUNK as u64)).unwrap_or(CHUNK);
    let bytes = pull.gather(length).await?;
    let expected = usize::try_from(pull.chunk).ok().and_then(|chunk| pull.sums.get(chunk));
    if expected != Some(&sums::sum(&bytes)) {
        tracing::error!(digest = %pull.digest, chunk = pull.chunk, "A blob is damaged in the object storage and is not served");
        return Err(damaged(&pull.digest));
    }
    let wanted = pull.range.start().saturating_sub(first)..=pull.range.end() - first;
    pull.chunk += 1;
    Ok(Some((slice(&bytes, &wanted), pull)))
}

impl Pull {
    /// The next bytes, `length` of them; fewer if the object ends before.
    async fn gather(&mut self, length: usize) -> Result<Bytes, Trouble> {
        if self.rest.len() >= length {
            return Ok(self.rest.split_to(length));
        }
        let mut bytes = BytesMut::with_capacity(length);
        bytes.extend_from_slice(&std::mem::take(&mut self.rest));
        while bytes.len() < length {
            let Some(piece) = self.pieces.next().await else { break };
            let mut piece = piece.map_err(|error| self.bucket.trouble("read", &blob(&self.digest), error))?;
            bytes.extend_from_slice(&piece.split_to(piece.len().min(length - bytes.len())));
            self.rest = piece;
        }
        Ok(bytes.freeze())
    }
}
