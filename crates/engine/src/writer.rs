//! The single writer: drains the queue in batches, decides, appends, commits, answers.
//!
//! One batch is one commit, so durable throughput is that of group commit. The commit's compare-and-swap on the head is the fence: a
//! second writer elsewhere makes it fail, and then the writer reads where the ledger stands and decides anew.

mod turns;
mod unsure;
mod whole;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use domain::{
    Command, Digest, ENTRY_BYTES_MAX, Entry, Event, Key, Party, Refusal, Request, State, Submission, Timestamp,
    Version, decide,
};
use tlog::leaf_hash;
use tokio::sync::{mpsc, oneshot};

use unsure::{Laid, Unsure};

use crate::{
    Error, Receipt,
    elsewhere::writer_at_head,
    ports::{Answered, Batch, CatalogChange, CommitError, Head, ManifestRecord, NewEntry, Trouble, WriteTurn},
    shared::{LOADED_MAX, Shared, fetch, load},
};

/// How often a batch is decided anew because another writer was faster, before its commands are told to come back.
const CONFLICTS_MAX: usize = 20;

/// A command in the queue.
pub(crate) struct Job {
    pub submission: Submission,
    pub manifest: Option<Box<ManifestRecord>>,
    pub answer: oneshot::Sender<Result<Receipt, Error>>,
}

/// The writer's own view of the ledger: always at the head, loaded as far as its commands needed.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    state: State,
    head: Head,
    /// Whether another writer was faster, and where the ledger stands has not been read since.
    behind: bool,
    /// When another writer was last seen to write.
    others: Option<Instant>,
    batch_max: usize,
}

/// What one job came to, before the commit.
enum Outcome {
    Decided(Receipt),
    /// An earlier job of the same batch has the same idempotency key.
    SameAs(usize),
    Failed(Error),
}

/// What is known of the idempotency keys of a batch. Looking each up costs a read of the database, and nearly all are new; so at first only those
/// are looked up that make no entry, and the commit refuses the others if they were answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Unknown,
    LookedUp,
}

/// Why a batch was not decided, or not committed.
enum Stopped {
    /// What it needs cannot be read. Nothing was written.
    Unreadable(Error),
    Commit(CommitError),
    /// Whether it was committed is unknown.
    Unsure {
        laid: Laid,
        outcomes: Vec<Outcome>,
        trouble: Trouble,
    },
}

impl Writer {
    /// A writer at the head of the ledger.
    pub async fn open(shared: Arc<Shared>, batch_max: usize) -> Result<Self, Error> {
        let head = shared.ports.ledger.head().await?;
        let state = standing_at(&shared, &head).await?;
        Ok(Self { shared, state, head, behind: false, others: None, batch_max })
    }

    /// Works until every handle to the queue is gone.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(self.batch_max);
        while queue.recv_many(&mut jobs, self.batch_max).await > 0 {
            for batch in together(std::mem::take(&mut jobs)) {
                self.answer(batch).await;
            }
            // Whoever was answered goes on first: storage may keep this thread for as long as a commit takes, and what they ask for next goes
            // into the next batch. Where nothing waits this task rests anyway; yielding then would only wake another thread to take it over.
            if !queue.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        self.shared.ended.send_replace(true);
    }

    /// Appends `event` as the first entry of an empty ledger, or any entry that needs no decision.
    pub async fn append_unasked(&mut self, actor: &Party, events: Vec<Event>) -> Result<(), Error> {
        let mut draft = Draft::default();
        let now = self.now();
        for event in events {
            self.write(&mut draft, actor, now, event, None)?;
        }
        match self.commit(draft, None).await {
            // Another replica has opened it at the same time.
            Err(CommitError::Conflict) => self.catch_up().await,
            committed => committed.map_err(|error| Error::broken("open the ledger", error)),
        }
    }

