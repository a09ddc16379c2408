//! [`Deliverer`]: the follower that has releases delivered where the stages' targets are.
//!
//! It makes a plan, as data, of what is due ([`domain::Project::due`]); has each item carried out by a [`Courier`], again and again with growing
//! pauses until it succeeds; and reports by a command what came of it. What is due no longer is broken off before anything new begins for
//! the same target. Nothing of this is kept: after a restart, what is due is found again in the state.

mod attempt;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use domain::{Due, Entry, Event, Key, ProjectName, State};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

pub use attempt::{Attempt, Attempts, Slot};

use crate::{Engine, Error, ports::Courier};

/// How many deliveries are on their way at once.
const AT_ONCE: usize = 4;
/// How many entries are looked at, at once.
const CHUNK: usize = 1000;
/// How long entries wait for others to be looked at with.
const TOGETHER: Duration = Duration::from_millis(250);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_secs(1);

/// Has releases delivered.
pub struct Deliverer {
    engine: Engine,
    courier: Arc<dyn Courier>,
    turns: Arc<Semaphore>,
    shown: Arc<watch::Sender<Attempts>>,
    cursor: u64,
    /// The projects in which something may have become due, or due no longer.
    touched: BTreeSet<ProjectName>,
    under_way: BTreeMap<Slot, UnderWay>,
}

/// A delivery that somebody works at; it ends with this handle.
struct UnderWay {
    due: Due,
    task: JoinHandle<()>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is due in a project.
enum Wanted {
    /// It can be delivered.
    Free(Due),
    /// Something of it is held, and why: nobody may use it, and so nobody may bring it anywhere.
    Held(Due, String),
}

impl Deliverer {
    /// One that does nothing before it [runs](Self::run).
    pub fn new(engine: Engine, courier: Arc<dyn Courier>) -> Self {
        Self {
            engine,
            courier,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            shown: Arc::new(watch::Sender::new(Attempts::new())),
            cursor: 0,
            touched: BTreeSet::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// How each delivery goes that has not succeeded yet. The ledger is told now and then only.
    pub fn watch(&self) -> watch::Receiver<Attempts> {
        self.shown.subscribe()
    }

    /// Works until the future is dropped.
    pub async fn run(mut self) {
        let mut begun = false;
        loop {
            let done = async {
                if !begun {
                    self.cursor = self.engine.size();
                    self.touched = self.engine.read(&[], |state| state.system().projects.clone()).await?;
                    begun = true;
                }
                self.follow().await?;
                self.look_at_touched().await
            };
            if let Err(error) = done.await {
                tracing::error!(%error, cursor = self.cursor, "Deliveries cannot follow the ledger");
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
            self.engine.wait_past(self.cursor, Duration::from_secs(3600)).await;
            tokio::time::sleep(TOGETHER).await;
        }
    }

    /// Reads what happened since, and remembers which projects it may matter to.
    async fn follow(&mut self) -> Result<(), Error> {
        loop {
            let entries = self.engine.ports().ledger.read(self.cursor, CHUNK).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for bytes in entries {
                let entry = Entry::decode(&bytes)
                    .map_err(|error| Error::broken(format!("read entry {}", self.cursor), error))?;
                match &entry.event {
                    Event::Held { project: None, .. } | Event::Unheld { project: None, .. } => {
                        let all = self.engine.read(&[], |state| state.system().projects.clone()).await?;
                        self.touched.extend(all);
                    }
                    event if matters(event) => self.touched.extend(event.project()),
                    _ => {}
                }
                self.cursor += 1;
            }
        }
    }

    async fn look_at_touched(&mut self) -> Result<(), Error> {
        while let Some(project) = self.touched.first().cloned() {
            let wanted = self.wanted(&project).await?;
            self.adjust(&project, wanted).await;
            self.touched.remove(&project);
        }
        Ok(())
    }

    /// What is due in a project, and what of that is held.
    async fn wanted(&self, name: &ProjectName) -> Result<Vec<Wanted>, Error> {
        let due = |state: &State| state.project(name).map(|project| project.due()).unwrap_or_default();
        let mut wanted = Vec::new();
        for due in self.engine.read(&[Key::Project(name.clone())], due).await? {
            let held = |state: &State| {
                let release = state.release(name, &due.release)?;
                let (digest, hold) = state.held_in(name, &due.release, release)?;
                Some(format!("`{digest}` is held: {}", hold.mark.reason))
            };
            let held = self.engine.shared.look(|state| state.gate_needs(name, &due.release), held).await?;
            wanted.push(held.map_or_else(|| Wanted::Free(due.clone()), |why| Wanted::Held(due.clone(), why)));
        }
        Ok(wanted)
    }

    /// Breaks off what is not wanted any more, and begins what is wanted and not under way.
    async fn adjust(&mut self, project: &ProjectName, wanted: Vec<Wanted>) {
        let free: BTreeMap<Slot, &Due> =
            wanted.iter().filter_map(Wanted::free).map(|due| (Slot::of(due), due)).collect();
        let over = |(slot, one): (&Slot, &UnderWay)| {
            let is_over = slot.project == *project && (free.get(slot) != Some(&&one.due) || one.task.is_finished());
            is_over.then(|| slot.clone())
        };
        let over: Vec<Slot> = self.under_way.iter().filter_map(over).collect();
        for slot in over {
            if let Some(mut one) = self.under_way.remove(&slot) {
                one.task.abort();
                // Only once it has ended can nothing of it arrive after what comes next.
                let _ = (&mut one.task).await;
            }
        }
        let kept: BTreeSet<Slot> = self.under_way.keys().cloned().collect();
        self.shown.send_modify(|shown| {
            shown.retain(|slot, _| slot.project != *project || kept.contains(slot));
            for one in &wanted {
                if let Wanted::Held(due, why) = one {
                    shown.insert(
                        Slot::of(due),
                        Attempt { promotion: due.promotion, tries: 0, reason: why.clone(), next: None },
                    );
                }
            }
        });
        for due in wanted.iter().filter_map(Wanted::free) {
            self.under_way.entry(Slot::of(due)).or_insert_with(|| {
                let work = attempt::until_delivered(
                    self.engine.clone(),
                    self.courier.clone(),
                    self.turns.clone(),
                    self.shown.clone(),
                    due.clone(),
                );
                UnderWay { due: due.clone(), task: tokio::spawn(work) }
            });
        }
    }
}

impl Wanted {
    fn free(&self) -> Option<&Due> {
        match self {
            Self::Free(due) => Some(due),
            Self::Held(..) => None,
        }
    }
}

/// Whether something may be due after the event, or due no longer.
fn matters(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigApplied { .. }
            | Event::Promoted { .. }
            | Event::RolledBack { .. }
            | Event::Delivered { .. }
            | Event::Held { .. }
            | Event::Unheld { .. }
    )
}
