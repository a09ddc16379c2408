//! Replicas on a real PostgreSQL with one folder: another goes on where the one has ended that scrubbed.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use bytes::Bytes;
use domain::{Digest, Span};
use engine::{Engine, Opening, Options, Ports, Turn};
use services::{Base, Postgres};
use store::{Opened, Shelves};
use tlog::SignerKey;
use tokio::{sync::watch, time::Instant};

use super::{Place, RepairOptions, ScrubOptions, Scrubber};

/// How many blobs there are, and the bytes of each: at the least rate, they take longer than a place is kept for.
const BLOBS: u8 = 30;
const BYTES: usize = 256 << 10;

/// How a replica ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In the middle of whatever it does.
    Dies,
    /// It is told to, and has time to say where it is.
    Stops,
}

async fn replica(base: &Base, data: &Path) -> Engine {
    let address = Postgres::shared().url(base).parse().expect("an address");
    let opened = store::open_replica(data, address, |_| None).await.expect("the storage opens");
    let Opened { database, shelves: Shelves { blobs, tiles, .. } } = opened;
    let ports = Ports { ledger: database.clone(), catalog: database.clone(), blobs, views: database, tiles };
    let signer = SignerKey::from_seed("example.org/scrubbed", [7; 32]).expect("a key");
    let token = server::token::id_of(&server::token::generate()).expect("a token");
    let opening = Opening { token, hash: Digest::sha256(b"nobody has it") };
    Engine::start(ports, Options::new(signer, Some(opening))).await.expect("the engine starts")
}

fn scrubber(engine: &Engine, data: &Path, scrub_rate: u32) -> Scrubber {
    let options = ScrubOptions { scrub_rate, scrub_pause: Span::from_secs(1), repair: RepairOptions::default() };
    let scrubber = Scrubber::new(engine.clone(), data.to_owned(), options).expect("a scrubber");
    Scrubber { turn: Turn::at(engine, "scrub").lasting(Duration::from_secs(2)), ..scrubber }
}

/// Flips one bit, as a disk might.
fn flip(data: &Path, digest: &Digest) {
    let file = data.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    let mut bytes = fs::read(&file).expect("the blob is there");
    bytes[BYTES / 2] ^= 1;
    fs::write(file, bytes).expect("it can be changed");
}

/// What the first has read is not read again in that round: damage that comes behind it is found in the next one.
async fn taken_over(end: End) {
    let (base, folder) = (Postgres::shared().base(), tempfile::tempdir().expect("a folder"));
    let data = folder.path();
    let (one, two) = (replica(&base, data).await, replica(&base, data).await);
    for number in 0..BLOBS {
        let bytes = Bytes::from(vec![number; BYTES]);
        one.ports().blobs.put(&Digest::sha256(&bytes), bytes.clone()).await.expect("it is stored");
    }
    let all = one.ports().blobs.list(None, 1000).await.expect("a list");
    let (first, last) = (&all[0], &all[all.len() - 1]);
    let (stop, stopped) = watch::channel(false);
    let (_never, goes_on) = watch::channel(false);
    let scrubs = tokio::spawn(scrubber(&one, data, 1).run(stopped));
    let begun = Instant::now();
    while Place::load(data).after.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{end:?}: the first never keeps its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let waits = scrubber(&two, data, 1000);
    let mut shown = waits.watch();
    let waits = tokio::spawn(waits.run(goes_on));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(Place::load(data).turn, 1, "{end:?}: the other waits for its turn");
    match end {
        End::Dies => scrubs.abort(),
        End::Stops => drop(stop.send(true)),
    }
    let ended = scrubs.await;
    assert_eq!(ended.is_err(), end == End::Dies, "{ended:?}");
    let kept = Place::load(data);
    assert!(kept.blobs > 0 && kept.blobs < u64::from(BLOBS), "{end:?}: in the middle of a round: {kept:?}");
    flip(data, first);
    flip(data, last);
    let round = async |rounds: u64, shown: &mut watch::Receiver<api::Scrub>| {
        let ends = shown.wait_for(|scrub| scrub.rounds >= rounds && scrub.at.is_none());
        let ends = tokio::time::timeout(Duration::from_secs(60), ends).await.expect("the round ends in time");
        ends.expect("it scrubs").clone()
    };
    let told = round(1, &mut shown).await;
    let damaged: BTreeSet<_> = told.damaged.iter().map(|blob| (&blob.digest, blob.held)).collect();
    assert_eq!((told.rounds, damaged), (1, [(last, true)].into()), "{end:?}: it goes on where the first was");
    assert_eq!(told.blobs, u64::from(BLOBS) - 1, "{end:?}: each that is sound is counted once");
    assert_eq!(Place::load(data).turn, 2);
    let told = round(2, &mut shown).await;
    let damaged: BTreeSet<_> = told.damaged.iter().map(|blob| &blob.digest).collect();
    assert_eq!(damaged, [first, last].into(), "{end:?}: the next round reads all of it");
    waits.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_goes_on_where_one_has_ended() {
    // As the program does at its start; the only one in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::join!(taken_over(End::Dies), taken_over(End::Stops));
}