    async fn answer(&mut self, jobs: Vec<Job>) {
        if let Some(reason) = self.shared.failed.get() {
            for job in jobs {
                let _ = job.answer.send(Err(Error::ReadOnly { reason: reason.clone() }));
            }
            return;
        }
        let (mut attempt, mut keys, mut unsure) = (0, Keys::Unknown, Unsure::default());
        let outcomes = loop {
            if self.behind {
                match self.catch_up_and_find(&mut unsure).await {
                    Ok(None) => {}
                    Ok(Some(outcomes)) => break outcomes,
                    Err(_) if self.shared.ports.ledger.is_shared() && unsure.try_again().await => continue,
                    Err(error) if self.shared.ports.ledger.is_shared() => {
                        break unsure.give_up(&jobs, &error.to_string());
                    }
                    Err(error) => break fail_all(&jobs, &error.to_string()),
                }
            }
            match self.attempt(&jobs, keys).await {
                Ok(outcomes) => break outcomes,
                // What one of them needs cannot be read: the others shall not suffer for that.
                Err(Stopped::Unreadable(_)) if jobs.len() > 1 => {
                    for job in jobs {
                        Box::pin(self.answer(vec![job])).await;
                    }
                    return;
                }
                Err(Stopped::Unreadable(error)) => break fail_all(&jobs, &error.to_string()),
                Err(Stopped::Commit(CommitError::Answered)) if keys == Keys::Unknown => keys = Keys::LookedUp,
                Err(Stopped::Commit(CommitError::Conflict | CommitError::Answered)) if attempt < CONFLICTS_MAX => {
                    attempt += 1;
                }
                Err(Stopped::Commit(CommitError::Conflict | CommitError::Answered)) => {
                    break jobs.iter().map(|_| Outcome::Failed(Error::Busy { waiting: jobs.len() })).collect();
                }
                Err(Stopped::Unsure { laid, outcomes, trouble }) => {
                    tracing::warn!(%trouble, "Whether commands were written is not known yet");
                    unsure.keep(laid, outcomes);
                    if !unsure.try_again().await {
                        break unsure.give_up(&jobs, &trouble.to_string());
                    }
                }
                Err(Stopped::Commit(CommitError::Trouble(trouble) | CommitError::Unknown(trouble))) => {
                    let reason = format!("{trouble}; nothing is written until the server is restarted");
                    tracing::error!(%reason, "The ledger cannot be written");
                    let _ = self.shared.failed.set(reason.clone());
                    let failed = || Outcome::Failed(Error::ReadOnly { reason: reason.clone() });
                    break jobs.iter().map(|_| failed()).collect();
                }
            }
        };
        deliver(jobs, outcomes);
        self.state.forget_artifacts();
        if self.state.loaded() > LOADED_MAX {
            self.state.unload();
        }
    }

    async fn attempt(&mut self, jobs: &[Job], known: Keys) -> Result<Vec<Outcome>, Stopped> {
        let shared = self.shared.clone();
        let turn = self.take_turn(&shared).await?;
        self.prepare(jobs).await.map_err(Stopped::Unreadable)?;
        let answered = match known {
            Keys::Unknown => BTreeMap::new(),
            Keys::LookedUp => self.answered(jobs.iter()).await.map_err(Stopped::Unreadable)?,
        };
        let missing = whole::missing_children(&*self.shared.ports.catalog, jobs).await.map_err(Stopped::Unreadable)?;
        let mut draft = Draft::default();
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut keys = BTreeMap::new();
        for (position, job) in jobs.iter().enumerate() {
            let outcome = match missing.get(&position) {
                Some(refusal) => Outcome::Failed(refusal.clone().into()),
                None => self.decide(&mut draft, job, &answered, &mut keys, position),
            };
            outcomes.push(outcome);
        }
        if known == Keys::Unknown {
            self.recall(jobs, &mut outcomes).await.map_err(Stopped::Unreadable)?;
        }
        if draft.entries.is_empty() {
            match turn {
                Some(turn) => turn.end().await.map_err(|trouble| Stopped::Unreadable(trouble.into()))?,
                None => self.confirm_head().await?,
            }
            return Ok(outcomes);
        }
        let laid = Laid::of(&draft);
        match self.commit(draft, turn).await {
            Ok(()) => Ok(outcomes),
            Err(CommitError::Unknown(trouble)) => Err(Stopped::Unsure { laid, outcomes, trouble }),
            Err(error) => Err(Stopped::Commit(error)),
        }
    }

