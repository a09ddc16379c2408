//! The follower that attaches receipts, and the courier that sees to it that they are there before something is delivered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::{ComponentName, Digest, Due, Entry, Event, Key, ProjectName, StageName, State};

use super::Receipts;
use crate::{
    Error, Turn,
    ports::{Courier, Undelivered},
};

/// How many entries are looked at, at once.
const CHUNK: usize = 1000;
/// How long entries wait for others to be looked at with. Of a stage that has moved on meanwhile, only what it has by then gets its receipt attached.
const TOGETHER: Duration = Duration::from_millis(250);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_secs(2);

/// A courier that delivers what has its receipts attached, where the stage asks for them: so they are delivered, too.
pub struct First {
    receipts: Arc<Receipts>,
    courier: Arc<dyn Courier>,
}

impl First {
    /// Attaches `receipts`, and then has `courier` deliver.
    pub fn new(receipts: Arc<Receipts>, courier: Arc<dyn Courier>) -> Self {
        Self { receipts, courier }
    }
}

#[async_trait]
impl Courier for First {
    async fn deliver(&self, due: &Due) -> Result<BTreeMap<ComponentName, Digest>, Undelivered> {
        let attached = self.receipts.attach(&due.project, &due.stage, due.promotion).await;
        attached.map_err(|error| Undelivered::Failed(format!("its receipt is not attached yet: {error}")))?;
        self.courier.deliver(due).await
    }
}

impl Receipts {
    /// Attaches the receipts of what stages have, where they ask for that, while it is this replica's `turn`; until the future is dropped.
    pub async fn run(&self, turn: &Turn) {
        tokio::join!(turn.keep(), self.follow(turn));
    }

    async fn follow(&self, turn: &Turn) {
        let mut cursor = None;
        let mut touched = BTreeSet::new();
        let mut attached: BTreeMap<(ProjectName, StageName), u64> = BTreeMap::new();
        loop {
            turn.begins().await;
            if let Err(error) = self.step(&mut cursor, &mut touched, &mut attached).await {
                tracing::warn!(%error, "A receipt is not attached yet");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
            self.engine.wait_past(cursor.unwrap_or_default(), Duration::from_secs(3600)).await;
            tokio::time::sleep(TOGETHER).await;
        }
    }

    async fn step(
        &self,
        cursor: &mut Option<u64>,
        touched: &mut BTreeSet<ProjectName>,
        attached: &mut BTreeMap<(ProjectName, StageName), u64>,
    ) -> Result<(), Error> {
        if cursor.is_none() {
            let size = self.engine.size();
            touched.extend(self.engine.read(&[], |state| state.system().projects.clone()).await?);
            *cursor = Some(size);
        }
        self.read_on(cursor.get_or_insert_default(), touched).await?;
        // What does not succeed for one project keeps no other waiting.
        let mut failed = Ok(());
        for project in touched.clone() {
            match self.attach_all(&project, attached).await {
                Ok(()) => drop(touched.remove(&project)),
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    async fn attach_all(
        &self,
        project: &ProjectName,
        attached: &mut BTreeMap<(ProjectName, StageName), u64>,
    ) -> Result<(), Error> {
        for (stage, promotion) in self.asked_for(project).await? {
            let slot = (project.clone(), stage);
            if attached.get(&slot) != Some(&promotion) {
                self.attach(&slot.0, &slot.1, promotion).await?;
                attached.insert(slot, promotion);
            }
        }
        Ok(())
    }

    /// Reads what happened since, and remembers which projects it may matter to.
    async fn read_on(&self, cursor: &mut u64, touched: &mut BTreeSet<ProjectName>) -> Result<(), Error> {
        loop {
            let entries = self.engine.ports().ledger.read(*cursor, CHUNK).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for bytes in entries {
                let entry =
                    Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {cursor}"), error))?;
                if matches!(entry.event, Event::Promoted { .. } | Event::ConfigApplied { .. }) {
                    touched.extend(entry.event.project());
                }
                *cursor += 1;
            }
        }
    }

    /// The stages of a project that ask for receipts, each with the entry by which it has what it has.
    async fn asked_for(&self, name: &ProjectName) -> Result<Vec<(StageName, u64)>, Error> {
        let asked = |state: &State| {
            let Some(project) = state.project(name) else { return Vec::new() };
            let asks = project.config.stages.iter().filter(|(_, stage)| !stage.receipts.is_empty());
            let has =
                asks.filter_map(|(name, _)| Some((name.clone(), project.stage(name).current.as_ref()?.mark.index)));
            has.collect()
        };
        self.engine.read(&[Key::Project(name.clone())], asked).await
    }
}
