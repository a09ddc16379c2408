//! [`Recalls`]: brings bytes back from the trash or the archive, once for all who wait for them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Digest;
use tokio::sync::{Semaphore, watch};

use crate::{
    Engine, Error,
    ports::{Blobs, Tier, Trouble},
};

/// How many are brought back at once.
const AT_ONCE: usize = 4;
/// How long somebody waits before he is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of bytes that are not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// They are at hand.
    AtHand,
    /// They are on their way: ask again in a moment.
    Coming,
    /// They are nowhere.
    Gone,
}

/// How it ended, once it has: whether the bytes are at hand, or what broke.
type Ending = watch::Receiver<Option<Result<bool, String>>>;

/// Those on their way.
pub(crate) struct Recalls {
    blobs: Arc<dyn Blobs>,
    turns: Semaphore,
    under_way: Mutex<BTreeMap<Digest, Ending>>,
}

impl Recalls {
    pub fn new(blobs: Arc<dyn Blobs>) -> Arc<Self> {
        Arc::new(Self { blobs, turns: Semaphore::new(AT_ONCE), under_way: Mutex::default() })
    }

    /// How the recall of `digest` ends: one that is under way, or a new one.
    fn ending(self: &Arc<Self>, digest: &Digest) -> Ending {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ending) = under_way.get(digest) {
            return ending.clone();
        }
        let (end, ending) = watch::channel(None);
        under_way.insert(digest.clone(), ending.clone());
        let (recalls, digest) = (self.clone(), digest.clone());
        tokio::spawn(async move {
            let ended = recalls.take_back(&digest).await.map_err(|trouble| trouble.to_string());
            recalls.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest);
            end.send_replace(Some(ended));
        });
        ending
    }

    async fn take_back(&self, digest: &Digest) -> Result<bool, Trouble> {
        let _turn = self.turns.acquire().await.map_err(|closed| Trouble::new("bring bytes back", closed))?;
        for tier in [Tier::Trash, Tier::Archive] {
            if self.blobs.away(digest, tier).await?.is_some() && self.blobs.take_back(digest, tier).await? {
                return Ok(true);
            }
        }
        Ok(self.blobs.size(digest).await?.is_some())
    }
}

impl Engine {
    /// Brings the bytes of `digest` to hand, wherever they are. Many may ask: it is done once.
    pub async fn recall(&self, digest: &Digest) -> Result<Recalled, Error> {
        let mut ending = self.recalls.ending(digest);
        let Ok(ended) = tokio::time::timeout(PATIENCE, ending.wait_for(Option::is_some)).await else {
            return Ok(Recalled::Coming);
        };
        let ended = ended.map_err(|gone| Error::broken(format!("bring `{digest}` back"), gone))?.clone();
        match ended {
            Some(Ok(true)) => Ok(Recalled::AtHand),
            Some(Err(problem)) => Err(Error::broken(format!("bring `{digest}` back"), problem)),
            Some(Ok(false)) | None => Ok(Recalled::Gone),
        }
    }

    /// Whether the bytes of `digest` are at hand, after they were brought back if need be. Whoever has just named a digest asks this: until
    /// then nothing named its bytes, and a plan that is carried out may have taken them.
    pub async fn ensure(&self, digest: &Digest) -> Result<bool, Error> {
        if self.ports().blobs.size(digest).await?.is_some() {
            return Ok(true);
        }
        Ok(self.recall(digest).await? == Recalled::AtHand)
    }

    /// How many bytes `digest` has, at hand, in the archive, or in the trash; what is in the archive counts without being brought back.
    pub async fn size_anywhere(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let blobs = &self.ports().blobs;
        if let Some(size) = blobs.size(digest).await? {
            return Ok(Some(size));
        }
        for tier in [Tier::Archive, Tier::Trash] {
            if let Some(away) = blobs.away(digest, tier).await? {
                return Ok(Some(away.size));
            }
        }
        Ok(None)
    }
}
