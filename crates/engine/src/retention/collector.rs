//! [`Collector`]: carries plans out, step by step.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    COLLECTED_MAX, Command, Digest, Event, Key, ProjectName, RecordedPlan, Refusal, RepositoryName, Span, Submission,
    Timestamp,
    retention::{Item, Moves, Outcome, Plan, Policy},
};

use super::{facts, sweep};
use crate::{
    Engine, Error, Turn,
    engine::itself,
    ports::{PartKind, Tier},
};

/// How many blobs one step looks at.
const BLOBS: usize = 200;
/// How long the collector rests when there is nothing to do.
const REST: Duration = Duration::from_secs(60);
/// How long it rests between two steps, so that others get the disk in between.
const BREATH: Duration = Duration::from_millis(5);
/// How many seconds a project waits for its next plan once one was refused.
const PUT_OFF: u64 = 3600;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is.
    More,
    /// Nothing for now.
    Done,
}

/// Carries plans out. What it keeps in memory is only where it is: after a crash it begins the plan again, and what is done already is
/// passed over.
pub struct Collector {
    engine: Engine,
    trash: Span,
    runs: BTreeMap<ProjectName, Run>,
    emptied: Option<Digest>,
    /// When the rules last said no to a plan that was due.
    refused: BTreeMap<ProjectName, Timestamp>,
}

/// A plan that is being carried out.
struct Run {
    plan: Digest,
    items: Vec<Item>,
    /// When it was made.
    at: Timestamp,
    /// Whether its policy asks when something was last pulled.
    pulls_count: bool,
    collected: u64,
    saved: u64,
    phase: Phase,
}

/// How far a plan is.
enum Phase {
    /// Manifests go, from this item on.
    Manifests(usize),
    /// Blobs that no manifest names leave their repositories, after this one.
    Links(Option<(RepositoryName, Digest)>),
    /// Bytes that nothing names go into the trash, after these.
    Bytes(Option<Digest>),
    /// Bytes go into the archive, and come back from it.
    Moves(Option<Moves>),
}

impl Collector {
    /// A collector that keeps bytes in the trash for `trash`.
    pub fn new(engine: Engine, trash: Span) -> Self {
        Self { engine, trash, runs: BTreeMap::new(), emptied: None, refused: BTreeMap::new() }
    }

    /// Works until the future is dropped, whenever it is this replica's turn: carries out what was applied, makes plans where a policy says how
    /// often, empties the trash.
    pub async fn run(self, turn: &Turn) {
        tokio::join!(turn.keep(), self.work(turn));
    }

    async fn work(mut self, turn: &Turn) {
        let mut before = None;
        loop {
            let now = Some(turn.begins().await);
            if now != before {
                // Others have gone on with it.
                (self.runs, self.emptied, before) = (BTreeMap::new(), None, now);
            }
            let rest = match self.round().await {
                Ok(Step::More) => BREATH,
                Ok(Step::Done) => {
                    let size = self.engine.size();
                    self.engine.wait_past(size, REST.min(Duration::from_millis(self.trash.as_millis().max(500)))).await;
                    BREATH
                }
                Err(Error::Busy { .. }) => Duration::from_secs(1),
                Err(error) => {
                    tracing::error!(%error, "Retention cannot go on");
                    REST
                }
            };
            tokio::time::sleep(rest).await;
        }
    }

    /// One step for every project, and one of emptying the trash.
    pub async fn round(&mut self) -> Result<Step, Error> {
        let names = self.engine.read(&[], |state| state.system().projects.clone()).await?;
        let mut more = self.empty_trash(BLOBS).await?;
        for name in names {
            self.plan_when_due(&name).await?;
            if self.step(&name, COLLECTED_MAX).await? == Step::More {
                more = Step::More;
            }
        }
        Ok(more)
    }

    /// One step of emptying the trash.
    pub async fn empty_trash(&mut self, limit: usize) -> Result<Step, Error> {
        let after = self.emptied.take();
        self.emptied = sweep::empty(&self.engine, self.trash, after.as_ref(), limit).await?;
        Ok(if self.emptied.is_some() { Step::More } else { Step::Done })
    }

