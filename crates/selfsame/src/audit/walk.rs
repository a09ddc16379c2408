//! [`walk`]: reads every published file once, and recomputes every hash.

use std::collections::BTreeMap;

use bytes::Bytes;
use tlog::{EntryBundle, Frontier, Hash, Tile, TileBuilder, VerifiedCheckpoint, bundles_for, leaf_hash};

use super::{Database, Finding, Source, classify::classify, fold::Fold, shown::folded_rows};
use crate::outcome::Outcome;

/// How many entries that are not what was logged are told apart; more are only counted.
const MISMATCHES_MAX: usize = 10_000;
/// How many findings of one audit are kept.
const FINDINGS_MAX: usize = 1000;

/// What the walk saw.
pub struct Walked {
    /// The fold of the entries.
    pub fold: Fold,
    /// The tree of the entries.
    pub frontier: Frontier,
    /// The rows of the state, as of the size that was asked for.
    pub rows: Option<BTreeMap<String, String>>,
    /// The root as of the earlier size that was asked for.
    pub earlier_root: Option<Hash>,
    /// What does not fit.
    pub findings: Vec<Finding>,
}

/// The sizes at which something is to be remembered.
#[derive(Clone, Copy, Default)]
pub struct Stops {
    /// Where the rows of the state are compared.
    pub rows: Option<u64>,
    /// Where an earlier checkpoint was signed.
    pub earlier: Option<u64>,
}

impl Walked {
    /// Goes on with the entries that a stopped server's database has and had not published yet.
    pub async fn go_on(&mut self, database: &Database, origin: &str) -> Outcome {
        database.go_on(&mut self.fold, &mut self.frontier, origin, &mut self.findings).await?;
        self.rows = Some(folded_rows(&self.fold.state));
        Ok(())
    }
}

struct Walk<'a> {
    source: &'a Source,
    checkpoint: &'a VerifiedCheckpoint,
    stops: Stops,
    seen: Walked,
    builder: TileBuilder,
    /// The tree of the hashes that are published for the entries.
    logged_tree: Frontier,
    /// Entries whose hash is not the published one, and the published hashes of the same places.
    found: BTreeMap<u64, Hash>,
    logged: BTreeMap<u64, Hash>,
    /// Whether every entry so far is what was logged, so that folding and building go on.
    is_sound: bool,
}

/// Reads and recomputes everything up to the checkpoint. `progress` is told how many entries were read.
pub async fn walk(
    source: &Source,
    checkpoint: &VerifiedCheckpoint,
    stops: Stops,
    progress: impl Fn(u64),
) -> Outcome<Walked> {
    let seen = Walked {
        fold: Fold::default(),
        frontier: Frontier::default(),
        rows: None,
        earlier_root: None,
        findings: Vec::new(),
    };
    let mut walk = Walk {
        source,
        checkpoint,
        stops,
        seen,
        builder: TileBuilder::default(),
        logged_tree: Frontier::default(),
        found: BTreeMap::new(),
        logged: BTreeMap::new(),
        is_sound: true,
    };
    walk.stop();
    for bundle in bundles_for(0, checkpoint.size()) {
        walk.take_bundle(&bundle).await?;
        walk.take_tiles().await?;
        progress(bundle.first_entry() + u64::from(bundle.width()));
    }
    Ok(walk.finish())
}