    /// Whoever was refused, or changed nothing, may have been answered before all the same: then that answer stands. What made entries needs no
    /// look-up, since no key is committed twice.
    async fn recall(&self, jobs: &[Job], outcomes: &mut [Outcome]) -> Result<(), Error> {
        let made_nothing = |outcome: &Outcome| match outcome {
            Outcome::Decided(receipt) => receipt.count == 0,
            Outcome::Failed(_) => true,
            Outcome::SameAs(_) => false,
        };
        let unsure = jobs.iter().zip(&*outcomes).filter(|(_, outcome)| made_nothing(outcome)).map(|(job, _)| job);
        let answered = self.answered(unsure).await?;
        for (job, outcome) in jobs.iter().zip(outcomes) {
            let before = request_key(&job.submission).and_then(|key| answered.get(&key));
            if let (Some(before), Some(request), true) = (before, request(&job.submission), made_nothing(outcome)) {
                *outcome = repeated(before, &request, self.state.size(), self.state.time());
            }
        }
        Ok(())
    }

    /// Loads what the jobs need.
    async fn prepare(&mut self, jobs: &[Job]) -> Result<(), Error> {
        loop {
            let mut missing: Vec<Key> = jobs.iter().flat_map(|job| self.state.needs(&job.submission.command)).collect();
            if missing.is_empty() {
                return Ok(());
            }
            missing.sort();
            missing.dedup();
            let rows = fetch(&self.shared.ports, &missing).await?;
            load(&mut self.state, &missing, &rows)?;
        }
    }

    /// What these jobs were answered with before, by their keys.
    async fn answered(&self, jobs: impl Iterator<Item = &Job>) -> Result<BTreeMap<String, Answered>, Error> {
        let keys: Vec<String> = jobs.filter_map(|job| request_key(&job.submission)).collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let answers = self.shared.ports.ledger.answered(&keys).await?;
        Ok(keys.into_iter().zip(answers).filter_map(|(key, answer)| Some((key, answer?))).collect())
    }

    fn decide(
        &mut self,
        draft: &mut Draft,
        job: &Job,
        answered: &BTreeMap<String, Answered>,
        keys: &mut BTreeMap<String, (usize, Digest)>,
        position: usize,
    ) -> Outcome {
        let Submission { actor, command, .. } = &job.submission;
        let unique = request_key(&job.submission);
        let request = request(&job.submission);
        if let (Some(unique), Some(request)) = (&unique, &request) {
            if let Some(before) = answered.get(unique) {
                return repeated(before, request, self.state.size(), self.state.time());
            }
            match keys.get(unique) {
                Some((_, earlier)) if *earlier != request.command => {
                    return Outcome::Failed(Refusal::KeyReused { key: request.key.to_string() }.into());
                }
                Some((earlier, _)) => return Outcome::SameAs(*earlier),
                None => {}
            }
        }
        let now = self.now();
        let size = self.state.size();
        let events = match decide(&self.state, actor, command.clone(), now) {
            Ok(events) => events,
            Err(refusal) => return Outcome::Failed(refusal.into()),
        };
        for event in &events {
            if let Err(error) = self.write(draft, &actor.party, now, event.clone(), request.clone()) {
                return Outcome::Failed(error);
            }
        }
        if let Some(record) = &job.manifest
            && let Command::PushManifest { tags, .. } = command
        {
            draft.catalog.push(CatalogChange::Put { manifest: record.clone(), tags: tags.clone() });
        }
        draft.catalog.extend(events.iter().filter_map(catalog_change));
        let count = events.len() as u64;
        if let (Some(unique), Some(request), true) = (unique, request, count > 0) {
            keys.insert(unique.clone(), (position, request.command.clone()));
            draft.requests.push((unique, Answered { command: request.command, index: size, count }));
        }
        Outcome::Decided(Receipt { index: size, count, size: self.state.size(), events, at: now, repeated: false })
    }

