//! Flipped bits in the file: an error, or what was written; never anything else.

use std::{fs, path::Path};

use domain::{Digest, Timestamp};
use engine::ports::{
    Answered, Batch, Catalog, CatalogChange, Head, Ledger, ManifestRecord, Part, PartKind, ViewChange, Views,
};

use crate::{conformance::batch, sql::Database};

/// Bytes between two flips. Prime, so that flips fall everywhere in pages and rows.
const STEP: usize = 251;

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
        parts: (0..3).map(part).collect(),
    }
}

fn part(n: u64) -> Part {
    Part { kind: PartKind::Layer, digest: Digest::sha256(&[n as u8; 9]), size: n, media_type: "layer".into() }
}

fn change(index: u64) -> ViewChange {
    ViewChange {
        index,
        digests: vec![part(index % 3).digest],
        project: Some("acme".parse().expect("a project")),
        history: None,
        release: None,
    }
}

fn request(n: u64) -> (String, Answered) {
    (format!("person:ada/{n}"), Answered { command: part(n).digest, index: n, count: 1 })
}

fn filled() -> Batch {
    let bodies = (0..40).map(|n| format!("entry {n} {}", "body ".repeat(n * 5)));
    let mut filled = batch(&Head::default(), bodies);
    filled.rows = keys().into_iter().map(|key| (key.clone(), Some(value(&key)))).collect();
    let tags = |n: u64| vec![format!("v{n}").parse().expect("a tag")];
    filled.requests = (0..20).map(request).collect();
    filled.catalog = (0..20).map(|n| CatalogChange::Put { manifest: Box::new(manifest(n)), tags: tags(n) }).collect();
    filled
}

/// What reading everything came to.
#[derive(Default)]
struct Tally {
    errors: usize,
    right: usize,
    /// Whether a list lacked something since the file was opened.
    shortened: bool,
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

impl Tally {
    fn within<T: PartialEq + std::fmt::Debug>(
        &mut self,
        found: Result<Vec<T>, impl std::fmt::Display>,
        expected: &[T],
        at: usize,
    ) {
        match found {
            Ok(found) => {
                assert!(found.iter().all(|one| expected.contains(one)), "a flip at byte {at} is served: {found:?}");
                self.shortened |= found.len() < expected.len();
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
    for n in 0..20 {
        let (key, answered) = request(n);
        let found = database.answered(&[key]).await.map(|found| found.into_iter().flatten().collect());
        tally.within(found, &[answered], at);
    }
    read_the_catalog(&database, at, tally).await;
    read_the_views(&database, at, tally).await;
    if std::mem::take(&mut tally.shortened) {
        let found = database.contradictions().await;
        assert!(
            found.is_err() || found.is_ok_and(|found| !found.is_empty()),
            "a scrub does not see the flip at byte {at}"
        );
    }
}

async fn read_the_catalog(database: &Database, at: usize, tally: &mut Tally) {
    let repository = manifest(0).repository;
    for n in 0..20 {
        let ManifestRecord { repository, digest, media_type, size, parts, .. } = manifest(n);
        tally.count(database.manifest(&repository, &digest).await, &Some((media_type.clone(), size)), at);
        tally.count(database.parts(&repository, &digest).await, &parts, at);
        tally.count(database.subject(&repository, &digest).await, &None, at);
        let tag = database.tag(&repository, &format!("v{n}").parse().expect("a tag")).await;
        tally.count(tag, &Some((digest, media_type, size)), at);
    }
    for n in 0..3 {
        let blob = part(n).digest;
        tally.count(database.blob(&repository, &blob).await, &Some(n), at);
        // A damaged index may hide a row of a list: then the list is shorter, but it has never anything else.
        let places = database.blob_anywhere(&blob).await;
        tally.within(places, std::slice::from_ref(&repository), at);
        let all: Vec<_> = (0..20).map(|n| manifest(n).digest).collect();
        tally.within(database.containers(&repository, &blob, None, 100).await, &all, at);
    }
    tally.within(database.repositories(None, 9).await, &[repository], at);
}

async fn read_the_views(database: &Database, at: usize, tally: &mut Tally) {
    tally.count(database.cursor().await, &20, at);
    let project = "acme".parse().expect("a project");
    tally.within(database.of_project(&project, 0, 100).await, &(0..20).collect::<Vec<_>>(), at);
    for n in 0..3 {
        let expected: Vec<_> = (0..20).filter(|index| index % 3 == n).collect();
        tally.within(database.about(&part(n).digest, 0, 100).await, &expected, at);
    }
}

#[tokio::test]
async fn a_flipped_bit_is_never_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let filled = filled();
    let database = Database::open(folder.path()).expect("a database");
    database.commit(filled.clone()).await.expect("a commit");
    for n in 0..3 {
        let blob = part(n).digest;
        database.link_blob(&manifest(0).repository, &blob, n, Timestamp::from_millis(1)).await.expect("a link");
    }
    database.fold((0..20).map(change).collect(), 20).await.expect("a fold");
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
