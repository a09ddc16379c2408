//! Reading, with every byte checked before it is handed out.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use domain::{Digest, Hasher};
use engine::ports::{BlobRange, ByteStream, Trouble};
use rustix::io::ReadWriteFlags;

use super::{CHUNK, SMALL, buffers::Buffers, damaged, sums};
use crate::waiting::blocking;

/// The whole of a small blob, its digest verified.
pub(super) async fn whole(file: File, digest: &Digest, size: u64) -> Result<Bytes, Trouble> {
    let failed = |error: io::Error| Trouble::new(format!("read `{digest}`"), error);
    let length = usize::try_from(size).map_err(|error| failed(io::Error::other(error)))?;
    let bytes = read_at(&Arc::new(file), 0, vec![0; length]).await.map_err(failed)?;
    let matches = || Digest::of(digest.algorithm(), &bytes) == *digest;
    let sound = if size > SMALL { blocking(matches) } else { matches() };
    if sound { Ok(bytes) } else { Err(damaged(digest)) }
}

/// The part of `bytes` that `range` names, as far as there is one.
pub(crate) fn slice(bytes: &Bytes, range: &BlobRange) -> Bytes {
    let length = bytes.len();
    let first = usize::try_from(*range.start()).unwrap_or(length).min(length);
    let end = usize::try_from(range.end().saturating_add(1)).unwrap_or(length).clamp(first, length);
    bytes.slice(first..end)
}

/// Reads all of a file; its chunks' sums if its digest is the one it should have.
pub(super) fn verify(file: &File, digest: &Digest) -> Result<Option<Vec<u64>>, Trouble> {
    let hashed = hash_file(file, Hasher::new(digest.algorithm()));
    let (actual, sums, _) = hashed.map_err(|error| Trouble::new(format!("read `{digest}`"), error))?.finish();
    Ok((actual == *digest).then_some(sums))
}

/// Hashes all of a file.
pub(super) fn hash_file(file: &File, hasher: Hasher) -> io::Result<Hashed> {
    let mut hashed = Hashed { hasher, chunks: sums::Chunks::default(), size: 0 };
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read_at(&mut buffer, hashed.size) {
            Ok(0) => return Ok(hashed),
            Ok(read) => hashed.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What is known of bytes that were read or written from the first on.
#[derive(Clone)]
pub(super) struct Hashed {
    hasher: Hasher,
    chunks: sums::Chunks,
    /// How many.
    pub size: u64,
}

impl Hashed {
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.chunks.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Their digest, the sums of their chunks, and how many they are.
    pub fn finish(self) -> (Digest, Vec<u64>, u64) {
        (self.hasher.finish(), self.chunks.finish(), self.size)
    }
}

/// A pull on its way.
struct Pull {
    file: Arc<File>,
    digest: Digest,
    size: u64,
    sums: Arc<Vec<u64>>,
    buffers: Arc<Buffers>,
    /// The next chunk.
    chunk: u64,
    range: BlobRange,
}

/// The bytes of a large blob, chunk by chunk.
pub(super) fn stream(
    file: File,
    digest: Digest,
    size: u64,
    (sums, buffers): (Arc<Vec<u64>>, Arc<Buffers>),
    range: Option<BlobRange>,
) -> ByteStream {
    let range = range.unwrap_or(0..=size - 1);
    let chunk = range.start() / CHUNK as u64;
    let pull = Pull { file: Arc::new(file), digest, size, sums, buffers, chunk, range };
    Box::pin(futures::stream::try_unfold(pull, next))
}

/// The bytes of a file, compared with nothing.
pub(super) fn unchecked(file: File, digest: Digest, size: u64) -> ByteStream {
    let file = Arc::new(file);
    Box::pin(futures::stream::try_unfold(0, move |first: u64| {
        let (file, digest) = (file.clone(), digest.clone());
        async move {
            let length = usize::try_from((size - first).min(CHUNK as u64)).unwrap_or(CHUNK);
            if length == 0 {
                return Ok(None);
            }
            let read = read_at(&file, first, vec![0; length]).await;
            let bytes = read.map_err(|error| Trouble::new(format!("read `{digest}`"), error))?;
            Ok(Some((bytes, first + length as u64)))
        }
    }))
}

async fn next(mut pull: Pull) -> Result<Option<(Bytes, Pull)>, Trouble> {
    let first = pull.chunk * CHUNK as u64;
    if first > *pull.range.end() || first >= pull.size {
        return Ok(None);
    }
    let length = usize::try_from((pull.size - first).min(CHUNK as u64)).unwrap_or(CHUNK);
    let read = read_at(&pull.file, first, pull.buffers.take(length)).await;
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

/// Fills a buffer: at once where the page cache has it, on a thread that may wait where it has not.
async fn read_at<B>(file: &Arc<File>, first: u64, mut buffer: B) -> io::Result<Bytes>
where
    B: AsRef<[u8]> + AsMut<[u8]> + Send + 'static,
{
    let mut filled = 0;
    while filled < buffer.as_ref().len() {
        let slices = &mut [IoSliceMut::new(&mut buffer.as_mut()[filled..])];
        match rustix::io::preadv2(file, slices, first + filled as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(rustix::io::Errno::INTR) => {}
            // Not in the page cache, or a file system that cannot tell.
            Err(_) => {
                let file = file.clone();
                let waited = tokio::task::spawn_blocking(move || {
                    file.read_exact_at(&mut buffer.as_mut()[filled..], first + filled as u64)?;
                    Ok::<_, io::Error>(buffer)
                });
                return waited.await.map_err(io::Error::other)?.map(Bytes::from_owner);
            }
        }
    }
    Ok(Bytes::from_owner(buffer))
}
