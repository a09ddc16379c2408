//! One blob: whether it is what it should be, and how it becomes so again.

use domain::{Digest, Hasher};
use engine::{
    Ports,
    ports::{ByteStream, Trouble, UploadError},
};
use futures::StreamExt;

use super::{Fetcher, Pace, Places, Source};

/// How large a blob is at most, in bytes: as the registry takes them.
const BLOB_BYTES_MAX: u64 = 100 << 30;

/// What reading a blob came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has its digest, and so many bytes.
    Intact(u64),
    /// It has not.
    Damaged,
    /// It is not there any more.
    Gone,
}

/// Reads a blob at some pace, and computes its digest.
pub async fn check(ports: &Ports, digest: &Digest, pace: &mut Pace) -> Result<Found, Trouble> {
    // An error here may be the damage itself: reading checks each piece. The second look tells, and is needed only then.
    if let Ok(Some(blob)) = ports.blobs.get(digest, None).await
        && hash(blob.bytes, digest, pace).await
    {
        return Ok(Found::Intact(blob.size));
    }
    match ports.blobs.verify(digest).await? {
        Some(true) => Ok(Found::Intact(ports.blobs.size(digest).await?.unwrap_or_default())),
        Some(false) => Ok(Found::Damaged),
        None => Ok(Found::Gone),
    }
}

async fn hash(mut bytes: ByteStream, digest: &Digest, pace: &mut Pace) -> bool {
    let mut hasher = Hasher::new(digest.algorithm());
    while let Some(piece) = bytes.next().await {
        let Ok(piece) = piece else { return false };
        hasher.update(&piece);
        pace.take(piece.len()).await;
    }
    hasher.finish() == *digest
}

/// Stores sound bytes in the place of damaged ones, from the first source that has them; which one that was.
pub async fn repair<'a>(
    ports: &Ports,
    fetcher: &Fetcher,
    sources: &'a [Source],
    digest: &Digest,
) -> Result<Option<&'a Source>, Trouble> {
    if sources.is_empty() {
        return Ok(None);
    }
    let places = Places {
        blobs: ports.catalog.blob_anywhere(digest).await?,
        manifests: ports.catalog.manifest_anywhere(digest).await?,
    };
    for source in sources {
        let stored = match fetcher.fetch(source, digest, &places).await {
            Ok(None) => continue,
            Ok(Some(bytes)) => store(ports, bytes, digest).await,
            Err(trouble) => Err(trouble.into()),
        };
        match stored {
            Ok(()) => return Ok(Some(source)),
            // One that is wrong or away is no reason not to ask the next.
            Err(error) => tracing::warn!(%digest, %source, %error, "A source has no sound bytes for a damaged blob"),
        }
    }
    Ok(None)
}

async fn store(ports: &Ports, bytes: ByteStream, digest: &Digest) -> Result<(), UploadError> {
    let upload = ports.blobs.begin_upload("scrub", digest.algorithm()).await?;
    let stored = match ports.blobs.append(&upload, 0, bytes, BLOB_BYTES_MAX).await {
        Ok(_) => ports.blobs.finish_upload(&upload, digest).await.map(drop),
        Err(error) => Err(error),
    };
    if stored.is_err() {
        // A mismatch has discarded it already.
        let _ = ports.blobs.cancel_upload(&upload).await;
    }
    stored
}
