//! What other replicas wrote: how the state in memory follows a ledger that this process is not alone with.
//!
//! Nothing is folded a second time. The entries say which aggregates they changed; those are forgotten here, and read again from their rows
//! when they are needed. So a row in memory is never older than the state says that it stands; it may be newer, until the entries that
//! changed it come by.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Entry, Key, State};

use crate::{
    Error,
    ports::{Head, NewEntry},
    shared::{Shared, fetch, load},
    writer::standing_at,
};

/// What any answer takes into account: all that was committed so long before it was asked for, on whichever replica.
pub(crate) const FRESH: Duration = Duration::from_secs(1);
/// How many entries are read to learn what they changed; where there are more, everything is forgotten.
pub(crate) const ENTRIES_MAX: u64 = 2_000;
/// How long entries wait for others to be followed with.
const TOGETHER: Duration = Duration::from_millis(20);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a state must forget to stand at a later head.
pub(crate) struct Tail {
    head: Head,
    /// `None` for everything.
    keys: Option<BTreeSet<Key>>,
    /// `None` where it has not changed.
    system: Option<Vec<Option<Vec<u8>>>>,
}

impl Tail {
    /// The tail from entry `from` to `head`.
    pub async fn read(shared: &Shared, from: u64, head: Head) -> Result<Self, Error> {
        // Also where no entry changed it: what a commit that failed had made of it is still there.
        let system = Some(fetch(&shared.ports, &[Key::System]).await?);
        let size = head.frontier.size();
        if size.saturating_sub(from) > ENTRIES_MAX {
            return Ok(Self { head, keys: None, system });
        }
        let mut keys = BTreeSet::new();
        let mut next = from;
        while next < size {
            let entries = shared.ports.ledger.read(next, (size - next) as usize).await?;
            if entries.is_empty() {
                return Err(Error::broken(format!("read entry {next}"), "it is not there"));
            }
            for bytes in entries {
                keys.extend(Key::of_event(&decode(next, &bytes)?.event));
                next += 1;
            }
        }
        Ok(Self { head, keys: Some(keys), system })
    }

    /// The tail that `entries` are, for a state that stands at `before` as it was committed.
    pub async fn of(shared: &Shared, before: &Head, entries: &[NewEntry]) -> Result<Self, Error> {
        let (mut head, mut keys) = (before.clone(), BTreeSet::new());
        for NewEntry { bytes, leaf } in entries {
            let entry = decode(head.frontier.size(), bytes)?;
            keys.extend(Key::of_event(&entry.event));
            head.frontier.append(*leaf);
            head.time = entry.at;
        }
        let changed = keys.contains(&Key::System);
        let system = if changed { Some(fetch(&shared.ports, &[Key::System]).await?) } else { None };
        Ok(Self { head, keys: Some(keys), system })
    }

    /// Where it ends.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Makes `state` stand at the head.
    pub fn apply(&self, state: &mut State) -> Result<(), Error> {
        match &self.keys {
            Some(keys) => state.forget(keys),
            None => state.unload(),
        }
        state.stand_at(self.head.frontier.size(), self.head.time);
        match &self.system {
            Some(row) => load(state, &[Key::System], row),
            None => Ok(()),
        }
    }
}

fn decode(index: u64, bytes: &[u8]) -> Result<Entry, Error> {
    Entry::decode(bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))
}

/// Follows what other replicas write, until the engine's last handle is gone.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut ended = shared.ended.subscribe();
    let following = async {
        loop {
            // What this replica's own writer has read by then need not be read again.
            tokio::time::sleep(TOGETHER).await;
            let asked = Instant::now();
            let size = *shared.size.borrow();
            let followed = match shared.ports.ledger.moved(size).await {
                Ok(head) => shared.catch_up(head, asked).await,
                Err(trouble) => Err(trouble.into()),
            };
            if let Err(error) = followed {
                tracing::warn!(%error, size, "What other replicas write is not known");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    };
    tokio::select! {
        () = following => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

impl Shared {
    /// Where others write, too: makes sure that what is read from here on takes into account all that was committed [`FRESH`] ago. A process
    /// that was stopped, or cut off from the database, answers nothing from memory until it has read where the ledger stands.
    pub async fn refresh(&self) -> Result<(), Error> {
        if !self.ports.ledger.is_shared() || self.confirmed().elapsed() < FRESH {
            return Ok(());
        }
        // One asks, for all who wait.
        let _turn = self.refreshing.lock().await;
        if self.confirmed().elapsed() < FRESH {
            return Ok(());
        }
        let asked = Instant::now();
        let head = self.ports.ledger.head().await?;
        self.catch_up(head, asked).await
    }

    /// Makes the readers stand at `head`, which was read after `asked`.
    async fn catch_up(&self, head: Head, asked: Instant) -> Result<(), Error> {
        let from = self.state().size();
        if head.frontier.size() > from {
            self.follow(&Tail::read(self, from, head).await?).await?;
        }
        self.confirm(asked);
        Ok(())
    }

    /// Makes the readers follow a tail, unless they are further already.
    pub async fn follow(&self, tail: &Tail) -> Result<(), Error> {
        let _closed = self.close_for_commit().await;
        let size = tail.head.frontier.size();
        let behind = self.state().size() < size;
        if behind {
            tail.apply(&mut self.state_mut())?;
            self.size.send_replace(size);
        }
        Ok(())
    }
}

/// The writer's state and head, after others were faster or something failed: `from` is where it stood before.
pub(crate) async fn writer_at_head(shared: &Shared, state: &mut State) -> Result<Head, Error> {
    let head = shared.ports.ledger.head().await?;
    let from = state.size();
    if head.frontier.size() < from {
        *state = standing_at(shared, &head).await?;
        return Ok(head);
    }
    let tail = Tail::read(shared, from, head.clone()).await?;
    tail.apply(state)?;
    shared.follow(&tail).await?;
    Ok(head)
}
