//! Proofs of single entries, which verify offline.

use std::collections::BTreeMap;

use bytes::Bytes;
use tlog::{EntryBundle, Hash, Note, ProveError, Tile, TlogProof, UncheckedTile, VerifiedCheckpoint};

use super::Source;
use crate::outcome::{Failure, Outcome};

/// The bytes of one entry.
pub async fn read_entry(source: &Source, index: u64, size: u64) -> Outcome<Bytes> {
    let Some((bundle, place)) = EntryBundle::of_entry(index, size) else {
        let text = format!("there is no entry {index}: the checkpoint covers {size} entries");
        return Err(Failure::refused("entry-unknown", text, Some("entries are counted from 0".into())));
    };
    let missing = || Failure::broken(format!("`{bundle}` is missing"));
    let bytes = source.bundle(&bundle).await?.ok_or_else(missing)?;
    let entries = bundle.decode(&bytes).map_err(|error| Failure::broken(error.to_string()))?;
    Ok(Bytes::copy_from_slice(entries[place]))
}

/// The proof that the ledger holds the entry `bytes` at `index`, with the entry in it, checked before it is handed out.
pub async fn prove(
    source: &Source,
    index: u64,
    bytes: &[u8],
    note: &[u8],
    checkpoint: &VerifiedCheckpoint,
) -> Outcome<TlogProof> {
    let broken = |error: &dyn std::error::Error| Failure::broken(format!("entry {index} cannot be proved: {error}"));
    let mut tiles: BTreeMap<Tile, Vec<Hash>> = BTreeMap::new();
    let path = loop {
        // A tile that is not there yet reads as empty: it is fetched, and the question asked again.
        match tlog::inclusion_proof(index, checkpoint.size(), &tiles) {
            Ok(path) => break path,
            Err(ProveError::ShortTile { tile, .. }) if !tiles.contains_key(&tile) => {
                let hashes = source.tile(&tile).await?.map_err(|finding| Failure::broken(finding.to_string()))?;
                tiles.insert(tile, hashes);
            }
            Err(error) => return Err(broken(&error)),
        }
    };
    tlog::verify_inclusion(&tlog::leaf_hash(bytes), index, checkpoint.size(), &path, &checkpoint.root())
        .map_err(|error| broken(&error))?;
    let note = Note::parse(note).map_err(|error| broken(&error))?;
    let proof = TlogProof::new(index, path, note).and_then(|proof| proof.with_extra(bytes.to_vec()));
    proof.map_err(|error| broken(&error))
}

/// Whether the published hashes of `tile` lead to the signed root.
pub(super) async fn leads(source: &Source, tile: Tile, checkpoint: &VerifiedCheckpoint) -> Outcome<bool> {
    let mut tiles: BTreeMap<Tile, Vec<Hash>> = BTreeMap::new();
    loop {
        match tlog::checked_tile(tile, checkpoint.size(), &checkpoint.root(), &tiles) {
            Ok(_) => return Ok(true),
            Err(UncheckedTile::Read(ProveError::ShortTile { tile, .. })) if !tiles.contains_key(&tile) => {
                let Ok(hashes) = source.tile(&tile).await? else { return Ok(false) };
                tiles.insert(tile, hashes);
            }
            Err(_) => return Ok(false),
        }
    }
}
