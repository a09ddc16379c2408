//! What the writer and the readers share: the state as far as it is loaded, and where the ledger stands.

use std::{
    collections::BTreeSet,
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use domain::{Artifact, Digest, Key, PARTS_MAX, Placed, RepositoryName, State, retention};
use tokio::sync::{Mutex as AsyncMutex, RwLock as AsyncRwLock, Semaphore, watch};

use crate::{Clock, Error, Ports, attached, pulls::Pulls};

/// How many aggregates are kept in memory at most, for the readers and for the writer each: about 1 KiB each.
pub(crate) const LOADED_MAX: usize = 20_000;

/// How many look back into the past at once.
const LOOKING_BACK: usize = 2;

/// How many signed documents are opened at once.
const OPENING: usize = 2;

/// How many manifests that consist of another are looked up. Those that were left out stand in its way as well.
const CONTAINERS_MAX: usize = 1000;

/// Shared by the engine's handles, its writer and its followers.
pub(crate) struct Shared {
    pub ports: Ports,
    pub clock: Box<dyn Clock>,
    state: RwLock<State>,
    /// Held for reading while rows are loaded, for writing from before a commit until its rows are adopted. So a reader never mixes
    /// rows from before a commit with rows from after it.
    gate: AsyncRwLock<()>,
    /// How many entries the ledger has.
    pub size: watch::Sender<u64>,
    /// How many of them the views take into account.
    pub viewed: watch::Sender<u64>,
    /// How many of them somebody waits for the views to take into account.
    pub wanted: watch::Sender<u64>,
    /// How many of them somebody waits for the publisher to sign.
    pub wanted_published: watch::Sender<u64>,
    /// How many of them are published with a signed checkpoint.
    pub published: watch::Sender<u64>,
    /// Whether the writer has ended, because the last handle is gone.
    pub ended: watch::Sender<bool>,
    /// Turns at looking back into the past, which costs more the longer it is.
    pub looking_back: Semaphore,
    /// Turns at opening signed documents, which costs more the more signatures and keys there are.
    pub opening: Semaphore,
    /// Why nothing can be written any more, once that is so.
    pub failed: OnceLock<String>,
    /// When it was last known where the ledger stands; see `elsewhere`.
    confirmed: RwLock<Instant>,
    /// What was pulled, on its way to the catalog.
    pub pulls: Pulls,
    /// The turn at finding that out.
    pub refreshing: AsyncMutex<()>,
}

impl Shared {
    pub fn new(ports: Ports, clock: Box<dyn Clock>, state: State) -> Self {
        let size = state.size();
        Self {
            ports,
            clock,
            state: RwLock::new(state),
            gate: AsyncRwLock::new(()),
            size: watch::Sender::new(size),
            viewed: watch::Sender::new(0),
            wanted: watch::Sender::new(0),
            wanted_published: watch::Sender::new(0),
            published: watch::Sender::new(0),
            ended: watch::Sender::new(false),
            looking_back: Semaphore::new(LOOKING_BACK),
            opening: Semaphore::new(OPENING),
            failed: OnceLock::new(),
            confirmed: RwLock::new(Instant::now()),
            pulls: Pulls::default(),
            refreshing: AsyncMutex::new(()),
        }
    }

    /// When it was last known where the ledger stands.
    pub fn confirmed(&self) -> Instant {
        *self.confirmed.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the ledger stands was read after `asked`.
    pub fn confirm(&self, asked: Instant) {
        let mut confirmed = self.confirmed.write().unwrap_or_else(PoisonError::into_inner);
        *confirmed = asked.max(*confirmed);
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to be changed under the gate.
    pub fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads what `wanted` names, asking again until it names nothing more, and then looks.
    pub async fn look<T>(
        &self,
        mut wanted: impl FnMut(&State) -> Vec<Key>,
        look: impl FnOnce(&State) -> T,
    ) -> Result<T, Error> {
        self.refresh().await?;
        // Once for each look: room made between two of its loads would take away what the first has loaded.
        let mut room_made = false;
        loop {
            let missing = {
                let state = self.state();
                let missing = wanted(&state);
                if missing.is_empty() {
                    return Ok(look(&state));
                }
                missing
            };
            let _loading = self.gate.read().await;
            let rows = fetch(&self.ports, &missing).await?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.loaded() > LOADED_MAX && !room_made {
                state.unload();
            }
            room_made = true;
            load(&mut state, &missing, &rows)?;
        }
    }

    /// Waits until the ledger has more than `cursor` entries; `false` once the writer has ended.
    pub async fn wait_past(&self, cursor: u64) -> bool {
        let (mut sizes, mut ended) = (self.size.subscribe(), self.ended.subscribe());
        tokio::select! {
            grown = sizes.wait_for(|size| *size > cursor) => grown.is_ok(),
            _ = ended.wait_for(|ended| *ended) => false,
        }
    }

    /// Keeps readers from loading rows until the guard is dropped.
    pub async fn close_for_commit(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Makes what the writer committed visible to the readers.
    pub fn adopt(&self, from: &State, changed: &BTreeSet<Key>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.loaded() > LOADED_MAX {
            state.unload();
        }
        state.adopt(from, changed);
        drop(state);
        self.size.send_replace(from.size());
    }

    /// Makes the readers begin from `state`, when the engine starts.
    pub fn begin(&self, state: State) {
        self.size.send_replace(state.size());
        *self.state_mut() = state;
    }
}

/// Returns once somebody waits for more than `cursor` entries, and after `most` at the latest: entries that nobody asks for yet are taken
/// together.
pub(crate) async fn rest(wanted: &watch::Sender<u64>, cursor: u64, most: Duration) {
    let mut wanted = wanted.subscribe();
    let asked = wanted.wait_for(|wanted| *wanted > cursor);
    let _ = tokio::time::timeout(most, asked).await;
}

/// Says that somebody waits for `size` entries, as far as there are so many.
pub(crate) fn want(wanted: &watch::Sender<u64>, size: u64, there_are: u64) {
    let size = size.min(there_are);
    wanted.send_if_modified(|wanted| {
        let more = size > *wanted;
        *wanted = size.max(*wanted);
        more
    });
}

/// The rows of `keys`; what artifacts consist of is looked up in the catalog.
pub(crate) async fn fetch(ports: &Ports, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let is_row = |key: &&Key| !matches!(key, Key::Artifact(..) | Key::Manifest(..) | Key::Tag(..));
    let texts: Vec<String> = keys.iter().filter(is_row).map(ToString::to_string).collect();
    let mut rows = ports.ledger.rows(&texts).await?.into_iter();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let looked_up = match key {
            Key::Artifact(repository, digest) => {
                let closure = ports.catalog.closure(repository, digest, PARTS_MAX).await?;
                let artifact = Artifact { parts: closure.parts, missing: closure.missing, cut: closure.cut };
                serde_json::to_vec(&artifact)
            }
            Key::Manifest(repository, digest) => serde_json::to_vec(&placed(ports, repository, digest).await?),
            Key::Tag(repository, tag) => {
                serde_json::to_vec(&attached::subject_of(&*ports.catalog, repository, tag).await?)
            }
            _ => {
                found.push(rows.next().flatten());
                continue;
            }
        };
        found.push(Some(looked_up.map_err(|error| Error::broken(format!("load `{key}`"), error))?));
    }
    Ok(found)
}

/// What stands in the way of a manifest's going.
async fn placed(ports: &Ports, repository: &RepositoryName, digest: &Digest) -> Result<Placed, Error> {
    let catalog = &ports.catalog;
    if catalog.manifest(repository, digest).await?.is_none() {
        return Ok(Placed::default());
    }
    let tags = catalog.all_tags_of(repository, digest).await?;
    let mut about = BTreeSet::new();
    for about_it in retention::about(catalog.subject(repository, digest).await?.as_ref(), &tags) {
        let Some(subject) = attached::resolve(&**catalog, repository, about_it).await? else { continue };
        if subject != *digest && catalog.manifest(repository, &subject).await?.is_some() {
            about.insert(subject);
        }
    }
    let subjects = attached::subjects(&**catalog, repository, digest).await?;
    let containers = catalog.containers(repository, digest, None, CONTAINERS_MAX).await?;
    let cut = subjects.cut || containers.len() == CONTAINERS_MAX;
    let parts = catalog.parts(repository, digest).await?.into_iter().map(|part| part.digest).collect();
    let containers = containers.into_iter().collect();
    Ok(Placed { there: true, tags, containers, about, attached_to: subjects.digests, cut, parts })
}

/// Puts rows into `state`.
pub(crate) fn load(state: &mut State, keys: &[Key], rows: &[Option<Vec<u8>>]) -> Result<(), Error> {
    for (key, row) in keys.iter().zip(rows) {
        state.load(key, row.as_deref()).map_err(|invalid| Error::broken(format!("load `{key}`"), invalid))?;
    }
    Ok(())
}
