//! What manifests consist of, for those that were asked about lately. A manifest that is whole never changes, so the cache is never wrong;
//! it is only bounded.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{Digest, RepositoryName};
use engine::ports::{Catalog, Trouble};

/// How many digests the cache holds at most: about 20 MiB.
const HELD_MAX: usize = 200_000;
/// How many parts of one manifest are looked at. What lies beyond is not pulled by a stage's token.
const PARTS_MAX: usize = 50_000;

/// Closures by the digest of their manifest.
#[derive(Default)]
pub(crate) struct Closures(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    closures: BTreeMap<Digest, Arc<BTreeSet<Digest>>>,
    order: VecDeque<Digest>,
    held: usize,
}

impl Closures {
    /// The manifest and all that it consists of, as far as the repository has it.
    pub async fn of(
        &self,
        catalog: &dyn Catalog,
        repository: &RepositoryName,
        manifest: &Digest,
    ) -> Result<Arc<BTreeSet<Digest>>, Trouble> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).closures.get(manifest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = catalog.closure(repository, manifest, PARTS_MAX).await?;
        let parts = Arc::new(found.parts);
        if found.missing.is_none() && !found.cut {
            self.put(manifest, &parts);
        }
        Ok(parts)
    }

    fn put(&self, manifest: &Digest, parts: &Arc<BTreeSet<Digest>>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.closures.insert(manifest.clone(), parts.clone()).is_none() {
            cached.held += parts.len();
            cached.order.push_back(manifest.clone());
        }
        while cached.held > HELD_MAX {
            let Some(oldest) = cached.order.pop_front() else { break };
            let gone = cached.closures.remove(&oldest).map_or(0, |parts| parts.len());
            cached.held = cached.held.saturating_sub(gone);
        }
    }
}
