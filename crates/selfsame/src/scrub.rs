//! [`Scrubber`]: reads again, in the background and at a bounded rate, what the server stores.
//!
//! Round after round it compares each blob with its digest, the published ledger with what was signed, and the database with itself. A damaged
//! blob is repaired from a source, if one has sound bytes; otherwise it is set aside and held, so that nothing that needs it is promoted or
//! handed out until it is back. It remembers its place, so a restart does not begin a round anew; and it begins some time after the server.

mod blob;
mod options;
mod pace;
mod place;
mod round;
mod source;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Actor, Command, Digest, Refusal, Submission};
use engine::{Engine, Error, Turn, ports::Trouble};
use tokio::{sync::watch, time::Instant};

pub use blob::{Found, check, repair};
pub use options::{RepairOptions, ScrubOptions};
pub use pace::Pace;
pub use place::{Damage, Place};
pub use source::{Fetcher, Places, Source};

use crate::outcome::Outcome;

/// How long after its start the server begins to read, and how often it looks whether what was damaged is back: after a pause, where that is
/// shorter.
const MOMENT: Duration = Duration::from_secs(60);
/// How often sources are asked again for what they did not have.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// How many damaged blobs are set aside at most. Where there are more, it is not a bit that flipped.
const DAMAGED_MAX: usize = 1000;
/// Why a damaged blob is held.
const REASON: &str = "its bytes on the disk are damaged: push it again, or restore it from a backup";

/// Reads again what a running server stores.
pub struct Scrubber {
    engine: Engine,
    data: PathBuf,
    options: ScrubOptions,
    fetcher: Fetcher,
    turn: Turn,
    place: Mutex<Place>,
    shown: watch::Sender<api::Scrub>,
}

impl Scrubber {
    /// One for the server on `data`; it reads nothing before it [runs](Self::run).
    pub fn new(engine: Engine, data: PathBuf, options: ScrubOptions) -> Outcome<Self> {
        let fetcher = options.repair.fetcher()?;
        let place = Place::load(&data);
        let shown = watch::Sender::new(shown(&place, options.scrub_rate));
        let turn = Turn::at(&engine, "scrub");
        Ok(Self { engine, data, options, fetcher, turn, place: Mutex::new(place), shown })
    }

    /// Where it stands.
    pub fn watch(&self) -> watch::Receiver<api::Scrub> {
        self.shown.subscribe()
    }

