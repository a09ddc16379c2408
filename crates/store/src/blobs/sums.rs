//! The checksums of a blob's chunks.

use std::{
    collections::{BTreeMap, VecDeque},
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
pub(super) struct Chunks {
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
pub(super) fn sum(chunk: &[u8]) -> u64 {
    XxHash3_64::oneshot(chunk)
}

/// The file of sums: magic, the blob's size, the sums, and the sum of all that.
pub(super) fn encode(size: u64, sums: &[u64]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(size.to_be_bytes());
    sums.iter().for_each(|sum| bytes.extend(sum.to_be_bytes()));
    bytes.extend(sum(&bytes).to_be_bytes());
    bytes
}

/// The sums of a blob of `size` bytes; `None` if the file is not that of such a blob, or damaged.
pub(super) fn decode(bytes: &[u8], size: u64) -> Option<Vec<u64>> {
    let (body, own) = bytes.split_last_chunk::<8>()?;
    let rest = body.strip_prefix(MAGIC)?;
    let (claimed, sums) = rest.split_first_chunk::<8>()?;
    let whole = u64::from_be_bytes(*own) == sum(body) && u64::from_be_bytes(*claimed) == size;
    let (sums, left) = sums.as_chunks::<8>();
    let complete = left.is_empty() && sums.len() as u64 == size.div_ceil(CHUNK as u64);
    (whole && complete).then(|| sums.iter().map(|sum| u64::from_be_bytes(*sum)).collect())
}

/// The sums of blobs that were read lately; the oldest go first.
#[derive(Default)]
pub(super) struct SumCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    sums: BTreeMap<Digest, Arc<Vec<u64>>>,
    order: VecDeque<Digest>,
    held: usize,
}

impl SumCache {
    pub fn get(&self, digest: &Digest) -> Option<Arc<Vec<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sums.get(digest).cloned()
    }

    pub fn put(&self, digest: &Digest, sums: Arc<Vec<u64>>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.held += sums.len();
        if cached.sums.insert(digest.clone(), sums).is_none() {
            cached.order.push_back(digest.clone());
        }
        while cached.held > CACHED_MAX {
            let Some(oldest) = cached.order.pop_front() else { break };
            let gone = cached.sums.remove(&oldest).map_or(0, |sums| sums.len());
            cached.held = cached.held.saturating_sub(gone);
        }
    }

    pub fn remove(&self, digest: &Digest) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = cached.sums.remove(digest).map_or(0, |sums| sums.len());
        cached.held = cached.held.saturating_sub(gone);
        cached.order.retain(|known| known != digest);
    }
}
