//! [`Published`]: reads the published ledger, and hands out only what follows from the signed checkpoint.
//!
//! The published files are their own check: entries lead to hashes, hashes to the root, and the root is signed. So nothing has to be kept beside
//! them, and a static file server can serve them as they are.

use std::collections::BTreeMap;

use bytes::Bytes;
use tlog::{
    Checkpoint, EntryBundle, Hash, Note, ProveError, Tile, TlogProof, UncheckedTile, VerifiedCheckpoint, VerifierKey,
    checked_tile, leaf_hash,
};

use crate::{Error, ports::Tiles};

/// The published ledger, as far as its key speaks for it.
pub(crate) struct Published<'a> {
    pub tiles: &'a dyn Tiles,
    pub key: &'a VerifierKey,
}

impl Published<'_> {
    /// The file at `path`, checked; `None` if the newest checkpoint covers no such file. A damaged file is an error, and never handed out.
    pub async fn file(&self, path: &str) -> Result<Option<Bytes>, Error> {
        let Some(note) = self.tiles.get("checkpoint").await? else { return Ok(None) };
        let opened = Checkpoint::open(&note, std::slice::from_ref(self.key));
        let checkpoint = opened.map_err(|error| damaged("checkpoint", error.to_string()))?;
        if path == "checkpoint" {
            return Ok(Some(note));
        }
        if let Ok(tile) = path.parse::<Tile>() {
            return self.tile(tile, &checkpoint).await;
        }
        match path.parse::<EntryBundle>() {
            Ok(bundle) => self.bundle(&bundle, &checkpoint).await,
            Err(_) => Ok(None),
        }
    }

    /// The proof that the newest checkpoint covers the entry `bytes` at `index`, with the entry in it.
    pub async fn prove(&self, index: u64, bytes: &[u8]) -> Result<TlogProof, Error> {
        let unproven = |problem: String| Error::broken(format!("prove entry {index}"), problem);
        let note = self.tiles.get("checkpoint").await?.ok_or_else(|| unproven("nothing is published yet".into()))?;
        let note = Note::parse(&note).map_err(|error| damaged("checkpoint", error.to_string()))?;
        let checkpoint = Checkpoint::verify(&note, std::slice::from_ref(self.key));
        let checkpoint = checkpoint.map_err(|error| damaged("checkpoint", error.to_string()))?;
        let mut known = BTreeMap::new();
        let path = loop {
            // A tile that is not there yet reads as empty: it is fetched, and the question asked again.
            match tlog::inclusion_proof(index, checkpoint.size(), &known) {
                Ok(path) => break path,
                Err(ProveError::ShortTile { tile, .. }) if !known.contains_key(&tile) => {
                    known.insert(tile, hashes_of(self.tiles, tile).await?);
                }
                Err(error) => return Err(unproven(error.to_string())),
            }
        };
        let proof = TlogProof::new(index, path, note).and_then(|proof| proof.with_extra(bytes.to_vec()));
        let proof = proof.map_err(|error| unproven(error.to_string()))?;
        proof.verify(bytes, std::slice::from_ref(self.key)).map_err(|error| unproven(error.to_string()))?;
        Ok(proof)
    }

    async fn tile(&self, tile: Tile, checkpoint: &VerifiedCheckpoint) -> Result<Option<Bytes>, Error> {
        if !is_covered(&tile, checkpoint) {
            return Ok(None);
        }
        let Some(bytes) = self.tiles.get(&tile.to_string()).await? else { return Ok(None) };
        let hashes = tile.decode(&bytes).map_err(|error| damaged(tile, error.to_string()))?;
        self.check(tile, hashes, checkpoint).await?;
        Ok(Some(bytes))
    }

    async fn bundle(&self, bundle: &EntryBundle, checkpoint: &VerifiedCheckpoint) -> Result<Option<Bytes>, Error> {
        let tile = bundle.tile();
        if !is_covered(&tile, checkpoint) {
            return Ok(None);
        }
        let Some(bytes) = self.tiles.get(&bundle.to_string()).await? else { return Ok(None) };
        let entries = bundle.decode(&bytes).map_err(|error| damaged(bundle, error.to_string()))?;
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        // The hashes of the entries take the place of the tile: if they lead to the root, so do the entries.
        self.check(tile, leaves, checkpoint).await.map_err(|_| {
            damaged(bundle, "its entries, or the tiles above them, do not lead to the root that was signed".into())
        })?;
        Ok(Some(bytes))
    }

    /// Whether `hashes`, as those of `tile`, lead to the signed root.
    async fn check(&self, tile: Tile, hashes: Vec<Hash>, checkpoint: &VerifiedCheckpoint) -> Result<(), Error> {
        let mut known = BTreeMap::from([(tile, hashes)]);
        loop {
            // A tile that is not there yet reads as empty: it is fetched, and the question asked again.
            match checked_tile(tile, checkpoint.size(), &checkpoint.root(), &known) {
                Ok(_) => return Ok(()),
                Err(UncheckedTile::Read(ProveError::ShortTile { tile, .. })) if !known.contains_key(&tile) => {
                    known.insert(tile, hashes_of(self.tiles, tile).await?);
                }
                Err(error) => return Err(damaged(tile, error.to_string())),
            }
        }
    }
}

/// The hashes of a tile as they are on the disk. A full tile does instead of a partial one, which may have been removed.
pub(crate) async fn hashes_of(tiles: &dyn Tiles, tile: Tile) -> Result<Vec<Hash>, Error> {
    let (found, of) = match tiles.get(&tile.to_string()).await? {
        None if !tile.is_full() => (tiles.get(&tile.full().to_string()).await?, tile.full()),
        found => (found, tile),
    };
    let bytes = found.ok_or_else(|| damaged(tile, "it is missing".into()))?;
    let mut hashes = of.decode(&bytes).map_err(|error| damaged(tile, error.to_string()))?;
    hashes.truncate(usize::from(tile.width()));
    Ok(hashes)
}

/// Whether the signed tree has all of the tile.
fn is_covered(tile: &Tile, checkpoint: &VerifiedCheckpoint) -> bool {
    let whole = Tile::in_tree(tile.level(), tile.index(), checkpoint.size());
    whole.is_some_and(|whole| whole.width() >= tile.width())
}

fn damaged(file: impl std::fmt::Display, problem: String) -> Error {
    Error::broken(
        format!("hand out the ledger's `{file}`"),
        format!("{problem}. Remove `ledger/checkpoint` and start again: all is published anew"),
    )
}