    /// Encodes one event as the next entry, and applies it to the writer's state.
    fn write(
        &mut self,
        draft: &mut Draft,
        actor: &Party,
        at: Timestamp,
        event: Event,
        request: Option<Request>,
    ) -> Result<(), Error> {
        let entry = Entry { actor: actor.clone(), at, event, request, v: Version };
        let bytes = entry.encode();
        if bytes.len() > ENTRY_BYTES_MAX {
            let limit = format!("{ENTRY_BYTES_MAX} bytes in the ledger");
            return Err(Refusal::LimitReached { what: "a command's entry", limit }.into());
        }
        if draft.head.is_none() {
            draft.head = Some(self.head.clone());
        }
        let leaf = leaf_hash(&bytes);
        self.head.frontier.append(leaf);
        self.head.time = at;
        draft.entries.push(NewEntry { bytes: bytes.into(), leaf });
        self.state.apply(&entry);
        Ok(())
    }

    /// Commits what was drafted. If that fails, the writer stands at the head again, as if nothing had been drafted.
    async fn commit(&mut self, draft: Draft, turn: Option<Box<dyn WriteTurn + '_>>) -> Result<(), CommitError> {
        let Some(expected) = draft.head else { return Ok(()) };
        let changed = self.state.take_changed();
        let rows = changed.iter().map(|key| (key.to_string(), self.state.row(key))).collect();
        let batch = Batch {
            expected: expected.clone(),
            entries: draft.entries,
            next: self.head.clone(),
            rows,
            requests: draft.requests,
            catalog: draft.catalog,
        };
        let closed = self.shared.close_for_commit().await;
        let committed = match turn {
            Some(turn) => turn.commit(batch).await,
            None => self.shared.ports.ledger.commit(batch).await,
        };
        match committed {
            Ok(()) => self.shared.adopt(&self.state, &changed),
            Err(ref error) => {
                if matches!(error, CommitError::Conflict) {
                    self.others = Some(Instant::now());
                }
                // What was drafted is forgotten; the rest is as it was.
                self.state.forget(&changed);
                self.state.stand_at(expected.frontier.size(), expected.time);
                self.head = expected;
                self.behind = true;
            }
        }
        drop(closed);
        committed
    }

    /// Stands at the head of the ledger, wherever another writer has put it.
    async fn catch_up(&mut self) -> Result<(), Error> {
        self.head = writer_at_head(&self.shared, &mut self.state).await?;
        self.behind = false;
        Ok(())
    }

    /// Whoever is refused is refused by the ledger as it is, not as it was before another replica wrote. Where entries are made, the commit sees to that.
    async fn confirm_head(&mut self) -> Result<(), Stopped> {
        let ledger = &self.shared.ports.ledger;
        if !ledger.is_shared()
            || ledger.head().await.map_err(|trouble| Stopped::Unreadable(trouble.into()))? == self.head
        {
            return Ok(());
        }
        self.behind = true;
        Err(Stopped::Commit(CommitError::Conflict))
    }

    /// Stands at the head of the ledger, and says what became of the jobs if they are in it.
    async fn catch_up_and_find(&mut self, unsure: &mut Unsure) -> Result<Option<Vec<Outcome>>, Error> {
        self.catch_up().await?;
        let found = unsure.found(&*self.shared.ports.ledger, self.state.size()).await;
        // What could not be looked up is looked up again.
        self.behind = found.is_err();
        Ok(found?)
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now().max(self.head.time)
    }
}

/// What a batch will commit.
#[derive(Default)]
struct Draft {
    /// The head before the first entry.
    head: Option<Head>,
    entries: Vec<NewEntry>,
    requests: Vec<(String, Answered)>,
    catalog: Vec<CatalogChange>,
}

