//! Flipped bits in the file: an error, or what was written; never anything else.

use std::{fs, path::Path};

use domain::{Digest, Timestamp};
use engine::ports::{Batch, Catalog, CatalogChange, Head, Ledger, ManifestRecord};

use crate::{conformance::batch, sql::Database};

/// Bytes between two flips. Prime, so that flips fall everywhere in pages and rows.
const STEP: usize = 61;

fn keys() -> Vec<String> {
    (0..40).map(|n| format!("hold/{n:03}")).collect()
}

fn value(key: &str) -> Vec<u8> {
    format!("{{\"held\":\"{}\"}}", key.repeat(9)).into_bytes()
}

fn manifest(n: u64) -> ManifestRecord {
    ManifestRecord {
        repository: "acme/app".parse().expect("a repository"),
        digest: Digest::sha256(&n.to_be_bytes()),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        size: 1_000 + n,
        subject: None,
        artifact_type: None,
        annotations: [("number".to_owned(), n.to_string())].into(),
        parts: Vec::new(),
    }
}

fn filled() -> Batch {
    let bodies = (0..40).map(|n| format!("entry {n} {}", "body ".repeat(n * 5)));
    let mut filled = batch(&Head::default(), bodies);
    filled.rows = keys().into_iter().map(|key| (key.clone(), Some(value(&key)))).collect();
    let tags = |n: u64| vec![format!("v{n}").parse().expect("a tag")];
    filled.catalog = (0..20).map(|n| CatalogChange::Put { manifest: Box::new(manifest(n)), tags: tags(n) }).collect();
    filled
}

/// What reading everything came to.
#[derive(Default)]
struct Tally {
    errors: usize,
    right: usize,
}

impl Tally {
    fn count<T: PartialEq + std::fmt::Debug>(
        &mut self,
        found: Result<T, impl std::fmt::Display>,
        expected: &T,
        at: usize,
    ) {
        match found {
            Ok(found) => {
                assert_eq!(found, *expected, "a flip at byte {at} is served");
                self.right += 1;
            }
            Err(_) => self.errors += 1,
        }
    }
}

async fn read_everything(folder: &Path, filled: &Batch, at: usize, tally: &mut Tally) {
    let Ok(database) = Database::open(folder) else { return tally.errors += 1 };
    tally.count(database.head().await, &filled.next, at);
    for n in 0..filled.entries.len() as u64 {
        let entry = filled.entries[n as usize].clone();
        tally.count(database.read_each(&[n]).await, &vec![(n, entry.bytes)], at);
        tally.count(database.leaves(n, n + 1).await, &vec![entry.leaf], at);
    }
    let bodies: Vec<_> = filled.entries.iter().map(|entry| entry.bytes.clone()).collect();
    tally.count(database.read(0, 1_000).await, &bodies, at);
    for key in keys() {
        tally.count(database.rows(std::slice::from_ref(&key)).await, &vec![Some(value(&key))], at);
    }
    // A lost index entry may hide a tag or a manifest: then there is none, but never another.
    for n in 0..20 {
        let ManifestRecord { repository, digest, media_type, size, .. } = manifest(n);
        if let Ok(Some(found)) = database.manifest(&repository, &digest).await {
            assert_eq!(found, (media_type.clone(), size), "a flip at byte {at} is served");
        }
        if let Ok(Some(found)) = database.tag(&repository, &format!("v{n}").parse().expect("a tag")).await {
            assert_eq!(found, (digest, media_type, size), "a flip at byte {at} is served");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_is_never_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let filled = filled();
    let database = Database::open(folder.path()).expect("a database");
    database.commit(filled.clone()).await.expect("a commit");
    let blob = Digest::sha256(b"blob");
    database.link_blob(&manifest(0).repository, &blob, 5, Timestamp::from_millis(1)).await.expect("a link");
    drop(database);
    let sound = fs::read(folder.path().join("selfsame.db")).expect("the file");
    assert!(!folder.path().join("selfsame.db-wal").exists(), "the log was copied back on closing");
    let mut tally = Tally::default();
    for at in (0..sound.len()).step_by(STEP) {
        let damaged = tempfile::tempdir().expect("a folder");
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(damaged.path().join("selfsame.db"), bytes).expect("a damaged file");
        read_everything(damaged.path(), &filled, at, &mut tally).await;
    }
    assert!(tally.errors > 100, "damage was met: {} errors", tally.errors);
    assert!(tally.right > tally.errors, "most of the rows are sound: {} right, {} errors", tally.right, tally.errors);
}
