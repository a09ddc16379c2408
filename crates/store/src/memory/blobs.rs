//! The [`Blobs`] port.

use std::{
    collections::BTreeMap,
    ops::Bound,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest, Timestamp};
use engine::ports::{Blob, BlobRange, Blobs, ByteStream, Tier, Trouble, UploadError, UploadId};
use futures::StreamExt;

use super::{Memory, locked};
use crate::blobs::{new_upload_id, slice};

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) blobs: BTreeMap<Digest, Bytes>,
    pub(super) away: BTreeMap<(Tier, Digest), (Bytes, Timestamp)>,
    uploads: BTreeMap<UploadId, (Vec<u8>, Instant)>,
}

#[async_trait]
impl Blobs for Memory {
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, Trouble> {
        Ok(locked(&self.blobs).blobs.get(digest).map(|bytes| bytes.len() as u64))
    }

    async fn get(&self, digest: &Digest, range: Option<BlobRange>) -> Result<Option<Blob>, Trouble> {
        let Some(whole) = locked(&self.blobs).blobs.get(digest).cloned() else { return Ok(None) };
        let size = whole.len() as u64;
        let bytes = range.map_or(whole.clone(), |range| slice(&whole, &range));
        Ok(Some(Blob { size, bytes: Box::pin(futures::stream::once(async { Ok(bytes) })) }))
    }

    async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble> {
        match locked(&self.blobs).blobs.get(digest) {
            Some(bytes) if bytes.len() as u64 > limit => {
                let much = format!("it has {} bytes, and at most {limit} were expected", bytes.len());
                Err(Trouble::new(format!("read `{digest}`"), much))
            }
            found => Ok(found.cloned()),
        }
    }

    async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        locked(&self.blobs).put(digest, bytes)
    }

    async fn delete(&self, digest: &Digest) -> Result<bool, Trouble> {
        Ok(locked(&self.blobs).blobs.remove(digest).is_some())
    }

    async fn verify(&self, digest: &Digest) -> Result<Option<bool>, Trouble> {
        let found = locked(&self.blobs).blobs.get(digest).cloned();
        Ok(found.map(|bytes| Digest::of(digest.algorithm(), &bytes) == *digest))
    }

    async fn list(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(locked(&self.blobs)
            .blobs
            .range::<Digest, _>((first, Bound::Unbounded))
            .take(limit)
            .map(|(digest, _)| digest.clone())
            .collect())
    }

    async fn set_aside(&self, digest: &Digest) -> Result<bool, Trouble> {
        self.delete(digest).await
    }

    fn writable(&self) -> Result<(), String> {
        Ok(())
    }

    async fn begin_upload(&self, owner: &str, _: Algorithm) -> Result<UploadId, Trouble> {
        let id = new_upload_id(owner)?;
        locked(&self.blobs).uploads.insert(id.clone(), (Vec::new(), Instant::now()));
        Ok(id)
    }

    async fn upload_offset(&self, id: &UploadId) -> Result<u64, UploadError> {
        locked(&self.blobs).upload(id).map(|(bytes, _)| bytes.len() as u64)
    }

    async fn append(&self, id: &UploadId, offset: u64, mut bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        let mut stands_at = offset;
        locked(&self.blobs).append(id, stands_at, &[])?;
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|error| UploadError::Interrupted(error.to_string()))?;
            if stands_at - offset + piece.len() as u64 > limit {
                return Err(UploadError::Interrupted(format!("there are more than {limit} bytes")));
            }
            locked(&self.blobs).append(id, stands_at, &piece)?;
            stands_at += piece.len() as u64;
        }
        Ok(stands_at)
    }

    async fn finish_upload(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        let mut kept = locked(&self.blobs);
        let (bytes, _) = kept.uploads.remove(id).ok_or_else(|| UploadError::Unknown(id.clone()))?;
        let size = bytes.len() as u64;
        kept.put(digest, bytes.into())?;
        Ok(size)
    }

    async fn cancel_upload(&self, id: &UploadId) -> Result<(), UploadError> {
        let gone = locked(&self.blobs).uploads.remove(id);
        gone.map(drop).ok_or_else(|| UploadError::Unknown(id.clone()))
    }

    async fn collect_uploads(&self, older_than: Duration) -> Result<usize, Trouble> {
        let mut kept = locked(&self.blobs);
        let before = kept.uploads.len();
        kept.uploads.retain(|_, (_, touched)| touched.elapsed() < older_than);
        Ok(before - kept.uploads.len())
    }
}

impl Kept {
    fn put(&mut self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        let actual = Digest::of(digest.algorithm(), &bytes);
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        self.blobs.insert(digest.clone(), bytes);
        Ok(())
    }

    fn upload(&mut self, id: &UploadId) -> Result<&mut (Vec<u8>, Instant), UploadError> {
        self.uploads.get_mut(id).ok_or_else(|| UploadError::Unknown(id.clone()))
    }

    fn append(&mut self, id: &UploadId, begins_at: u64, bytes: &[u8]) -> Result<(), UploadError> {
        let (upload, touched) = self.upload(id)?;
        let stands_at = upload.len() as u64;
        if stands_at != begins_at {
            return Err(UploadError::OutOfOrder { stands_at, begins_at });
        }
        upload.extend_from_slice(bytes);
        *touched = Instant::now();
        Ok(())
    }
}
