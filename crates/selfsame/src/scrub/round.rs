//! One round: every blob, every published file, the database.

use std::time::Duration;

use domain::Digest;
use engine::ports::Trouble;
use tlog::{bundles_for, tiles_for};
use tokio::time::Instant;

use super::{DAMAGED_MAX, Damage, Found, Pace, Scrubber, check};

/// How many blobs are listed at once.
const CHUNK: usize = 1000;
/// How often the place is kept while all is well.
const KEPT_EVERY: Duration = Duration::from_secs(5);
/// How many findings of one kind are named at most.
const NAMED_MAX: usize = 100;

impl Scrubber {
    /// Goes on with a round where it stands, or begins one, and ends it.
    pub(super) async fn round(&self) -> Result<(), Trouble> {
        let mut pace = Pace::at(u64::from(self.options.scrub_rate) << 20);
        let begins = self.place().after.is_none();
        if begins {
            self.change(|place| {
                (place.blobs, place.bytes) = (0, 0);
                place.unread.clear();
            });
        }
        if !self.blobs(&mut pace).await? {
            return Ok(());
        }
        let ledger = self.ledger(&mut pace).await;
        let mut database = self.engine.ports().ledger.contradictions().await?;
        database.truncate(NAMED_MAX);
        for file in &ledger {
            tracing::error!(
                file,
                "A published file is damaged; it is cut anew once `ledger/checkpoint` is removed and the server started"
            );
        }
        for finding in &database {
            tracing::error!(finding, "The database is damaged: run `selfsame rebuild`, or restore it from a backup");
        }
        let ended = self.engine.now();
        self.change(|place| {
            (place.after, place.ended, place.rounds) = (None, Some(ended), place.rounds + 1);
            (place.ledger, place.database) = (ledger, database);
        });
        let (blobs, bytes, damaged) = {
            let place = self.place();
            (place.blobs, place.bytes, place.damaged.len())
        };
        tracing::info!(blobs, bytes, damaged, "A scrub has read everything");
        Ok(())
    }

    /// Whether all of them were read: another replica goes on where this one stopped, once it is its turn.
    async fn blobs(&self, pace: &mut Pace) -> Result<bool, Trouble> {
        let ports = self.engine.ports();
        let mut after = self.place().after.clone();
        let mut kept = Instant::now();
        loop {
            let chunk = ports.blobs.list(after.as_ref(), CHUNK).await?;
            let Some(last) = chunk.last() else { return Ok(true) };
            after = Some(last.clone());
            for digest in chunk {
                if !self.is_mine() {
                    return Ok(false);
                }
                let found = check(ports, &digest, pace).await;
                if found.as_ref().is_ok_and(|found| *found == Found::Damaged) {
                    self.take_care_of(&digest).await?;
                }
                {
                    let mut place = self.place();
                    match found {
                        Ok(Found::Intact(size)) => (place.blobs, place.bytes) = (place.blobs + 1, place.bytes + size),
                        Ok(Found::Damaged | Found::Gone) => {}
                        Err(trouble) => {
                            tracing::error!(%digest, %trouble, "A blob cannot be read, so nothing is known of it");
                            if place.unread.len() < NAMED_MAX {
                                place.unread.push(digest.clone());
                            }
                        }
                    }
                    place.after = Some(digest);
                }
                if kept.elapsed() >= KEPT_EVERY {
                    kept = Instant::now();
                    self.change(|_| {});
                }
            }
        }
    }

    /// Repairs a damaged blob, or else sets it aside and holds it.
    async fn take_care_of(&self, digest: &Digest) -> Result<(), Trouble> {
        if self.repair(digest).await? {
            return Ok(());
        }
        if self.place().damaged.len() >= DAMAGED_MAX {
            let why =
                format!("{DAMAGED_MAX} blobs are damaged already: see whether the disk is sound, and the right one");
            return Err(Trouble::new(format!("set aside `{digest}`"), why));
        }
        let found = self.engine.now();
        // What is known before it is done is looked after, should the process end in between.
        self.change(|place| {
            place.damaged.entry(digest.clone()).or_insert(Damage { found: Some(found), held: false });
        });
        self.engine.ports().blobs.set_aside(digest).await?;
        let held = self.hold(digest).await;
        self.change(|place| {
            if let Some(damage) = place.damaged.get_mut(digest) {
                damage.held |= held;
            }
        });
        tracing::error!(%digest, held, "A blob is damaged and set aside: push it again, or restore it from a backup");
        Ok(())
    }

    /// The full files of the published ledger that do not lead to what was signed. Those that still grow are checked whenever they are read.
    async fn ledger(&self, pace: &mut Pace) -> Vec<String> {
        let size = self.engine.published();
        let tiles = tiles_for(0, size).filter(|tile| tile.is_full()).map(|tile| tile.to_string());
        let bundles = bundles_for(0, size).filter(|bundle| bundle.is_full()).map(|bundle| bundle.to_string());
        let mut damaged = Vec::new();
        for path in tiles.chain(bundles) {
            match self.engine.ledger_file(&path).await {
                Ok(Some(bytes)) => pace.take(bytes.len()).await,
                Ok(None) | Err(_) if damaged.len() < NAMED_MAX => damaged.push(path),
                Ok(None) | Err(_) => break,
            }
        }
        damaged
    }
}