/// Splits what waits so that whatever is looked up in the catalog for a command is what the commands before it have left there: what a
/// release consists of, what stands in the way of a collection or a deletion, what an index names.
fn together(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut batches: Vec<Vec<Job>> = vec![Vec::with_capacity(jobs.len())];
    // Whether anything in the batch adds to what is looked up in the catalog, and whether it takes something away.
    let (mut adds, mut removes) = (false, false);
    for job in jobs {
        let command = &job.submission.command;
        let looks = matches!(command, Command::CreateRelease { .. });
        let pushes = matches!(command, Command::PushManifest { .. });
        // What can save a manifest depends on every hold before: which releases are held is known only once those are decided.
        let collects = matches!(command, Command::Collect { .. });
        // What a deletion takes away can stand in the way of another no more, but both were asked for before either was answered: it may say so.
        let deletes = matches!(command, Command::DeleteManifest { .. } | Command::DeleteTag { .. });
        let begun = batches.last().is_some_and(|batch| !batch.is_empty());
        if (collects && begun) || (looks && (adds || removes)) || (pushes && removes) || (deletes && adds) {
            batches.push(Vec::new());
            (adds, removes) = (false, false);
        }
        removes |= collects || deletes;
        adds |= pushes;
        batches.last_mut().expect("there is one").push(job);
    }
    batches
}

/// A state at `head` with the system aggregate loaded.
pub(crate) async fn standing_at(shared: &Shared, head: &Head) -> Result<State, Error> {
    let mut state = State::resume(head.frontier.size(), head.time);
    let system = [Key::System];
    let rows = fetch(&shared.ports, &system).await?;
    load(&mut state, &system, &rows)?;
    Ok(state)
}

/// The idempotency key and the command that it was used for.
fn request(submission: &Submission) -> Option<Request> {
    let key = submission.key.clone()?;
    Some(Request { command: submission.command.digest(), key })
}

/// The idempotency key, made unique for its actor.
fn request_key(submission: &Submission) -> Option<String> {
    let key = submission.key.as_ref()?;
    Some(request_row(&submission.actor.party, key.as_str()))
}

/// The name of the row that keeps what a key was answered with.
pub(crate) fn request_row(party: &Party, key: &str) -> String {
    Digest::sha256(format!("{party}\n{key}").as_bytes()).hex().to_owned()
}

fn repeated(before: &Answered, request: &Request, size: u64, at: Timestamp) -> Outcome {
    if before.command != request.command {
        return Outcome::Failed(Refusal::KeyReused { key: request.key.to_string() }.into());
    }
    Outcome::Decided(Receipt { index: before.index, count: before.count, size, events: Vec::new(), at, repeated: true })
}

pub(crate) fn catalog_change(event: &Event) -> Option<CatalogChange> {
    match event {
        Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } => {
            Some(CatalogChange::Delete { repository: repository.clone(), digest: digest.clone() })
        }
        Event::TagDeleted { repository, tag } => {
            Some(CatalogChange::Untag { repository: repository.clone(), tag: tag.clone() })
        }
        _ => None,
    }
}

fn fail_all(jobs: &[Job], reason: &str) -> Vec<Outcome> {
    jobs.iter().map(|_| Outcome::Failed(Error::broken("write to the ledger", reason.to_owned()))).collect()
}

fn deliver(jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    let mut given: Vec<Option<Receipt>> = Vec::with_capacity(outcomes.len());
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        let answer = match outcome {
            Outcome::Decided(receipt) => Ok(receipt),
            Outcome::Failed(error) => Err(error),
            Outcome::SameAs(earlier) => match given.get(earlier).cloned().flatten() {
                Some(receipt) => Ok(Receipt { repeated: true, ..receipt }),
                None => Err(Error::Busy { waiting: 1 }),
            },
        };
        given.push(answer.as_ref().ok().cloned());
        // Nobody may be waiting any more; what was decided stands all the same.
        let _ = job.answer.send(answer);
    }
}
