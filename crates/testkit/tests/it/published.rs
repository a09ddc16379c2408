//! The published ledger: damage is never served, and the key signs one history.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{Digest, TokenId};
use engine::{
    Engine, Opening, Options, Ports,
    ports::{self, Answered, Batch, CatalogChange, CommitError, Head, Ledger, Row, Trouble, WriteTurn},
};
use store::memory::Memory;
use testkit::{FakeClock, World, audit};
use tlog::SignerKey;

const ORIGIN: &str = "example.org/ledger";
const LONG: Duration = Duration::from_secs(30);

async fn get(world: &World, path: &str) -> (u16, Vec<u8>) {
    let request = world.http().get(format!("{}/ledger/{path}", world.url)).bearer_auth(&world.admin);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}

/// Writes entries until there are `size`, and waits until they are published.
async fn grow(engine: &Engine, size: u64) {
    for number in engine.size()..size {
        let digest = Digest::sha256(&number.to_be_bytes());
        hold(engine, &digest, "damage").await;
    }
    assert!(engine.wait_published(size, LONG).await, "{size} entries are not published");
}

async fn hold(engine: &Engine, digest: &Digest, reason: &str) {
    let actor = domain::Actor {
        party: "person:ada".parse().expect("a party"),
        grants: vec!["admin@*".parse().expect("a grant")],
    };
    let command = domain::Command::Hold { digest: digest.clone(), project: None, reason: reason.into() };
    engine.submit(domain::Submission { actor, key: None, command }).await.expect("it is held");
}

