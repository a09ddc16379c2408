//! [`Pulls`]: on which day each manifest was last pulled, so that retention can keep what is in use.
//!
//! This is no fact of the ledger: nothing is decided by it but how long something stays that a policy keeps for as long as it is pulled. It costs a
//! pull a look at a set in memory, and the database a row for each manifest and day; what was noted in the last moments before a crash is lost.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Digest, RepositoryName, Span, Timestamp};

use crate::{Engine, Error, shared::Shared};

/// How often notes are written down.
const ROUND: Duration = Duration::from_secs(30);
/// How many manifests are known to be written down for today. Where there are more, some are written down again.
const KNOWN_MAX: usize = 100_000;
/// How many wait to be written down. What comes while there are so many is noted with its next pull.
const WAITING_MAX: usize = 50_000;
/// How many are written down at once.
const AT_ONCE: usize = 1000;

type Place = (RepositoryName, Digest);

/// What was pulled today.
#[derive(Default)]
pub(crate) struct Pulls(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    day: Timestamp,
    known: BTreeSet<Place>,
    waiting: BTreeSet<Place>,
}

impl Pulls {
    fn note(&self, place: Place, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let today = day(now);
        if noted.day != today || noted.known.len() >= KNOWN_MAX {
            noted.known.clear();
        }
        noted.day = today;
        if !noted.known.contains(&place) && noted.waiting.len() < WAITING_MAX {
            noted.known.insert(place.clone());
            noted.waiting.insert(place);
        }
    }

    fn take(&self) -> (Timestamp, Vec<Place>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (noted.day, std::mem::take(&mut noted.waiting).into_iter().collect())
    }

    fn give_back(&self, places: &[Place]) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WAITING_MAX.saturating_sub(noted.waiting.len());
        noted.waiting.extend(places.iter().take(room).cloned());
    }
}

/// The beginning of a day in UTC.
fn day(at: Timestamp) -> Timestamp {
    let length = i64::try_from(Span::DAY.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().div_euclid(length) * length)
}

impl Engine {
    /// Somebody pulls the manifest now.
    pub fn note_pull(&self, repository: &RepositoryName, digest: &Digest) {
        self.shared.pulls.note((repository.clone(), digest.clone()), self.now());
    }

    /// Writes down what was pulled, for whoever is about to ask for it.
    pub(crate) async fn write_pulls(&self) -> Result<(), Error> {
        write(&self.shared).await
    }
}

/// Writes notes down round by round, and once more when the writer has ended.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut ended = shared.ended.subscribe();
    loop {
        let over = tokio::time::timeout(ROUND, ended.wait_for(|ended| *ended)).await.is_ok();
        if let Err(error) = write(&shared).await {
            tracing::warn!(%error, "What was pulled cannot be written down");
        }
        if over {
            return;
        }
    }
}

async fn write(shared: &Shared) -> Result<(), Error> {
    let (day, places) = shared.pulls.take();
    for (number, some) in places.chunks(AT_ONCE).enumerate() {
        if let Err(trouble) = shared.ports.catalog.note_pulls(some, day).await {
            shared.pulls.give_back(&places[number * AT_ONCE..]);
            return Err(trouble.into());
        }
    }
    Ok(())
}
