//! [`Unsure`]: batches of which it is not known whether they were committed.
//!
//! A database on another machine can be lost sight of at any moment, and a commit that was sent then may have been done, may never be, or may
//! be done in a while. Nothing is lost by deciding again: the ledger takes only one of two batches for the same place. But whoever asked is
//! answered with what was done, so before it is decided again it is looked up what that was.

use std::time::{Duration, Instant};

use tlog::Hash;

use super::{Draft, Job, Outcome};
use crate::{
    Error,
    ports::{Ledger, Trouble},
};

/// How long a batch is decided again while storage cannot be reached, before its commands are answered with that.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long to wait before trying again, at first and at most.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The attempts at committing the same jobs whose end is unknown.
#[derive(Default)]
pub(super) struct Unsure {
    attempts: Vec<(Laid, Vec<Outcome>)>,
    since: Option<Instant>,
    pause: Duration,
}

/// What an attempt appends, and where.
#[derive(Clone)]
pub(super) struct Laid {
    first: u64,
    leaves: Vec<Hash>,
}

impl Laid {
    pub fn of(draft: &Draft) -> Self {
        let first = draft.head.as_ref().map_or(0, |head| head.frontier.size());
        Self { first, leaves: draft.entries.iter().map(|entry| entry.leaf).collect() }
    }
}

impl Unsure {
    /// Keeps an attempt until it is known what became of it.
    pub fn keep(&mut self, laid: Laid, outcomes: Vec<Outcome>) {
        self.attempts.push((laid, outcomes));
    }

    /// What the jobs came to, if one of the attempts is in the ledger. The ledger has at most one of them; those that it has no place for any more
    /// are forgotten.
    pub async fn found(&mut self, ledger: &dyn Ledger, size: u64) -> Result<Option<Vec<Outcome>>, Trouble> {
        let mut lingering = Vec::new();
        for (laid, outcomes) in std::mem::take(&mut self.attempts) {
            let end = laid.first + laid.leaves.len() as u64;
            if size <= laid.first {
                lingering.push((laid, outcomes));
            } else if size >= end {
                let there = match ledger.leaves(laid.first, end).await {
                    Ok(there) => there,
                    Err(trouble) => {
                        lingering.push((laid, outcomes));
                        self.attempts = lingering;
                        return Err(trouble);
                    }
                };
                if there == laid.leaves {
                    return Ok(Some(outcomes));
                }
            }
        }
        self.attempts = lingering;
        Ok(None)
    }

    /// Waits before the next try; `false` once it has been tried long enough.
    pub async fn try_again(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() > PATIENCE {
            return false;
        }
        self.pause = (self.pause * 2).clamp(PAUSE, PAUSE_MAX);
        tokio::time::sleep(self.pause).await;
        true
    }

    /// The answer to jobs of which nothing is known.
    pub fn give_up(&self, jobs: &[Job], trouble: &str) -> Vec<Outcome> {
        tracing::error!(trouble, "Whether commands were written is unknown: the ledger's storage cannot be reached");
        let asked =
            if self.attempts.is_empty() { "nothing was written" } else { "whether this was written is unknown" };
        let reason = format!("{trouble}; {asked}. Ask again, under the same idempotency key");
        jobs.iter().map(|_| Outcome::Failed(Error::ReadOnly { reason: reason.clone() })).collect()
    }
}
