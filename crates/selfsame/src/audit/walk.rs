//! [`walk`]: reads every published file once, and recomputes every hash.

use std::{collections::BTreeMap, ops::Range};

use bytes::Bytes;
use tlog::{EntryBundle, Frontier, Hash, Tile, TileBuilder, VerifiedCheckpoint, bundles_for, leaf_hash};

use super::{Database, Finding, Source, classify::classify, fold::Fold, proof::leads, shown::folded_rows};
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
    pub async fn go_on(&mut self, database: &Database, origin: &str) {
        let went = database.go_on(&mut self.fold, &mut self.frontier, origin, &mut self.findings).await;
        if let Err(trouble) = went {
            self.findings.push(Finding::Database { problem: trouble.to_string() });
        }
        self.rows = Some(folded_rows(&self.fold.state));
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
    /// Hashes above the entries' own that do not follow from the entries: their tile, and their place in it.
    above: Vec<(Tile, u64)>,
    /// Whether every entry so far is what was logged, so that folding and building go on.
    is_sound: bool,
    /// Whether every entry so far could be read.
    has_entries: bool,
    /// Whether every published hash of an entry so far could be read.
    has_hashes: bool,
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
        above: Vec::new(),
        is_sound: true,
        has_entries: true,
        has_hashes: true,
    };
    walk.stop();
    for bundle in bundles_for(0, checkpoint.size()) {
        walk.take_bundle(&bundle).await?;
        walk.take_tiles().await?;
        progress(bundle.first_entry() + u64::from(bundle.width()));
    }
    walk.finish().await
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
        self.has_hashes &= logged.is_some();
        for hash in logged.iter().flatten() {
            self.logged_tree.append(*hash);
        }
        let (first, width) = (bundle.first_entry(), usize::from(bundle.width()));
        let Some(bytes) = self.source.bundle(bundle).await? else {
            self.find(Finding::EntriesMissing { file: bundle.to_string(), entry: first, count: width as u64 });
            self.go_without(0..width, logged.as_deref());
            return Ok(());
        };
        let (entries, problem) = split(&bytes, width);
        if let Some(problem) = problem {
            self.find(Finding::FileMalformed { file: bundle.to_string(), problem: problem.into() });
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        self.compare(first, &leaves, logged.as_deref());
        for (entry, leaf) in entries.iter().zip(leaves) {
            self.take_entry(entry, leaf);
        }
        self.go_without(entries.len()..width, logged.as_deref());
        Ok(())
    }

    /// Takes the published hashes of entries that cannot be read, so that those behind them keep their places.
    fn go_without(&mut self, places: Range<usize>, logged: Option<&[Hash]>) {
        for place in places {
            self.has_entries = false;
            let leaf = logged.and_then(|logged| logged.get(place)).copied().unwrap_or_else(tlog::empty_root);
            self.seen.frontier.append(leaf);
            self.builder.append(leaf);
        }
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
        if self.stops.earlier == Some(size) && self.has_entries {
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
                    let room = FINDINGS_MAX.saturating_sub(self.above.len());
                    let wrong = (0_u64..).zip(published.iter().zip(&hashes)).filter(|(_, (one, other))| one != other);
                    self.above.extend(wrong.map(|(place, _)| (tile, place)).take(room));
                }
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Outcome<Walked> {
        let root = self.checkpoint.root();
        let entries_lead = self.has_entries && self.seen.frontier.root() == root;
        let tiles_lead = self.has_hashes && self.logged_tree.root() == root;
        if entries_lead {
            // The signed root says that the entries are right, so the tiles are not.
            let width = u64::from(Tile::FULL_WIDTH);
            let places: Vec<u64> = self.logged.keys().copied().collect();
            for entry in places {
                let tile = Tile::in_tree(0, entry / width, self.checkpoint.size());
                let file = tile.map_or_else(|| "tile/0".to_owned(), |tile| tile.to_string());
                self.find(Finding::TileChanged { file, entry });
            }
            for (tile, place) in std::mem::take(&mut self.above) {
                self.find(Finding::TileChanged { file: tile.to_string(), entry: below(tile, place).0 });
            }
        } else {
            for finding in classify(&self.found, &self.logged) {
                self.find(finding);
            }
            self.narrow_down().await?;
        }
        let has_all = self.has_entries && self.has_hashes;
        let is_told = |finding: &Finding| matches!(finding, Finding::EntriesChanged { .. });
        let is_told = self.seen.findings.iter().any(is_told);
        if !entries_lead && (self.seen.findings.is_empty() || (has_all && !tiles_lead && !is_told)) {
            self.find(Finding::Root { size: self.checkpoint.size() });
        }
        Ok(self.seen)
    }

    /// Where entries were changed together with their hashes, but not the hashes above, those still lead to the root, and say where.
    async fn narrow_down(&mut self) -> Outcome {
        let mut told: Vec<Range<u64>> = Vec::new();
        // The lower the tile, the fewer entries its hashes stand for.
        self.above.sort_unstable();
        for (tile, place) in std::mem::take(&mut self.above) {
            let (entry, count) = below(tile, place);
            let end = self.checkpoint.size().min(entry.saturating_add(count));
            if told.iter().any(|told| entry <= told.start && told.end <= end)
                || !leads(self.source, tile, self.checkpoint).await?
            {
                continue;
            }
            told.push(entry..end);
            self.find(Finding::EntriesChanged { entry, count: end - entry });
        }
        Ok(())
    }

    fn find(&mut self, finding: Finding) {
        self.is_sound &= matches!(finding, Finding::TileChanged { .. });
        if self.seen.findings.len() < FINDINGS_MAX {
            self.seen.findings.push(finding);
        }
    }
}

/// The first entry that the hash at a place of a tile stands for, and how many.
fn below(tile: Tile, place: u64) -> (u64, u64) {
    let bits = 8 * u32::from(tile.level());
    ((tile.index() * u64::from(Tile::FULL_WIDTH) + place) << bits, 1 << bits)
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
