//! Manifests that were served lately. They are immutable, so the cache is never wrong; it is only bounded.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use domain::Digest;

/// How many bytes the cache holds at most: 16 MiB.
const BYTES_MAX: usize = 16 << 20;
/// How large a manifest is at most to be worth a place.
const ONE_MAX: usize = 256 * 1024;

/// The bytes of manifests by digest, verified when they were loaded.
#[derive(Default)]
pub(crate) struct ManifestCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    manifests: BTreeMap<Digest, Bytes>,
    order: VecDeque<Digest>,
    held: usize,
}

impl ManifestCache {
    pub fn get(&self, digest: &Digest) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).manifests.get(digest).cloned()
    }

    pub fn put(&self, digest: &Digest, bytes: &Bytes) {
        if bytes.len() > ONE_MAX {
            return;
        }
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.manifests.insert(digest.clone(), bytes.clone()).is_none() {
            cached.held += bytes.len();
            cached.order.push_back(digest.clone());
        }
        while cached.held > BYTES_MAX {
            let Some(oldest) = cached.order.pop_front() else { break };
            let gone = cached.manifests.remove(&oldest).map_or(0, |bytes| bytes.len());
            cached.held = cached.held.saturating_sub(gone);
        }
    }
}