    /// One step of the plan of a project that is being carried out, if one is: at most `limit` manifests.
    pub async fn step(&mut self, project: &ProjectName, limit: usize) -> Result<Step, Error> {
        let Some(recorded) = self.recorded(project).await?.filter(RecordedPlan::is_running) else {
            self.runs.remove(project);
            return Ok(Step::Done);
        };
        let mut run = match self.runs.remove(project).filter(|run| run.plan == recorded.plan) {
            Some(run) => run,
            None => Run::of(&recorded.plan, self.engine.recorded_plan(&recorded.plan).await?),
        };
        let ended = self.advance(project, &mut run, limit).await?;
        if !ended {
            self.runs.insert(project.clone(), run);
        }
        Ok(if ended { Step::Done } else { Step::More })
    }

    async fn advance(&self, project: &ProjectName, run: &mut Run, limit: usize) -> Result<bool, Error> {
        run.phase = match std::mem::replace(&mut run.phase, Phase::Manifests(0)) {
            Phase::Manifests(from) if from < run.items.len() => {
                let to = run.items.len().min(from + limit.clamp(1, COLLECTED_MAX));
                // Where it stands is known only once it is done.
                run.phase = Phase::Manifests(from);
                self.collect(project, run, from..to).await?;
                Phase::Manifests(to)
            }
            Phase::Manifests(_) => Phase::Links(None),
            Phase::Links(after) => match self.unlink(project, after, limit.max(1)).await? {
                Some(last) => Phase::Links(Some(last)),
                None => Phase::Bytes(None),
            },
            Phase::Bytes(after) => match sweep::sweep(&self.engine, after.as_ref(), limit.max(1)).await? {
                Some(last) => Phase::Bytes(Some(last)),
                None => Phase::Moves(None),
            },
            Phase::Moves(None) => {
                // Judged again: what stages have may have changed since the plan was made.
                Phase::Moves(Some(match facts::planned(&self.engine, project).await {
                    Ok((plan, facts)) => Moves::of(&plan, &facts),
                    // There is no policy any more: then nothing moves.
                    Err(Error::Refused(_)) => Moves::default(),
                    Err(error) => return Err(error),
                }))
            }
            Phase::Moves(Some(mut moves)) => {
                if !self.shift(&mut moves).await? {
                    let (collected, saved) = (run.collected, run.saved);
                    let (project, plan) = (project.clone(), run.plan.clone());
                    self.submit(Command::EndRetention { project, plan, collected, saved }).await?;
                    return Ok(true);
                }
                Phase::Moves(Some(moves))
            }
        };
        Ok(false)
    }

    /// Lets manifests go that nothing has saved.
    async fn collect(&self, project: &ProjectName, run: &mut Run, items: std::ops::Range<usize>) -> Result<(), Error> {
        let (mut manifests, mut saved) = (Vec::with_capacity(items.len()), 0);
        if run.pulls_count {
            self.engine.write_pulls().await?;
        }
        for item in &run.items[items] {
            if self.pulled_since(run, item).await? {
                saved += 1;
            } else {
                manifests.push((item.repository.clone(), item.digest.clone()));
            }
        }
        let command =
            Command::Collect { project: project.clone(), plan: run.plan.clone(), manifests: manifests.clone() };
        if !manifests.is_empty() {
            self.submit(command).await?;
        }
        run.saved += saved;
        for (repository, digest) in manifests {
            // One that went before a crash counts, too.
            match self.engine.ports().catalog.manifest(&repository, &digest).await? {
                Some(_) => run.saved += 1,
                None => run.collected += 1,
            }
        }
        Ok(())
    }

