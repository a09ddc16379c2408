//! Entries as they were written by earlier versions, one of each kind. They must be readable for ever, and their leaves must never change.
//!
//! A new kind of event gets a new file: its canonical bytes in `golden/NAME.json`, and a line `LEAF NAME` in `golden/INDEX`. A file that
//! is there is never edited.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use domain::{Digest, Entry, Event};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder()).expect("the folder of golden entries");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let named = files.map(|path| {
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("a file"))
    });
    named.collect()
}

/// Every kind of event that can be read, as the parser itself lists them.
fn kinds() -> BTreeSet<String> {
    let unknown = serde_json::from_str::<Event>(r#"{"type":"no-such-event"}"#).expect_err("no such event").to_string();
    unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// The leaf hash of RFC 6962, 2.1: SHA-256 of a zero byte and the entry.
fn leaf(bytes: &[u8]) -> String {
    let leaf: Vec<u8> = std::iter::once(0).chain(bytes.iter().copied()).collect();
    Digest::sha256(&leaf).hex().to_owned()
}

#[test]
fn every_kind_of_event_has_a_golden_entry() {
    assert_eq!(kinds().len(), 30, "{:?}", kinds());
    let covered: BTreeSet<String> =
        files().values().map(|bytes| Entry::decode(bytes).expect("an entry").event.name().to_owned()).collect();
    assert_eq!(covered, kinds());
}

#[test]
fn golden_entries_are_read_and_written_the_same() {
    for (name, bytes) in files() {
        let entry = Entry::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(String::from_utf8(entry.encode()), String::from_utf8(bytes), "{name}");
        assert!(
            name == entry.event.name() || name.starts_with(&format!("{}-", entry.event.name())),
            "{name} is {}",
            entry.event.name()
        );
    }
}

#[test]
fn golden_leaves_never_change() {
    let index = fs::read_to_string(folder().join("INDEX")).expect("the index of golden entries");
    let listed: BTreeMap<_, _> = index
        .lines()
        .map(|line| line.split_once(' ').expect("LEAF NAME"))
        .map(|(leaf, name)| (name.to_owned(), leaf.to_owned()))
        .collect();
    let found: BTreeMap<_, _> = files().into_iter().map(|(name, bytes)| (name, leaf(&bytes))).collect();
    assert_eq!(found, listed);
}