fn flip(file: &Path, byte: usize) -> Vec<u8> {
    let good = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut bad = good.clone();
    bad[byte] ^= 1;
    fs::write(file, bad).expect("the file can be changed");
    good
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_a_published_file_is_never_served() {
    let world = World::begin().await;
    grow(&world.engine, 300).await;
    let ledger = world.data().join("ledger");
    for (path, byte) in [
        ("checkpoint", 30),
        ("tile/0/000", 70),
        ("tile/0/001.p/44", 70),
        ("tile/1/000.p/1", 3),
        ("tile/entries/000", 40),
        ("tile/entries/001.p/44", 0),
    ] {
        let good = flip(&ledger.join(path), byte);
        let (status, body) = get(&world, path).await;
        assert_eq!(status, 500, "`{path}` was served although it is damaged");
        assert!(String::from_utf8_lossy(&body).contains("\"broken\""), "{}", String::from_utf8_lossy(&body));
        fs::write(ledger.join(path), &good).expect("the file can be mended");
        assert_eq!(get(&world, path).await, (200, good), "`{path}` is served again");
    }
    for path in ["tile/0/001", "tile/0/001.p/45", "tile/2/000.p/1", "tile/entries/002.p/1", "keys"] {
        assert_eq!(get(&world, path).await.0, 404, "the checkpoint covers no `{path}`");
    }
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_tiles_are_cut_anew_at_the_next_start() {
    let world = World::begin().await;
    grow(&world.engine, 300).await;
    let good = flip(&world.data().join("ledger/tile/0/000"), 70);
    let world = world.restart().await;
    world.audit().await;
    assert_eq!(get(&world, "tile/0/000").await, (200, good));
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_tiles_go_once_the_full_one_is_signed() {
    let world = World::begin().await;
    grow(&world.engine, 20).await;
    let entries = world.data().join("ledger/tile/entries");
    assert!(entries.join("000.p/20").exists());
    grow(&world.engine, 260).await;
    world.audit().await;
    for full in ["tile/0/000", "tile/entries/000"] {
        let partials = world.data().join(format!("ledger/{full}.p"));
        // They are removed after the checkpoint is seen.
        let gone = async {
            while partials.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, gone).await.unwrap_or_else(|_| panic!("`{}` stays", partials.display()));
        assert_eq!(get(&world, full).await.0, 200);
    }
}

/// An engine in memory whose published files are `tiles`.
async fn engine_on(memory: &Arc<Memory>, tiles: &Arc<Memory>) -> Result<Engine, engine::Error> {
    engine_with(memory.clone(), memory, tiles).await
}

async fn engine_with(
    ledger: Arc<dyn Ledger>,
    memory: &Arc<Memory>,
    tiles: &Arc<Memory>,
) -> Result<Engine, engine::Error> {
    let ports =
        Ports { ledger, catalog: memory.clone(), blobs: memory.clone(), views: memory.clone(), tiles: tiles.clone() };
    let signer = SignerKey::from_seed(ORIGIN, [7; 32]).expect("a key");
    let token: TokenId = "0123456789abcdef".parse().expect("a token id");
    let opening = Opening { token, hash: Digest::sha256(b"secret") };
    let clock = FakeClock::at("2026-01-01T00:00:00Z".parse().expect("a time"));
    Engine::start(ports, Options { clock: Box::new(clock), ..Options::new(signer, Some(opening)) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_signs_no_second_history() {
    let (published, forked) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
    let engine = engine_on(&published, &published).await.expect("it starts");
    grow(&engine, 20).await;
    let note = ports::Tiles::get(&*published, "checkpoint").await.expect("it is readable");
    // Another history under the same key: one early entry is another. It is as long, or longer.
    for size in [20, 25] {
        let other = engine_on(&forked, &forked).await.expect("it starts");
        if other.size() < 20 {
            hold(&other, &Digest::sha256(b"another"), "another").await;
        }
        grow(&other, size).await;
        drop(other);
        let refused = engine_on(&forked, &published).await.err().expect("it must not start").to_string();
        assert!(refused.contains("are not those that were signed"), "{refused}");
        assert_eq!(ports::Tiles::get(&*published, "checkpoint").await.expect("it is readable"), note);
    }
    audit(&engine, &SignerKey::from_seed(ORIGIN, [7; 32]).expect("a key").verifier_key()).await;
}

/// A ledger in which somebody has changed one entry and its hash, and nothing else.
struct Changed {
    ledger: Arc<Memory>,
    entry: u64,
}

#[async_trait::async_trait]
impl Ledger for Changed {
    async fn leaves(&self, from: u64, to: u64) -> Result<Vec<tlog::Hash>, Trouble> {
        let mut leaves = self.ledger.leaves(from, to).await?;
        if (from..to).contains(&self.entry)
            && let Some(leaf) = leaves.get_mut((self.entry - from) as usize)
        {
            *leaf = tlog::leaf_hash(b"another");
        }
        Ok(leaves)
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

    async fn rows(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
        self.ledger.rows(keys).await
    }

    async fn rows_at_head(&self, after: Option<&str>, limit: usize) -> Result<(Head, Vec<(String, Vec<u8>)>), Trouble> {
        self.ledger.rows_at_head(after, limit).await
    }

    async fn answered(&self, keys: &[String]) -> Result<Vec<Option<Answered>>, Trouble> {
        self.ledger.answered(keys).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.ledger.commit(batch).await
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
async fn a_changed_entry_is_neither_signed_nor_started_with() {
    let memory = Arc::new(Memory::new());
    let changed = Arc::new(Changed { ledger: memory.clone(), entry: 30 });
    let engine = engine_with(changed.clone(), &memory, &memory).await.expect("it starts");
    grow(&engine, 20).await;
    for number in 20_u64..40 {
        hold(&engine, &Digest::sha256(&number.to_be_bytes()), "damage").await;
    }
    assert!(!engine.wait_published(31, Duration::from_secs(2)).await, "the changed entry was signed");
    assert!(engine.published() <= 30);
    drop(engine);
    let refused = engine_with(changed, &memory, &memory).await.err().expect("it must not start").to_string();
    assert!(refused.contains("do not lead to its head"), "{refused}");
}