    /// Works until the server stops.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        if self.options.scrub_rate == 0 {
            return;
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => {}
            ((), (), ()) = async { tokio::join!(self.turn.keep(), self.go_round(), self.look_after_damage()) } => {}
        }
        self.change(|_| {});
    }

    /// Round after round, whenever it is this replica's turn.
    async fn go_round(&self) {
        tokio::time::sleep(self.moment()).await;
        loop {
            self.take_over(self.turn.begins().await);
            let wait = {
                let place = self.place();
                let due = place.ended.filter(|_| place.after.is_none()).map(|ended| ended + self.options.scrub_pause);
                due.map_or(0, |due| due.since(self.engine.now()).as_millis())
            };
            tokio::time::sleep(Duration::from_millis(wait)).await;
            if let Err(trouble) = self.round().await {
                tracing::error!(%trouble, "The scrub cannot go on; it tries again");
            }
            tokio::time::sleep(self.moment()).await;
        }
    }

    /// Goes on where the replica stopped whose turn it was before: what that has kept is what counts.
    fn take_over(&self, number: u64) {
        if self.place().turn == number {
            return;
        }
        let place = Place { turn: number, ..Place::load(&self.data) };
        place.save(&self.data);
        *self.place() = place;
        self.change(|_| {});
    }

    /// Whether it is this replica's turn, and nobody else's since it took over.
    fn is_mine(&self) -> bool {
        let number = self.turn.number();
        number.is_some_and(|number| number == self.place().turn)
    }

    /// Looks whether what was damaged is back, and asks the sources for it.
    async fn look_after_damage(&self) {
        let mut asked: Option<Instant> = None;
        loop {
            tokio::time::sleep(self.moment()).await;
            if !self.is_mine() {
                self.shown.send_replace(shown(&Place::load(&self.data), self.options.scrub_rate));
                continue;
            }
            let ask = asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
            if ask {
                asked = Some(Instant::now());
            }
            let damaged: Vec<_> = self.place().damaged.clone().into_iter().collect();
            for (digest, damage) in damaged {
                if let Err(trouble) = self.look_after(&digest, &damage, ask).await {
                    tracing::warn!(%digest, %trouble, "It cannot be seen whether a damaged blob is back");
                }
            }
        }
    }

    async fn look_after(&self, digest: &Digest, damage: &Damage, ask: bool) -> Result<(), Trouble> {
        let ports = self.engine.ports();
        let mut is_back = ports.blobs.verify(digest).await? == Some(true);
        if !is_back && ask && self.repair(digest).await? {
            is_back = true;
        }
        if is_back {
            tracing::info!(%digest, "A blob that was damaged is back");
            if damage.held {
                self.let_go(digest).await;
            }
            self.change(|place| {
                place.damaged.remove(digest);
            });
        } else if !damage.held && self.hold(digest).await {
            self.change(|place| {
                if let Some(damage) = place.damaged.get_mut(digest) {
                    damage.held = true;
                }
            });
        }
        Ok(())
    }

    /// Whether a source had sound bytes.
    async fn repair(&self, digest: &Digest) -> Result<bool, Trouble> {
        let sources = &self.options.repair.repair_from;
        let Some(source) = repair(self.engine.ports(), &self.fetcher, sources, digest).await? else { return Ok(false) };
        tracing::warn!(%digest, %source, "A blob was damaged and is repaired");
        self.change(|place| place.repaired += 1);
        Ok(true)
    }

    /// Keeps everybody from a damaged blob, and from promoting what needs it. Whether this made a hold.
    async fn hold(&self, digest: &Digest) -> bool {
        let command = Command::Hold { digest: digest.clone(), project: None, reason: REASON.into() };
        match self.submit(command).await {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(%digest, %error, "A damaged blob cannot be held");
                false
            }
        }
    }

    async fn let_go(&self, digest: &Digest) {
        let reason = "its bytes are back".to_owned();
        match self.submit(Command::Unhold { digest: digest.clone(), project: None, reason }).await {
            Ok(_) => {}
            // Somebody was faster.
            Err(Error::Refused(refusal)) if matches!(*refusal, Refusal::NotHeld { .. }) => {}
            Err(error) => {
                tracing::error!(%digest, %error, "The hold of a blob that is back cannot be ended: use `selfsame unhold`")
            }
        }
    }

    async fn submit(&self, command: Command) -> Result<bool, Error> {
        let actor = Actor {
            party: "machine:selfsame".parse().expect("a valid party"),
            grants: vec!["operator@*".parse().expect("a valid grant")],
        };
        Ok(self.engine.submit(Submission { actor, key: None, command }).await?.count > 0)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, keeps it and shows it. What another replica has kept since is left as it is.
    fn change(&self, change: impl FnOnce(&mut Place)) {
        let mine = self.is_mine();
        let mut place = self.place();
        change(&mut place);
        if !mine || Place::load(&self.data).turn > place.turn {
            return;
        }
        place.save(&self.data);
        self.shown.send_replace(shown(&place, self.options.scrub_rate));
    }

    fn moment(&self) -> Duration {
        MOMENT.min(Duration::from_millis(self.options.scrub_pause.as_millis())).max(Duration::from_millis(100))
    }
}

/// A place as it is shown.
fn shown(place: &Place, mib_per_second: u32) -> api::Scrub {
    let damaged = |(digest, damage): (&Digest, &Damage)| api::DamagedBlob {
        digest: digest.clone(),
        found: damage.found,
        held: damage.held,
    };
    api::Scrub {
        as_of: 0,
        bytes_per_second: u64::from(mib_per_second) << 20,
        rounds: place.rounds,
        ended: place.ended,
        at: place.after.clone(),
        blobs: place.blobs,
        bytes: place.bytes,
        repaired: place.repaired,
        damaged: place.damaged.iter().map(damaged).collect(),
        unread: place.unread.clone(),
        ledger: place.ledger.clone(),
        database: place.database.clone(),
    }
}
