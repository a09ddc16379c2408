//! [`Turns`]: requests of this process for one upload, one after the other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use engine::ports::UploadId;
use tokio::sync::{MutexGuard, watch};

/// How long a request may go without a byte while another waits for it.
const STALLED: Duration = Duration::from_secs(1);
/// How long whoever asks where an upload stands waits for a request that goes on with it.
const ASK_PATIENCE: Duration = Duration::from_secs(10);

/// The turns of all uploads that somebody is at work on.
#[derive(Default)]
pub(super) struct Turns(Mutex<BTreeMap<UploadId, Weak<Turn>>>);

/// Whose turn it is with one upload. That spares requests of one process from losing against each other; those of others, the session's version tells.
#[derive(Default)]
pub(super) struct Turn {
    lock: tokio::sync::Mutex<()>,
    /// How many requests came: each waits for those before it, and the last need not wait for one that stalls.
    came: watch::Sender<u64>,
    /// How often it was asked where the upload stands, and how many of these questions the session can answer.
    asked: watch::Sender<u64>,
    told: watch::Sender<u64>,
}

/// The turn itself.
pub(super) struct Taken<'a> {
    turn: &'a Turn,
    number: u64,
    _lock: MutexGuard<'a, ()>,
}

impl Turns {
    /// The turn of an upload.
    pub fn of(&self, id: &UploadId) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::default());
        turns.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }
}

impl Turn {
    /// Waits for the requests before this one.
    pub async fn take(&self) -> Taken<'_> {
        let mut number = 0;
        self.came.send_modify(|came| {
            *came += 1;
            number = *came;
        });
        Taken { turn: self, number, _lock: self.lock.lock().await }
    }

    /// The turn, if nobody has it.
    pub fn try_take(&self) -> Option<Taken<'_>> {
        self.lock.try_lock().ok().map(|lock| Taken { turn: self, number: *self.came.borrow(), _lock: lock })
    }

    /// Has whoever is at work write down how far it is, and waits for that, but not for ever.
    pub async fn ask(&self) {
        if self.lock.try_lock().is_ok() {
            return;
        }
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let mut told = self.told.subscribe();
        let _ = tokio::time::timeout(ASK_PATIENCE, told.wait_for(|told| *told >= number)).await;
    }
}

impl Taken<'_> {
    /// Ready once another request waits and has given this one time.
    pub async fn superseded(&self) {
        let _ = self.turn.came.subscribe().wait_for(|came| *came > self.number).await;
        tokio::time::sleep(STALLED).await;
    }

    /// Ready once somebody asks where the upload stands.
    pub async fn asked(&self) {
        let told = *self.turn.told.borrow();
        let _ = self.turn.asked.subscribe().wait_for(|asked| *asked > told).await;
    }

    /// How many questions there are. All that is written down from now on answers them.
    pub fn questions(&self) -> u64 {
        *self.turn.asked.borrow()
    }

    /// The session answers so many questions.
    pub fn tell(&self, questions: u64) {
        self.turn.told.send_replace(questions);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.tell(self.questions());
    }
}