impl Walk<'_> {
    async fn take_bundle(&mut self, bundle: &EntryBundle) -> Outcome {
        let logged = match self.source.tile(&bundle.tile()).await? {
            Ok(hashes) => Some(hashes),
            Err(finding) => {
                self.find(finding);
                None
            }
        };
        for hash in logged.iter().flatten() {
            self.logged_tree.append(*hash);
        }
        let Some(bytes) = self.source.bundle(bundle).await? else {
            self.find(Finding::FileMissing { file: bundle.to_string() });
            return Ok(());
        };
        let (entries, problem) = split(&bytes, usize::from(bundle.width()));
        if let Some(problem) = problem {
            self.find(Finding::FileMalformed { file: bundle.to_string(), problem: problem.into() });
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        self.compare(bundle.first_entry(), &leaves, logged.as_deref());
        for (entry, leaf) in entries.iter().zip(leaves) {
            self.take_entry(entry, leaf);
        }
        Ok(())
    }

    /// Remembers where entries and published hashes differ.
    fn compare(&mut self, first: u64, leaves: &[Hash], logged: Option<&[Hash]>) {
        let Some(logged) = logged else { return };
        for place in 0..leaves.len().max(logged.len()) {
            let (leaf, hash) = (leaves.get(place), logged.get(place));
            if leaf == hash || self.logged.len() >= MISMATCHES_MAX {
                continue;
            }
            self.is_sound = false;
            let index = first + place as u64;
            self.found.extend(leaf.map(|leaf| (index, *leaf)));
            self.logged.extend(hash.map(|hash| (index, *hash)));
        }
    }

    fn take_entry(&mut self, entry: &Bytes, leaf: Hash) {
        let index = self.seen.frontier.size();
        self.seen.frontier.append(leaf);
        self.builder.append(leaf);
        if self.is_sound
            && let Err(finding) = self.seen.fold.take(index, entry, self.checkpoint.origin())
        {
            self.is_sound = false;
            self.find(finding);
        }
        self.stop();
    }

    fn stop(&mut self) {
        let size = self.seen.frontier.size();
        if self.stops.rows == Some(size) && self.is_sound {
            self.seen.rows = Some(folded_rows(&self.seen.fold.state));
        }
        if self.stops.earlier == Some(size) {
            self.seen.earlier_root = Some(self.seen.frontier.root());
        }
    }

    /// Compares the published tiles above the entries' own with what follows from the entries.
    async fn take_tiles(&mut self) -> Outcome {
        if !self.is_sound {
            return Ok(());
        }
        for (tile, hashes) in self.builder.take_tiles() {
            // Only tiles of the tree that was signed are published for sure; level 0 was compared with the entries.
            if tile.level() == 0 || Tile::in_tree(tile.level(), tile.index(), self.checkpoint.size()) != Some(tile) {
                continue;
            }
            match self.source.tile(&tile).await? {
                Err(finding) => self.find(finding),
                Ok(published) => {
                    let wrong = published.iter().zip(&hashes).position(|(one, other)| one != other);
                    if let Some(place) = wrong {
                        let place = tile.index() * u64::from(Tile::FULL_WIDTH) + place as u64;
                        let entry = place << (8 * u32::from(tile.level()));
                        self.find(Finding::TileChanged { file: tile.to_string(), entry });
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Walked {
        let root = self.checkpoint.root();
        let (entries_lead, tiles_lead) = (self.seen.frontier.root() == root, self.logged_tree.root() == root);
        if entries_lead && !self.logged.is_empty() {
            // The signed root says that the entries are right, so the tiles are not.
            let places: Vec<u64> = self.logged.keys().copied().collect();
            for entry in places {
                let tile = Tile::in_tree(0, entry / u64::from(Tile::FULL_WIDTH), self.checkpoint.size());
                let file = tile.map_or_else(|| "tile/0".to_owned(), |tile| tile.to_string());
                self.find(Finding::TileChanged { file, entry });
            }
        } else {
            for finding in classify(&self.found, &self.logged) {
                self.find(finding);
            }
        }
        if !entries_lead && (self.seen.findings.is_empty() || !tiles_lead) {
            self.find(Finding::Root { size: self.checkpoint.size() });
        }
        self.seen
    }

    fn find(&mut self, finding: Finding) {
        self.is_sound &= matches!(finding, Finding::TileChanged { .. });
        if self.seen.findings.len() < FINDINGS_MAX {
            self.seen.findings.push(finding);
        }
    }
}

/// The entries of a bundle as far as they can be read, and what is wrong after them.
fn split(bytes: &Bytes, width: usize) -> (Vec<Bytes>, Option<&'static str>) {
    let (mut entries, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let Some(length) = bytes.get(at..at + 2) else { return (entries, Some("it ends inside an entry")) };
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if at + 2 + length > bytes.len() {
            return (entries, Some("it ends inside an entry"));
        }
        // A full bundle that is read instead of a partial one holds more than was asked for.
        if entries.len() == width {
            break;
        }
        entries.push(bytes.slice(at + 2..at + 2 + length));
        at += 2 + length;
    }
    let problem = (entries.len() < width).then_some("it holds fewer entries than its name says");
    (entries, problem)
}
