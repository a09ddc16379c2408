//! The checksums of a blob's chunks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::Digest;
use twox_hash::XxHash3_64;

use super::CHUNK;

const MAGIC: &[u8; 8] = b"SSSUMS01";
/// How many sums the cache holds at most: 4 MiB, enough for 128 GiB of blobs.
const CACHED_MAX: usize = 512 * 1024;

/// Takes the sums of bytes as they come.
#[derive(Clone, Default)]
pub(crate) struct Chunks {
    sums: Vec<u64>,
    partial: Option<(XxHash3_64, usize)>,
}

impl Chunks {
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.partial.is_none() && bytes.len() >= CHUNK {
                self.sums.push(sum(&bytes[..CHUNK]));
                bytes = &bytes[CHUNK..];
                continue;
            }
            let (hasher, filled) = self.partial.get_or_insert_with(|| (XxHash3_64::new(), 0));
            let take = bytes.len().min(CHUNK - *filled);
            std::hash::Hasher::write(hasher, &bytes[..take]);
            *filled += take;
            bytes = &bytes[take..];
            if *filled == CHUNK {
                self.sums.push(std::hash::Hasher::finish(hasher));
                self.partial = None;
            }
        }
    }

    pub fn finish(mut self) -> Vec<u64> {
        if let Some((hasher, _)) = self.partial.take() {
            self.sums.push(std::hash::Hasher::finish(&hasher));
        }
        self.sums
    }
}

/// The sum of one chunk.
pub(crate) fn sum(chunk: &[u8]) -> u64 {
    XxHash3_64::oneshot(chunk)
}

/// The file of sums: magic, the blob's size, the sums, and the sum of all that.
pub(crate) fn encode(size: u64, sums: &[u64]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(size.to_be_bytes());
    sums.iter().for_each(|sum| bytes.extend(sum.to_be_bytes()));
    bytes.extend(sum(&bytes).to_be_bytes());
    bytes
}

/// The sums of a blob of `size` bytes; `None` if the file is not that of such a blob, or damaged.
pub(crate) fn decode(bytes: &[u8], size: u64) -> Option<Vec<u64>> {
    let (body, own) = bytes.split_last_chunk::<8>()?;
    let rest = body.strip_prefix(MAGIC)?;
    let (claimed, sums) = rest.split_first_chunk::<8>()?;
    let whole = u64::from_be_bytes(*own) == sum(body) && u64::from_be_bytes(*claimed) == size;
    let (sums, left) = sums.as_chunks::<8>();
    let complete = left.is_empty() && sums.len() as u64 == size.div_ceil(CHUNK as u64);
    (whole && complete).then(|| sums.iter().map(|sum| u64::from_be_bytes(*sum)).collect())
}

/// The sums of blobs that were read lately; those that were not asked for longest go first.
#[derive(Default)]
pub(crate) struct SumCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    sums: BTreeMap<Digest, (u64, Arc<Vec<u64>>)>,
    by_use: BTreeMap<u64, Digest>,
    uses: u64,
    held: usize,
}

impl SumCache {
    pub fn get(&self, digest: &Digest) -> Option<Arc<Vec<u64>>> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = cached.take(digest)?;
        cached.put(digest, sums.clone());
        Some(sums)
    }

    pub fn put(&self, digest: &Digest, sums: Arc<Vec<u64>>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.take(digest);
        cached.put(digest, sums);
        while cached.held > CACHED_MAX {
            let Some((_, longest)) = cached.by_use.pop_first() else { break };
            cached.take(&longest);
        }
    }

    pub fn remove(&self, digest: &Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(digest);
    }
}

impl Cached {
    fn take(&mut self, digest: &Digest) -> Option<Arc<Vec<u64>>> {
        let (used, sums) = self.sums.remove(digest)?;
        self.by_use.remove(&used);
        self.held -= sums.len();
        Some(sums)
    }

    fn put(&mut self, digest: &Digest, sums: Arc<Vec<u64>>) {
        self.uses += 1;
        self.held += sums.len();
        self.by_use.insert(self.uses, digest.clone());
        self.sums.insert(digest.clone(), (self.uses, sums));
    }
}
