use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use domain::{Entry, Event, Timestamp, Version};
use tlog::{
    Checkpoint, EntryBundle, Frontier, Hash, SignerKey, TileBuilder, VerifiedCheckpoint, bundles_for, leaf_hash,
};

use super::{
    Conclusion, Database, Earlier, Finding, NotChecked, Source, Stops, classify::classify, prove, read_entry, walk,
};

pub(super) const ORIGIN: &str = "selfsame.example/ledger";

fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, [7; 32]).expect("a key")
}

fn entry(index: u64) -> Vec<u8> {
    let event = match index {
        0 => Event::LedgerOpened { origin: ORIGIN.into() },
        _ => Event::Held {
            digest: domain::Digest::sha256(&index.to_be_bytes()),
            project: None,
            reason: format!("reason {index}"),
        },
    };
    let at = Timestamp::from_millis(1_800_000_000_000 + i64::try_from(index).expect("a small number"));
    Entry { actor: "person:ada".parse().expect("a party"), at, event, request: None, v: Version }.encode()
}

/// Publishes entries in a folder, as a server does.
pub(super) fn publish(folder: &Path, entries: &[Vec<u8>]) {
    let (mut builder, mut frontier) = (TileBuilder::default(), Frontier::default());
    for entry in entries {
        builder.append(leaf_hash(entry));
        frontier.append(leaf_hash(entry));
    }
    let write = |path: &str, bytes: &[u8]| {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, bytes).expect("a file");
    };
    for (tile, hashes) in builder.take_tiles() {
        write(&tile.to_string(), &tile.encode(&hashes).expect("a tile"));
    }
    for bundle in bundles_for(0, entries.len() as u64) {
        let first = usize::try_from(bundle.first_entry()).expect("a small number");
        write_bundle(folder, &bundle, &entries[first..first + usize::from(bundle.width())]);
    }
    let checkpoint = Checkpoint::new(ORIGIN, entries.len() as u64, frontier.root()).expect("a checkpoint");
    write("checkpoint", checkpoint.sign(&signer()).expect("a signature").to_string().as_bytes());
}

fn write_bundle(folder: &Path, bundle: &EntryBundle, entries: &[Vec<u8>]) {
    let bytes: Vec<u8> = entries
        .iter()
        .flat_map(|entry| {
            let length = u16::try_from(entry.len()).expect("a short entry");
            length.to_be_bytes().into_iter().chain(entry.iter().copied())
        })
        .collect();
    let file = folder.join(bundle.to_string());
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, bytes).expect("a file");
}

pub(super) fn checkpoint(folder: &Path) -> VerifiedCheckpoint {
    let note = fs::read(folder.join("checkpoint")).expect("a checkpoint");
    Checkpoint::open(&note, &[signer().verifier_key()]).expect("it is signed")
}

async fn audited(folder: &Path) -> Vec<Finding> {
    let source = Source::Directory(folder.to_owned());
    walk(&source, &checkpoint(folder), Stops::default(), |_| {}).await.expect("the files are readable").findings
}

const SIZE: u64 = 600;

/// A ledger of [`SIZE`] entries whose second bundle holds what `change` makes of its entries 256 to 511.
async fn with_bundle(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a folder");
    let entries: Vec<_> = (0..SIZE).map(entry).collect();
    publish(folder.path(), &entries);
    assert_eq!(audited(folder.path()).await, [], "the ledger is sound before");
    let mut part = entries[256..512].to_vec();
    change(&mut part);
    write_bundle(folder.path(), &EntryBundle::new(1, 256).expect("a bundle"), &part);
    audited(folder.path()).await
}

#[tokio::test]
async fn what_was_done_to_entries_is_named_exactly() {
    let short = || Finding::FileMalformed {
        file: "tile/entries/001".into(),
        problem: "it holds fewer entries than its name says".into(),
    };
    let changed = with_bundle(|entries| entries[44][30] ^= 1).await;
    assert_eq!(changed, [Finding::EntryChanged { entry: 300 }]);
    let swapped = with_bundle(|entries| entries.swap(4, 9)).await;
    let reordered = |entry, logged_as| Finding::EntryReordered { entry, logged_as };
    assert_eq!(swapped, [reordered(260, 265), reordered(265, 260)]);
    let dropped = with_bundle(|entries| drop(entries.remove(44))).await;
    assert_eq!(dropped, [short(), Finding::EntryDropped { entry: 300, count: 1 }]);
    let truncated = with_bundle(|entries| entries.truncate(200)).await;
    assert_eq!(truncated, [short(), Finding::EntryDropped { entry: 456, count: 56 }]);
    let both = with_bundle(|entries| {
        entries.drain(10..12);
        entries[100][30] ^= 1;
    });
    let both = both.await;
    assert!(both.contains(&Finding::EntryDropped { entry: 266, count: 2 }), "{both:?}");
    assert!(both.contains(&Finding::EntryChanged { entry: 356 }), "{both:?}");
}

