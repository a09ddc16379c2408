//! [`Engine`]: the handle that everything outside holds.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Actor, Command, Digest, Event, Grant, Key, Party, Place, ProjectName, Refusal, ReleaseId, Span, StageName, State,
    Submission, Timestamp, TokenId, decide, standing,
};
use tlog::{SignerKey, TlogProof, VerifierKey};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Clock, Error, SystemClock, as_of, elsewhere, followers,
    ports::{Blobs, Catalog, Ledger, ManifestRecord, Tiles, Views},
    published::Published,
    pulls,
    retention::Recalls,
    shared::{Shared, want},
    writer::{Job, Writer},
};

/// How long looking back waits for the views to know all that the ledger has.
const VIEWS_PATIENCE: Duration = Duration::from_secs(10);

/// The storage that the engine works on.
#[derive(Clone)]
pub struct Ports {
    /// Entries and state.
    pub ledger: Arc<dyn Ledger>,
    /// The registry's catalog.
    pub catalog: Arc<dyn Catalog>,
    /// Bytes by digest.
    pub blobs: Arc<dyn Blobs>,
    /// Read models.
    pub views: Arc<dyn Views>,
    /// The published ledger.
    pub tiles: Arc<dyn Tiles>,
}

/// How an engine runs.
pub struct Options {
    /// Where time comes from.
    pub clock: Box<dyn Clock>,
    /// How many commands wait at most; one more is told to come back.
    pub queue: usize,
    /// How many commands are committed together at most.
    pub batch: usize,
    /// Who signs the ledger's checkpoints; its name is the ledger's origin.
    pub signer: SignerKey,
    /// What to write into a ledger that has no entry yet; without it, such a ledger is not opened.
    pub opening: Option<Opening>,
}

/// The first token of a ledger: whoever has its secret may do everything.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The id of the token.
    pub token: TokenId,
    /// The digest of its secret.
    pub hash: Digest,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The index of the first entry that it made.
    pub index: u64,
    /// How many entries it made; none if all was so already.
    pub count: u64,
    /// The size of the ledger that the answer speaks of.
    pub size: u64,
    /// The events of the entries; empty in the answer to a repeated command.
    pub events: Vec<Event>,
    /// The time that the decision was made for.
    pub at: Timestamp,
    /// Whether the command had been answered before, under the same idempotency key.
    pub repeated: bool,
}

/// The engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recalls: Arc<Recalls>,
    queue: mpsc::Sender<Job>,
    key: Arc<VerifierKey>,
}

impl Options {
    /// The usual options: the machine's clock, 1,024 commands waiting, 256 in a batch.
    pub fn new(signer: SignerKey, opening: Option<Opening>) -> Self {
        Self { clock: Box::new(SystemClock), queue: 1024, batch: 256, signer, opening }
    }
}

impl Engine {
    /// Opens the ledger, beginning it if it has no entry, and starts the writer and the followers. They end when the last handle is gone.
    pub async fn start(ports: Ports, options: Options) -> Result<Self, Error> {
        let head = ports.ledger.head().await?;
        if ports.ledger.rebuilding().await? {
            let why = "a rebuild has begun and has not ended: run `selfsame rebuild` again, to its end";
            return Err(Error::broken("open the ledger", why));
        }
        let shared = Arc::new(Shared::new(ports, options.clock, State::resume(head.frontier.size(), head.time)));
        let mut writer = Writer::open(shared.clone(), options.batch).await?;
        if head.frontier.size() == 0 {
            let opening = options
                .opening
                .ok_or_else(|| Error::broken("open the ledger", "it has no entry and no first token"))?;
            writer
                .append_unasked(&ledger_itself(), opening_events(&options.signer, opening, shared.clock.now()))
                .await?;
        } else {
            shared.begin(crate::writer::standing_at(&shared, &head).await?);
        }
        if let Some(ahead) = ahead(shared.state().time(), shared.clock.now()) {
            tracing::warn!(%ahead, "The last entry is dated later than this machine's clock, and time stands still until then");
        }
        let (queue, jobs) = mpsc::channel(options.queue);
        tokio::spawn(writer.run(jobs));
        tokio::spawn(pulls::keep(shared.clone()));
        if shared.ports.ledger.is_shared() {
            tokio::spawn(elsewhere::follow(shared.clone()));
        }
        let key = Arc::new(options.signer.verifier_key());
        followers::start(&shared, options.signer).await?;
        Ok(Self { recalls: Recalls::new(shared.ports.blobs.clone()), shared, queue, key })
    }

