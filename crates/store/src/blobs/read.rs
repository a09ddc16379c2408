//! Reading, with every byte checked before it is handed out.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{BlobRange, ByteStream, Trouble};
use rustix::io::ReadWriteFlags;
use sha2::{Digest as _, Sha256, Sha512};

use super::{CHUNK, damaged, sums};

/// The whole of a small blob, its digest verified.
pub(super) fn small(file: &File, digest: &Digest, size: u64) -> Result<Bytes, Trouble> {
    let length = usize::try_from(size).map_err(|error| Trouble::new(format!("read `{digest}`"), error))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).map_err(|error| Trouble::new(format!("read `{digest}`"), error))?;
    if Digest::of(digest.algorithm(), &bytes) == *digest { Ok(bytes.into()) } else { Err(damaged(digest)) }
}

/// The part of `bytes` that `range` names, as far as there is one.
pub(super) fn slice(bytes: &Bytes, range: &BlobRange) -> Bytes {
    let length = bytes.len();
    let first = usize::try_from(*range.start()).unwrap_or(length).min(length);
    let end = usize::try_from(range.end().saturating_add(1)).unwrap_or(length).clamp(first, length);
    bytes.slice(first..end)
}

/// Reads all of a file; its chunks' sums if its digest is the one it should have.
pub(super) fn verify_whole(file: &File, digest: &Digest) -> Result<Option<Vec<u64>>, Trouble> {
    let (hasher, chunks, _) = hash_file(file, Hasher::new(digest.algorithm()))
        .map_err(|error| Trouble::new(format!("read `{digest}`"), error))?;
    Ok((hasher.finish() == *digest).then(|| chunks.finish()))
}

/// Hashes all of a file; with the sums of its chunks, and its size.
pub(super) fn hash_file(file: &File, mut hasher: Hasher) -> io::Result<(Hasher, sums::Chunks, u64)> {
    let (mut size, mut chunks, mut buffer) = (0, sums::Chunks::default(), vec![0; CHUNK]);
    loop {
        let read = file.read_at(&mut buffer, size)?;
        if read == 0 {
            return Ok((hasher, chunks, size));
        }
        hasher.update(&buffer[..read]);
        chunks.update(&buffer[..read]);
        size += read as u64;
    }
}

/// A running hash.
#[derive(Clone)]
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::from_hash(Algorithm::Sha256, &hasher.finalize()),
            Self::Sha512(hasher) => Digest::from_hash(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

/// A pull on its way.
struct Pull {
    file: Arc<File>,
    digest: Digest,
    size: u64,
    sums: Arc<Vec<u64>>,
    /// The next chunk.
    chunk: u64,
    range: BlobRange,
}

/// The bytes of a large blob, chunk by chunk.
pub(super) fn stream(
    file: File,
    digest: Digest,
    size: u64,
    sums: Arc<Vec<u64>>,
    range: Option<BlobRange>,
) -> ByteStream {
    let range = range.unwrap_or(0..=size - 1);
    let chunk = range.start() / CHUNK as u64;
    let pull = Pull { file: Arc::new(file), digest, size, sums, chunk, range };
    Box::pin(futures::stream::try_unfold(pull, next))
}

async fn next(mut pull: Pull) -> Result<Option<(Bytes, Pull)>, Trouble> {
    let first = pull.chunk * CHUNK as u64;
    if first > *pull.range.end() || first >= pull.size {
        return Ok(None);
    }
    let length = usize::try_from((pull.size - first).min(CHUNK as u64)).unwrap_or(CHUNK);
    let read = read_chunk(&pull.file, first, length).await;
    let bytes = read.map_err(|error| Trouble::new(format!("read `{}`", pull.digest), error))?;
    let expected = usize::try_from(pull.chunk).ok().and_then(|chunk| pull.sums.get(chunk));
    if expected != Some(&sums::sum(&bytes)) {
        tracing::error!(digest = %pull.digest, chunk = pull.chunk, "A blob is damaged on the disk and is not served");
        return Err(damaged(&pull.digest));
    }
    let wanted = pull.range.start().saturating_sub(first)..=pull.range.end() - first;
    pull.chunk += 1;
    Ok(Some((slice(&bytes, &wanted), pull)))
}

/// Reads a chunk: at once where the page cache has it, on a thread that may wait where it has not.
async fn read_chunk(file: &Arc<File>, first: u64, length: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let slices = &mut [IoSliceMut::new(&mut buffer[filled..])];
        match rustix::io::preadv2(file, slices, first + filled as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(rustix::io::Errno::INTR) => {}
            // Not in the page cache, or a file system that cannot tell.
            Err(_) => {
                let file = file.clone();
                let waited = tokio::task::spawn_blocking(move || {
                    file.read_exact_at(&mut buffer[filled..], first + filled as u64)?;
                    Ok::<_, io::Error>(buffer)
                });
                return waited.await.map_err(io::Error::other)?.map(Bytes::from);
            }
        }
    }
    Ok(buffer.into())
}