#[tokio::test]
async fn entries_that_cannot_be_read_are_named_and_the_others_keep_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries: Vec<_> = (0..SIZE).map(entry).collect();
    publish(folder.path(), &entries);
    let mut last = entries[512..].to_vec();
    last[8][30] ^= 1;
    write_bundle(folder.path(), &EntryBundle::new(2, 88).expect("a bundle"), &last);
    fs::remove_file(folder.path().join("tile/entries/001")).expect("a bundle");
    let missing = Finding::EntriesMissing { file: "tile/entries/001".into(), entry: 256, count: 256 };
    assert_eq!(audited(folder.path()).await, [missing.clone(), Finding::EntryChanged { entry: 520 }]);
    assert_eq!(missing.to_string(), "`tile/entries/001` is missing, and with it the entries 256 to 511");
}

#[tokio::test]
async fn entries_that_were_changed_with_their_hashes_are_narrowed_down() {
    let (folder, forged) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut entries: Vec<_> = (0..SIZE).map(entry).collect();
    publish(folder.path(), &entries);
    entries[300] = entry(301);
    publish(forged.path(), &entries);
    let forge = |file: &str| fs::copy(forged.path().join(file), folder.path().join(file)).expect("a file");
    forge("tile/entries/001");
    forge("tile/0/001");
    assert_eq!(audited(folder.path()).await, [Finding::EntriesChanged { entry: 256, count: 256 }]);
    // With all hashes above them changed, too, only the signed root is left to say it.
    forge("tile/1/000.p/2");
    assert_eq!(audited(folder.path()).await, [Finding::Root { size: SIZE }]);
}

#[tokio::test]
async fn each_stored_entry_is_compared_with_the_published_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut entries: Vec<_> = (0..SIZE).map(entry).collect();
    publish(folder.path(), &entries);
    let changed = |entry| Finding::StoredEntry { entry, problem: "is not the one that was published".into() };
    for (forged, found) in [(vec![], vec![]), (vec![7, 599], vec![changed(7), changed(599)])] {
        for index in forged {
            entries[index as usize] = entry(index + 1);
        }
        let database = Database { ports: stored(&entries).await, objects: None, is_elsewhere: false };
        let (mut findings, source) = (Vec::new(), Source::Directory(folder.path().to_owned()));
        let compared = database.compare(&source, SIZE, &mut findings).await.expect("the files are readable");
        assert_eq!((compared, findings), (SIZE, found));
    }
}

/// Storage that holds these entries.
async fn stored(entries: &[Vec<u8>]) -> engine::Ports {
    let memory = Arc::new(store::memory::Memory::new());
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| engine::ports::NewEntry { bytes: entry.clone().into(), leaf: leaf_hash(entry) })
        .collect();
    let mut next = engine::ports::Head::default();
    entries.iter().for_each(|entry| next.frontier.append(entry.leaf));
    let batch = engine::ports::Batch { entries, next, ..engine::ports::Batch::default() };
    engine::ports::Ledger::commit(&*memory, batch).await.expect("they are stored");
    engine::Ports {
        ledger: memory.clone(),
        catalog: memory.clone(),
        blobs: memory.clone(),
        views: memory.clone(),
        tiles: memory,
    }
}

#[test]
fn an_audit_is_sound_only_if_all_that_was_asked_for_was_checked() {
    let found = [Finding::Root { size: 1 }];
    let (asked, unasked) = (NotChecked::asked("state", "x"), NotChecked::unasked("state", "x"));
    for (findings, not_checked, conclusion) in [
        (&[][..], &[][..], Conclusion::Sound),
        (&[], std::slice::from_ref(&unasked), Conclusion::Sound),
        (&[], &[unasked.clone(), asked.clone()], Conclusion::Incomplete),
        (&found, std::slice::from_ref(&asked), Conclusion::Unsound),
        (&found, &[], Conclusion::Unsound),
    ] {
        assert_eq!(Conclusion::of(findings, not_checked), conclusion);
    }
}

#[tokio::test]
async fn hashes_that_do_not_follow_from_the_entries_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    publish(folder.path(), &(0..SIZE).map(entry).collect::<Vec<_>>());
    for (file, place, entry) in [("tile/0/001", 3, 259), ("tile/1/000.p/2", 1, 256)] {
        let path = folder.path().join(file);
        let good = fs::read(&path).expect("a tile");
        let mut bad = good.clone();
        bad[place * Hash::LEN] ^= 1;
        fs::write(&path, bad).expect("a tile");
        assert_eq!(audited(folder.path()).await, [Finding::TileChanged { file: file.into(), entry }]);
        fs::remove_file(&path).expect("a tile");
        assert_eq!(audited(folder.path()).await[0], Finding::FileMissing { file: file.into() });
        fs::write(&path, good).expect("a tile");
    }
    assert_eq!(audited(folder.path()).await, []);
}