    /// Decides a command and appends what follows from it.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Error> {
        self.enqueue(submission, None).await
    }

    /// Decides the push of a manifest, and puts `record` into the catalog together with the entry.
    pub async fn submit_manifest(&self, submission: Submission, record: ManifestRecord) -> Result<Receipt, Error> {
        self.enqueue(submission, Some(Box::new(record))).await
    }

    async fn enqueue(&self, submission: Submission, manifest: Option<Box<ManifestRecord>>) -> Result<Receipt, Error> {
        submission.command.check_size()?;
        let (answer, answered) = oneshot::channel();
        let job = Job { submission, manifest, answer };
        self.queue.try_send(job).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => Error::Busy { waiting: self.queue.max_capacity() },
            mpsc::error::TrySendError::Closed(_) => Error::broken("reach the writer", "it has stopped"),
        })?;
        answered.await.map_err(|gone| Error::broken("hear from the writer", gone))?
    }

    /// What `command` would come to now: its events, or the same failure as in earnest. Nothing is written.
    pub async fn rehearse(&self, actor: &Actor, command: &Command) -> Result<Vec<Event>, Error> {
        self.writable()?;
        let now = self.now();
        let decided =
            self.shared.look(|state| state.needs(command), |state| decide(state, actor, command.clone(), now));
        Ok(decided.await??)
    }

    /// Loads `keys` and looks at the state.
    pub async fn read<T>(&self, keys: &[Key], look: impl FnOnce(&State) -> T) -> Result<T, Error> {
        let wanted = |state: &State| state.missing(keys.iter().cloned());
        self.shared.look(wanted, look).await
    }

    /// How a release stands in a stage, with the gate's answer: now, at a time to come if nothing else happens, or at a time gone by, as
    /// the ledger stood then.
    pub async fn place(
        &self,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        asker: &Party,
        at: Option<Timestamp>,
    ) -> Result<Place, Error> {
        let now = self.now();
        if let Some(at) = at.filter(|at| *at < now) {
            return self.place_at(project, stage, release, asker, at).await;
        }
        let wanted = |state: &State| {
            let mut keys = state.gate_needs(project, release);
            let current = state.project(project).and_then(|known| known.stage(stage).current.as_ref());
            keys.extend(state.missing(current.map(|current| Key::Release(project.clone(), current.release.clone()))));
            keys
        };
        let look = |state: &State| standing(state, project, stage, release, asker, at.unwrap_or(now));
        Ok(self.shared.look(wanted, look).await??)
    }

    async fn place_at(
        &self,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        asker: &Party,
        at: Timestamp,
    ) -> Result<Place, Error> {
        let keys = [Key::Project(project.clone()), Key::Release(project.clone(), release.clone())];
        let known = self.read(&keys, |state| state.release(project, release).cloned()).await?;
        let unknown = || Refusal::ReleaseUnknown { project: project.clone(), release: release.clone() };
        let known = known.ok_or_else(unknown)?;
        // The views lead to what had happened; a hold that they do not know of yet must not be missed.
        if !self.wait_for(self.size(), VIEWS_PATIENCE).await {
            return Err(Error::broken("look back", "the views trail the ledger"));
        }
        // Looking back reads the project's whole history: a few at a time, so that others get their turn.
        let _turn = self.shared.looking_back.acquire().await.map_err(|closed| Error::broken("look back", closed))?;
        let question = as_of::Question { project, stage, release, known: &known, at };
        let state = as_of::fold(&self.shared.ports, &question).await?;
        Ok(standing(&state, project, stage, release, asker, at)?)
    }

    /// How many entries the ledger has.
    pub fn size(&self) -> u64 {
        *self.shared.size.borrow()
    }

    /// How many entries the views take into account.
    pub fn viewed(&self) -> u64 {
        *self.shared.viewed.borrow()
    }

    /// How many entries are published with a signed checkpoint.
    pub fn published(&self) -> u64 {
        *self.shared.published.borrow()
    }

    /// The time, never earlier than that of the last entry.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now().max(self.shared.state().time())
    }

    /// The storage.
    pub fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    /// A file of the published ledger, for example `checkpoint` or `tile/0/000`; `None` if the newest checkpoint covers no such file. What does
    /// not follow from the signed checkpoint is damaged, and is never handed out: that is an error.
    pub async fn ledger_file(&self, path: &str) -> Result<Option<Bytes>, Error> {
        Published { tiles: &*self.shared.ports.tiles, key: &self.key }.file(path).await
    }

    /// The proof that the published ledger holds the entry `bytes` at `index`, with the entry in it. It is checked before it is handed out.
    pub async fn prove(&self, index: u64, bytes: &[u8]) -> Result<TlogProof, Error> {
        Published { tiles: &*self.shared.ports.tiles, key: &self.key }.prove(index, bytes).await
    }

    /// Waits until the ledger has `size` entries and the views take them into account; `false` if that took longer than `timeout`.
    pub async fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        want(&self.shared.wanted, size, self.size());
        let mut viewed = self.shared.viewed.subscribe();
        let waited = tokio::time::timeout(timeout, viewed.wait_for(|viewed| *viewed >= size)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Waits until the ledger has more than `size` entries; `false` if that took longer than `timeout`.
    pub async fn wait_past(&self, size: u64, timeout: Duration) -> bool {
        let mut sizes = self.shared.size.subscribe();
        let waited = tokio::time::timeout(timeout, sizes.wait_for(|now| *now > size)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Waits until `size` entries are published with a signed checkpoint; `false` if that took longer than `timeout`.
    pub async fn wait_published(&self, size: u64, timeout: Duration) -> bool {
        want(&self.shared.wanted_published, size, self.size());
        let mut published = self.shared.published.subscribe();
        let waited = tokio::time::timeout(timeout, published.wait_for(|published| *published >= size)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Whether commands and blobs can be written; if not, [`Error::ReadOnly`] says why.
    pub fn writable(&self) -> Result<(), Error> {
        let reason = if self.queue.is_closed() {
            Some("the writer has stopped".into())
        } else {
            self.shared.failed.get().cloned().or_else(|| self.shared.ports.blobs.writable().err())
        };
        reason.map_or(Ok(()), |reason| Err(Error::ReadOnly { reason }))
    }
}

/// How far the ledger is ahead of the clock, if that is more than clocks differ.
fn ahead(last: Timestamp, now: Timestamp) -> Option<Span> {
    Some(last.since(now)).filter(|ahead| *ahead > Span::from_secs(60))
}

/// Who acts where nobody asked: the ledger that begins, a plan or a delivery that is carried out.
fn ledger_itself() -> Party {
    "machine:selfsame".parse().expect("a valid party")
}

/// The server as an actor: it does what somebody has asked for already, by a plan, a promotion, or a project's file.
pub(crate) fn itself() -> Actor {
    Actor { party: ledger_itself(), grants: vec!["admin@*".parse().expect("a valid grant")] }
}

fn opening_events(signer: &SignerKey, opening: Opening, now: Timestamp) -> Vec<Event> {
    let everything: Grant = "admin@*".parse().expect("a valid grant");
    vec![
        Event::LedgerOpened { origin: signer.name().to_string() },
        Event::TokenIssued {
            token: opening.token,
            hash: opening.hash,
            party: "person:admin".parse().expect("a valid party"),
            grants: vec![everything],
            expires: now + Span::from_secs(365 * 24 * 3600),
        },
    ]
}
