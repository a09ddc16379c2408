//! What the writer and the readers share: the state as far as it is loaded, and where the ledger stands.

use std::{
    collections::BTreeSet,
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard},
};

use domain::{Key, State};
use tokio::sync::{RwLock as AsyncRwLock, watch};

use crate::{Clock, Error, Ports, ports::Ledger};

/// How many aggregates are kept in memory at most, for the readers and for the writer each: about 1 KiB each.
pub(crate) const LOADED_MAX: usize = 20_000;

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
    /// How many of them are published with a signed checkpoint.
    pub published: watch::Sender<u64>,
    /// Whether the writer has ended, because the last handle is gone.
    pub ended: watch::Sender<bool>,
    /// Why nothing can be written any more, once that is so.
    pub failed: OnceLock<String>,
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
            published: watch::Sender::new(0),
            ended: watch::Sender::new(false),
            failed: OnceLock::new(),
        }
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads what `wanted` names, asking again until it names nothing more, and then looks.
    pub async fn look<T>(
        &self,
        mut wanted: impl FnMut(&State) -> Vec<Key>,
        look: impl FnOnce(&State) -> T,
    ) -> Result<T, Error> {
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
            let rows = fetch(&*self.ports.ledger, &missing).await?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.loaded() > LOADED_MAX {
                state.unload();
            }
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

    /// Makes the readers begin anew from `state`, after another writer was faster.
    pub fn replace(&self, state: State) {
        let size = state.size();
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.size.send_replace(size);
    }
}

/// The rows of `keys`.
pub(crate) async fn fetch(ledger: &dyn Ledger, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
    Ok(ledger.rows(&texts).await?)
}

/// Puts rows into `state`.
pub(crate) fn load(state: &mut State, keys: &[Key], rows: &[Option<Vec<u8>>]) -> Result<(), Error> {
    for (key, row) in keys.iter().zip(rows) {
        state.load(key, row.as_deref()).map_err(|invalid| Error::broken(format!("load `{key}`"), invalid))?;
    }
    Ok(())
}
