//! Commits whose answer is lost: done, not done, or done a while later. Whoever asked is answered with what is in the ledger, and nothing is in it
//! twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::{Actor, Command, Digest, Entry, Event, Submission};
use engine::{
    Engine, Opening, Options, Ports,
    ports::{Answered, Batch, CatalogChange, CommitError, Head, Ledger, Row, Trouble, WriteTurn},
};
use store::memory::Memory;
use tlog::SignerKey;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Heard,
    DoneUnheard,
    NotDone,
    DoneLater,
}

const FATES: [Fate; 7] =
    [Fate::Heard, Fate::DoneUnheard, Fate::NotDone, Fate::DoneLater, Fate::NotDone, Fate::NotDone, Fate::DoneLater];

/// A ledger that is lost sight of.
struct Distant {
    ledger: Arc<Memory>,
    commits: AtomicUsize,
}

#[async_trait::async_trait]
impl Ledger for Distant {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let fate = FATES[self.commits.fetch_add(1, Ordering::Relaxed) % FATES.len()];
        match fate {
            Fate::Heard => return self.ledger.commit(batch).await,
            // What another was faster than is not done, and that may go unheard, too.
            Fate::DoneUnheard => drop(self.ledger.commit(batch).await),
            Fate::NotDone => {}
            Fate::DoneLater => {
                let ledger = self.ledger.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(70)).await;
                    ledger.commit(batch).await
                });
            }
        }
        Err(CommitError::Unknown(Trouble::new("write entries", format!("the connection was lost ({fate:?})"))))
    }

    async fn moved(&self, _from: u64) -> Result<Head, Trouble> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.ledger.head().await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn head(&self) -> Result<Head, Trouble> {
        self.ledger.head().await
    }

    async fn read(&self, from: u64, limit: usize) -> Result<Vec<Bytes>, Trouble> {
        self.ledger.read(from, limit).await
    }

    async fn read_each(&self, indices: &[u64]) -> Result<Vec<(u64, Bytes)>, Trouble> {
        self.ledger.read_each(indices).await
    }

    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<tlog::Hash>, Trouble> {
        self.ledger.leaves(from, to).await
    }

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        self.ledger.rows(keys).await
    }

    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble> {
        self.ledger.rows_at_head(after, limit).await
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        self.ledger.answered(keys).await
    }

    async fn clear_derived(&self) -> Result<(), Trouble> {
        self.ledger.clear_derived().await
    }

    async fn restore_derived(
        &self,
        rows: Vec<Row>,
        requests: Vec<(String, Answered)>,
        catalog: Vec<CatalogChange>,
    ) -> Result<(), Trouble> {
        self.ledger.restore_derived(rows, requests, catalog).await
    }

    async fn end_rebuild(&self) -> Result<(), Trouble> {
        self.ledger.end_rebuild().await
    }

    async fn rebuilding(&self) -> Result<bool, Trouble> {
        self.ledger.rebuilding().await
    }

    async fn turn_to_write(&self, from: u64, limit: usize) -> Result<Option<Box<dyn WriteTurn + '_>>, Trouble> {
        self.ledger.turn_to_write(from, limit).await
    }

    async fn take_turn(&self, work: &str, lasts: Duration) -> Result<Option<u64>, Trouble> {
        self.ledger.take_turn(work, lasts).await
    }

    async fn contradictions(&self) -> Result<Vec<String>, Trouble> {
        self.ledger.contradictions().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_is_looked_up() {
    let memory = Arc::new(Memory::new());
    let ledger = Arc::new(Distant { ledger: memory.clone(), commits: AtomicUsize::new(0) });
    let (catalog, blobs, views, tiles) = (memory.clone(), memory.clone(), memory.clone(), memory.clone());
    let ports = Ports { ledger, catalog, blobs, views, tiles };
    let signer = SignerKey::from_seed("example.org/ledger", [7; 32]).expect("a key");
    let opening = Opening { token: "0123456789abcdef".parse().expect("an id"), hash: Digest::sha256(b"secret") };
    let engine = Engine::start(ports, Options::new(signer, Some(opening))).await.expect("it starts");
    let actor =
        Actor { party: "person:ada".parse().expect("a party"), grants: vec!["admin@*".parse().expect("a grant")] };
    // Without a key, so that nothing but the look keeps a command from being done twice.
    for number in 0..30_u64 {
        let digest = Digest::sha256(&number.to_be_bytes());
        let command = Command::Hold { digest: digest.clone(), project: None, reason: "a test".into() };
        let held = engine.submit(Submission { actor: actor.clone(), key: None, command }).await.expect("it is held");
        let entry = memory.read(held.index, 1).await.expect("an entry");
        let entry = Entry::decode(&entry[0]).expect("an entry");
        assert!(matches!(&entry.event, Event::Held { digest: found, .. } if *found == digest), "{number}: {entry:?}");
    }
    // What lingers has come by then, if it ever does.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(memory.head().await.expect("a head").frontier.size(), 32, "each was done once");
    assert!(engine.writable().is_ok());
}
