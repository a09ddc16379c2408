//! [`Memory`]: what was heard from upstreams lately. All of it is bounded, and may be forgotten: then it is asked again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use domain::{Digest, RepositoryName, TagName, Timestamp};

/// How many things of each kind are remembered.
const THINGS_MAX: usize = 20_000;
/// How many bytes of manifests are held that are not in the catalog yet: 64 MiB.
const MANIFEST_BYTES_MAX: usize = 64 << 20;

/// What an upstream said about a tag.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub digest: Option<Digest>,
    pub at: Timestamp,
}

#[derive(Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    tags: BTreeMap<(RepositoryName, TagName), Heard>,
    absent: BTreeMap<(RepositoryName, Digest), Timestamp>,
    looked_at: BTreeMap<(RepositoryName, Digest), Timestamp>,
    quiet: BTreeMap<String, Timestamp>,
    manifests: BTreeMap<(RepositoryName, Digest), (String, Bytes)>,
    bytes: usize,
}

impl Memory {
    fn with<T>(&self, look: impl FnOnce(&mut Remembered) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn tag(&self, place: &(RepositoryName, TagName)) -> Option<Heard> {
        self.with(|known| known.tags.get(place).cloned())
    }

    pub fn heard(&self, place: &(RepositoryName, TagName), digest: Option<Digest>, at: Timestamp) {
        self.with(|known| remember(&mut known.tags, place.clone(), Heard { digest, at }));
    }

    /// Whether the upstream said lately that it does not have the digest.
    pub fn is_absent(&self, repository: &RepositoryName, digest: &Digest, now: Timestamp) -> bool {
        let place = (repository.clone(), digest.clone());
        self.with(|known| known.absent.get(&place).is_some_and(|until| now < *until))
    }

    pub fn set_absent(&self, repository: &RepositoryName, digest: &Digest, until: Timestamp) {
        self.with(|known| remember(&mut known.absent, (repository.clone(), digest.clone()), until));
    }

    /// Whether the upstream was asked for evidence lately.
    pub fn is_looked_at(&self, repository: &RepositoryName, digest: &Digest, now: Timestamp) -> bool {
        let place = (repository.clone(), digest.clone());
        self.with(|known| known.looked_at.get(&place).is_some_and(|until| now < *until))
    }

    pub fn look_at(&self, repository: &RepositoryName, digest: &Digest, until: Timestamp) {
        self.with(|known| remember(&mut known.looked_at, (repository.clone(), digest.clone()), until));
    }

    /// Whether the upstream is left alone, because it could not be asked.
    pub fn is_quiet(&self, upstream: &str, now: Timestamp) -> bool {
        self.with(|known| known.quiet.get(upstream).is_some_and(|until| now < *until))
    }

    pub fn set_quiet(&self, upstream: &str, until: Timestamp) {
        self.with(|known| remember(&mut known.quiet, upstream.to_owned(), until));
    }

    /// A manifest that was checked and is not in the catalog yet.
    pub fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Option<(String, Bytes)> {
        self.with(|known| known.manifests.get(&(repository.clone(), digest.clone())).cloned())
    }

    pub fn hold(&self, repository: &RepositoryName, digest: &Digest, media_type: String, bytes: Bytes) {
        self.with(|known| {
            known.bytes += bytes.len();
            let before = known.manifests.insert((repository.clone(), digest.clone()), (media_type, bytes));
            known.bytes -= before.map_or(0, |(_, bytes)| bytes.len());
            while known.bytes > MANIFEST_BYTES_MAX {
                let Some((_, (_, bytes))) = known.manifests.pop_first() else { break };
                known.bytes -= bytes.len();
            }
        });
    }

    /// The manifest is in the catalog now.
    pub fn let_go(&self, repository: &RepositoryName, digest: &Digest) {
        self.with(|known| {
            let gone = known.manifests.remove(&(repository.clone(), digest.clone()));
            known.bytes -= gone.map_or(0, |(_, bytes)| bytes.len());
        });
    }
}

/// Remembers one more thing; forgets one, if there are too many.
fn remember<K: Ord, V>(things: &mut BTreeMap<K, V>, key: K, value: V) {
    things.insert(key, value);
    if things.len() > THINGS_MAX {
        things.pop_first();
    }
}