    /// Whether somebody has pulled it, or a manifest that it consists of, on the day of the plan or later, where that counts.
    async fn pulled_since(&self, run: &Run, item: &Item) -> Result<bool, Error> {
        if !run.pulls_count {
            return Ok(false);
        }
        let catalog = &self.engine.ports().catalog;
        let parts = catalog.parts(&item.repository, &item.digest).await?;
        let children = parts.iter().filter(|part| part.kind == PartKind::Child).map(|part| &part.digest);
        for digest in children.chain([&item.digest]) {
            let day = catalog.pulled(&item.repository, digest).await?;
            if day.is_some_and(|day| day + Span::DAY > run.at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn unlink(
        &self,
        project: &ProjectName,
        after: Option<(RepositoryName, Digest)>,
        limit: usize,
    ) -> Result<Option<(RepositoryName, Digest)>, Error> {
        let look = |state: &domain::State| {
            let known = state.project(project);
            let fresh = known.and_then(|known| known.config.retention.as_ref()).map_or(Policy::FRESH, Policy::fresh);
            (fresh, state.system().holds.keys().cloned().collect())
        };
        let (fresh, held) = self.engine.read(&[Key::Project(project.clone())], look).await?;
        let now = self.engine.now().as_millis();
        let before = now.saturating_sub(i64::try_from(fresh.as_millis()).unwrap_or(i64::MAX));
        let before = Timestamp::from_millis(before);
        Ok(self.engine.ports().catalog.unlink_unnamed(project, after, before, held, limit).await?)
    }

    /// Moves one blob; `false` if none is left to move.
    async fn shift(&self, moves: &mut Moves) -> Result<bool, Error> {
        let blobs = &self.engine.ports().blobs;
        if let Some(digest) = moves.back.pop_first() {
            blobs.take_back(&digest, Tier::Archive).await?;
            return Ok(true);
        }
        let Some(digest) = moves.away.pop_first() else { return Ok(false) };
        blobs.put_away(&digest, Tier::Archive, self.engine.now()).await?;
        Ok(true)
    }

    /// Makes a plan and applies it, if the policy says how often and it is time.
    async fn plan_when_due(&mut self, project: &ProjectName) -> Result<(), Error> {
        let keys = [Key::Project(project.clone()), Key::Retention(project.clone())];
        let look = |state: &domain::State| {
            let every = state.project(project)?.config.retention.as_ref()?.every?;
            let last = state.retention(project).and_then(|retention| retention.plan.as_ref());
            Some((every, last.map(|last| (last.made.at, last.is_running()))))
        };
        let Some((every, last)) = self.engine.read(&keys, look).await? else { return Ok(()) };
        if last.is_some_and(|(at, running)| running || self.engine.now().since(at) < every) {
            return Ok(());
        }
        let now = self.engine.now();
        if self.refused.get(project).is_some_and(|at| now.since(*at) < Span::from_secs(PUT_OFF)) {
            return Ok(());
        }
        match self.engine.record_plan(itself(), project).await {
            Ok((_, plan, _)) => self.submit(Command::ApplyRetention { project: project.clone(), plan }).await.map(drop),
            // What the rules do not let happen in one project keeps no other waiting.
            Err(Error::Refused(refusal)) => {
                tracing::warn!(%project, %refusal, "No retention plan is made, and it is tried again in an hour");
                self.refused.insert(project.clone(), now);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn recorded(&self, project: &ProjectName) -> Result<Option<RecordedPlan>, Error> {
        let look = |state: &domain::State| state.retention(project).and_then(|retention| retention.plan.clone());
        self.engine.read(&[Key::Retention(project.clone())], look).await
    }

    async fn submit(&self, command: Command) -> Result<Vec<Event>, Error> {
        let receipt = self.engine.submit(Submission { actor: itself(), key: None, command }).await;
        match receipt {
            Ok(receipt) => Ok(receipt.events),
            // It has ended meanwhile, elsewhere.
            Err(Error::Refused(refusal)) if matches!(*refusal, Refusal::RetentionPlanStale { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Run {
    fn of(digest: &Digest, plan: Plan) -> Self {
        let (at, pulls_count) = (plan.at, plan.policy.asks_for_pulls());
        let items = plan.items.into_iter().filter(|item| item.outcome == Outcome::Trash).collect();
        Self { plan: digest.clone(), items, at, pulls_count, collected: 0, saved: 0, phase: Phase::Manifests(0) }
    }
}