#[tokio::test]
async fn rules_of_every_ledger_are_checked() {
    let opened_late = vec![entry(1)];
    let opened_twice = vec![entry(0), entry(0)];
    let backwards = vec![entry(0), entry(5), entry(3)];
    let unreadable = vec![entry(0), b"{ }".to_vec()];
    for (entries, named) in [(opened_late, 0), (opened_twice, 1), (backwards, 2), (unreadable, 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        publish(folder.path(), &entries);
        let found = audited(folder.path()).await;
        let index = match &found[..] {
            [
                Finding::Opening { entry, .. }
                | Finding::TimeBackwards { entry, .. }
                | Finding::EntryUnreadable { entry, .. },
            ] => *entry,
            other => panic!("{other:?}"),
        };
        assert_eq!(index, named, "{found:?}");
    }
}

#[tokio::test]
async fn a_ledger_must_begin_with_what_was_signed_earlier() {
    let (old, new) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let entries: Vec<_> = (0..300).map(entry).collect();
    publish(old.path(), &entries[..280]);
    let compare = async |file: &Path| {
        let earlier = Earlier::read(file, &signer().verifier_key()).await.expect("it is signed");
        let (source, checkpoint) = (Source::Directory(new.path().to_owned()), checkpoint(new.path()));
        let stops = Stops { earlier: Some(earlier.checkpoint.size()), rows: None };
        let mut walked = walk(&source, &checkpoint, stops, |_| {}).await.expect("the files are readable");
        earlier
            .compare(checkpoint.size(), walked.earlier_root, &source, &mut walked.findings)
            .await
            .expect("the files are readable");
        walked.findings
    };
    publish(new.path(), &entries);
    assert_eq!(compare(&old.path().join("checkpoint")).await, []);
    assert_eq!(compare(old.path()).await, []);
    let mut rewritten = entries.clone();
    rewritten[7] = entry(8);
    rewritten[8] = entry(8);
    publish(new.path(), &rewritten);
    assert_eq!(compare(&old.path().join("checkpoint")).await, [Finding::HistoryRewritten { before: 280 }]);
    assert_eq!(compare(old.path()).await, [Finding::HistoryRewritten { before: 280 }, Finding::Rewritten { entry: 7 }]);
    publish(new.path(), &entries[..100]);
    assert_eq!(compare(&old.path().join("checkpoint")).await, [Finding::Truncated { size: 100, had: 280 }]);
}

#[tokio::test]
async fn each_entry_can_be_proved() {
    let folder = tempfile::tempdir().expect("a folder");
    publish(folder.path(), &(0..SIZE).map(entry).collect::<Vec<_>>());
    let (source, checkpoint) = (Source::Directory(folder.path().to_owned()), checkpoint(folder.path()));
    let note = fs::read(folder.path().join("checkpoint")).expect("a checkpoint");
    for index in [0, 1, 255, 256, 511, 599] {
        let bytes = read_entry(&source, index, checkpoint.size()).await.expect("it is there");
        assert_eq!(bytes, entry(index));
        let proof = prove(&source, index, &bytes, &note, &checkpoint).await.expect("it can be proved");
        let verified = proof.verify(&bytes, &[signer().verifier_key()]).expect("it verifies");
        assert_eq!(verified.index(), index);
        assert_eq!(proof.unauthenticated_extra(), Some(&bytes[..]));
    }
    assert!(read_entry(&source, SIZE, checkpoint.size()).await.is_err(), "there is no such entry");
}

#[test]
fn moves_are_told_from_losses() {
    let hash = |n: u8| leaf_hash(&[n]);
    let map = |pairs: &[(u64, u8)]| pairs.iter().map(|(index, n)| (*index, hash(*n))).collect::<BTreeMap<_, _>>();
    let logged = map(&[(3, 3), (4, 4), (5, 5)]);
    for (found, expected) in [
        (map(&[(3, 4), (4, 5)]), vec![Finding::EntryDropped { entry: 3, count: 1 }]),
        (map(&[(3, 9), (4, 9), (5, 9)]), (3..6).map(|entry| Finding::EntryChanged { entry }).collect()),
        (
            map(&[(3, 5), (4, 3), (5, 4)]),
            vec![
                Finding::EntryReordered { entry: 3, logged_as: 5 },
                Finding::EntryReordered { entry: 4, logged_as: 3 },
                Finding::EntryReordered { entry: 5, logged_as: 4 },
            ],
        ),
        (map(&[]), vec![Finding::EntryDropped { entry: 3, count: 3 }]),
    ] {
        assert_eq!(classify(&found, &logged), expected);
    }
}
