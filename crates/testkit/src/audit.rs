//! [`audit`]: re-verifies the whole ledger, every derived row and every published file, from nothing but the entries.

use std::collections::BTreeMap;

use domain::{Digest, Entry, Event, Key, RepositoryName, State, Timestamp};
use engine::{
    Engine,
    manifest::{self, MANIFEST_BYTES_MAX},
    ports::{Blobs, PartKind, Tier, Tiles},
};
use tlog::{Checkpoint, EntryBundle, Frontier, Tile, VerifierKey, leaf_hash, root_from_tiles};

const CHUNK: usize = 1000;

/// Checks, after any step of any test, that everything which the system shows follows from its ledger.
///
/// # Panics
/// When anything does not: with a sentence that names it.
pub async fn audit(engine: &Engine, verifier: &VerifierKey) {
    let size = engine.size();
    assert!(
        engine.wait_for(size, std::time::Duration::from_secs(20)).await,
        "the views do not catch up with {size} entries"
    );
    let waited = engine.wait_published(size, std::time::Duration::from_secs(20)).await;
    assert!(waited, "the ledger's {size} entries are not published");
    let (state, frontier) = fold(engine).await;
    assert_rows(engine, &state).await;
    assert_published(&*engine.ports().tiles, verifier, &frontier, size).await;
    assert_eq!(
        engine.ports().views.cursor().await.expect("the cursor is readable"),
        size,
        "the views are elsewhere than the ledger"
    );
}

/// Reads every entry, in its one canonical spelling and in order, and folds it.
async fn fold(engine: &Engine) -> (State, Frontier) {
    let ledger = &engine.ports().ledger;
    let (mut state, mut frontier, mut last) = (State::default(), Frontier::default(), Timestamp::default());
    let mut blobs = Named::default();
    loop {
        let chunk = ledger.read(frontier.size(), CHUNK).await.expect("entries are readable");
        if chunk.is_empty() {
            break;
        }
        for bytes in chunk {
            let index = frontier.size();
            let entry = Entry::decode(&bytes).unwrap_or_else(|error| panic!("entry {index}: {error}"));
            assert!(entry.at >= last, "entry {index} is earlier than the one before");
            assert_eq!(matches!(entry.event, Event::LedgerOpened { .. }), index == 0, "a ledger opens once, first");
            blobs.take(index, &entry.event);
            last = entry.at;
            frontier.append(leaf_hash(&bytes));
            state.apply(&entry);
        }
    }
    let head = ledger.head().await.expect("the head is readable");
    assert_eq!(head.frontier, frontier, "the head does not follow from the entries");
    blobs.assert_intact(&*engine.ports().blobs).await;
    (state, frontier)
}

/// The blobs that must be there: documents, and the manifests that were not deleted since, with all that they are made of.
#[derive(Default)]
struct Named {
    documents: BTreeMap<Digest, u64>,
    manifests: BTreeMap<(RepositoryName, Digest), (u64, String)>,
}

impl Named {
    fn take(&mut self, index: u64, event: &Event) {
        match event {
            Event::ManifestPushed { repository, digest, media_type, .. } => {
                self.manifests.insert((repository.clone(), digest.clone()), (index, media_type.clone()));
            }
            Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } => {
                self.manifests.remove(&(repository.clone(), digest.clone()));
            }
            event => self.documents.extend(event.blob().map(|digest| (digest.clone(), index))),
        }
    }

    async fn assert_intact(&self, blobs: &dyn Blobs) {
        let mut wanted: BTreeMap<Digest, String> = BTreeMap::new();
        for (document, index) in &self.documents {
            wanted.insert(document.clone(), format!("which entry {index} names"));
        }
        for ((repository, digest), (index, media_type)) in &self.manifests {
            let bytes = blobs.read(digest, MANIFEST_BYTES_MAX as u64).await.expect("manifests are intact");
            let bytes = bytes.unwrap_or_else(|| panic!("the manifest `{digest}` of entry {index} is missing"));
            let record = manifest::parse(repository, digest, media_type, &bytes).expect("a manifest can be read");
            // A child has an entry of its own; one that was deleted since is not expected.
            for part in record.parts.into_iter().filter(|part| part.kind != PartKind::Child) {
                wanted.entry(part.digest).or_insert_with(|| format!("a part of `{digest}`, which entry {index} names"));
            }
        }
        for (blob, why) in wanted {
            let at_hand = blobs.verify(&blob).await.expect("blobs are readable");
            let intact = match at_hand {
                None => blobs.verify_away(&blob, Tier::Archive).await.expect("the archive is readable"),
                at_hand => at_hand,
            };
            assert_eq!(intact, Some(true), "the blob `{blob}`, {why}, is not intact");
        }
    }
}

async fn assert_rows(engine: &Engine, state: &State) {
    let mut stored = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = engine.ports().ledger.all_rows(after.as_deref(), CHUNK).await.expect("rows are readable");
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        stored.extend(page);
    }
    let folded: BTreeMap<String, Vec<u8>> =
        state.keys().filter_map(|key: Key| Some((key.to_string(), state.row(&key)?))).collect();
    for (key, row) in &folded {
        let found = stored.get(key).map(|row| String::from_utf8_lossy(row));
        assert_eq!(
            found.as_deref(),
            Some(&*String::from_utf8_lossy(row)),
            "the row `{key}` does not follow from the entries"
        );
    }
    let extra: Vec<_> = stored.keys().filter(|key| !folded.contains_key(*key)).collect();
    assert!(extra.is_empty(), "rows that no entry made: {extra:?}");
}

async fn assert_published(tiles: &dyn Tiles, verifier: &VerifierKey, frontier: &Frontier, size: u64) {
    let note = tiles.get("checkpoint").await.expect("the checkpoint is readable").expect("there is a checkpoint");
    let checkpoint =
        Checkpoint::open(&note, std::slice::from_ref(verifier)).expect("the checkpoint is signed by the ledger");
    assert_eq!(
        (checkpoint.size(), checkpoint.root()),
        (size, frontier.root()),
        "the checkpoint is not that of the entries"
    );
    let mut read = BTreeMap::new();
    for tile in tlog::tiles_for(0, size)
        .filter(|tile: &Tile| tile.is_full() || Tile::in_tree(tile.level(), tile.index(), size) == Some(*tile))
    {
        let bytes = tiles.get(&tile.to_string()).await.expect("tiles are readable");
        let bytes = bytes.unwrap_or_else(|| panic!("`{tile}` is not published"));
        read.insert(tile, tile.decode(&bytes).unwrap_or_else(|error| panic!("`{tile}`: {error}")));
    }
    let root = root_from_tiles(size, &read).expect("the root follows from the tiles");
    assert_eq!(root, frontier.root(), "the tiles are not those of the entries");
    for bundle in tlog::bundles_for(0, size) {
        let bytes = tiles.get(&bundle.to_string()).await.expect("bundles are readable");
        let bytes = bytes.unwrap_or_else(|| panic!("`{bundle}` is not published"));
        let entries = EntryBundle::decode(&bundle, &bytes).unwrap_or_else(|error| panic!("`{bundle}`: {error}"));
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let hashes = &read[&bundle.tile()];
        assert_eq!(&leaves[..], &hashes[..leaves.len()], "`{bundle}` holds other entries than the tree");
    }
}
