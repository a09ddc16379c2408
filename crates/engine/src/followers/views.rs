//! Keeps the read models.

use std::{sync::Arc, time::Duration};

use domain::{Entry, Event};

use crate::{
    Error,
    ports::{HistoryRow, ReleaseRow, ViewChange},
    shared::{Shared, rest},
};

/// How many entries are folded at once.
const CHUNK: usize = 1000;
/// How long entries wait for others to be folded with, unless somebody waits for them.
const PAUSE: Duration = Duration::from_millis(250);
/// The turn at folding, where several replicas could: one does, unless somebody waits for another. It is not needed for being right, only for not doing
/// all of it several times over.
const TURN: &str = "views";
const TURN_LASTS: Duration = Duration::from_secs(2);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Follower {
    shared: Arc<Shared>,
    cursor: u64,
}

impl Follower {
    pub async fn open(shared: Arc<Shared>) -> Result<Self, Error> {
        let cursor = shared.ports.views.cursor().await?;
        // Another replica may have folded what was committed since this one began; so where the ledger ends is read after the cursor.
        if cursor > *shared.size.borrow() && cursor > shared.ports.ledger.head().await?.frontier.size() {
            // The views know entries that the ledger does not have: they belong to another ledger.
            shared.ports.views.clear().await?;
            return Ok(Self { shared, cursor: 0 });
        }
        shared.viewed.send_replace(cursor);
        Ok(Self { shared, cursor })
    }

    pub async fn run(mut self) {
        while self.shared.wait_past(self.cursor).await {
            // Where as much waits as is folded at once, more would only pile up.
            if *self.shared.size.borrow() < self.cursor + CHUNK as u64 {
                rest(&self.shared.wanted, self.cursor, PAUSE).await;
            }
            if let Err(error) = self.step().await {
                tracing::error!(%error, cursor = self.cursor, "The views cannot follow the ledger");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Error> {
        if self.shared.ports.ledger.is_shared() {
            // Another replica may have been faster; if two are at it together, the port keeps what one of them found.
            self.cursor = self.shared.ports.views.cursor().await?.max(self.cursor);
            let is_asked = *self.shared.wanted.borrow() > self.cursor;
            if !is_asked && self.shared.ports.ledger.take_turn(TURN, TURN_LASTS).await?.is_none() {
                self.shared.viewed.send_replace(self.cursor);
                return Ok(());
            }
        }
        let entries = self.shared.ports.ledger.read(self.cursor, CHUNK).await?;
        let next = self.cursor + entries.len() as u64;
        let mut changes = Vec::with_capacity(entries.len());
        for (index, bytes) in (self.cursor..).zip(&entries) {
            let entry = Entry::decode(bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
            changes.push(view_change(index, &entry));
        }
        self.shared.ports.views.fold(changes, next).await?;
        self.cursor = next;
        self.shared.viewed.send_replace(next);
        Ok(())
    }
}

/// What an entry adds to the views.
pub(crate) fn view_change(index: u64, entry: &Entry) -> ViewChange {
    let history = match &entry.event {
        Event::Promoted { project, stage, release, reason, .. } => Some((project, stage, release, reason, false)),
        Event::RolledBack { project, stage, release, reason, .. } => Some((project, stage, release, reason, true)),
        _ => None,
    };
    let release = match &entry.event {
        Event::ReleaseCreated { project, release, .. } => {
            Some(ReleaseRow { index, at: entry.at, project: project.clone(), release: release.clone() })
        }
        _ => None,
    };
    ViewChange {
        index,
        project: entry.event.project(),
        digests: entry.event.digests(),
        history: history.map(|(project, stage, release, reason, rolled_back)| HistoryRow {
            index,
            at: entry.at,
            project: project.clone(),
            stage: stage.clone(),
            release: release.clone(),
            rolled_back,
            by: entry.actor.clone(),
            reason: reason.clone(),
        }),
        release,
    }
}
