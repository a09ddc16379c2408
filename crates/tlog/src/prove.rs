//! Making Merkle proofs from tiles (RFC 6962, sections 2.1.1 and 2.1.2).
//!
//! What is made here is only as true as the tiles: a proof from damaged tiles is well-formed and fails to verify.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;

use crate::frontier::{Frontier, MAX_TREE_SIZE};
use crate::hash::{Hash, node_hash};
use crate::tile::Tile;

/// Where the hash tiles of a log are read from.
///
/// A tree of a given size has partial tiles on its right edge. A log that has grown may have replaced a partial tile by
/// a wider one, so a reader may answer with more hashes than [`Tile::width`]: the first ones count, since a tile only
/// ever grows at its end. Fewer are an error. Within one call of this module each tile is read at most once.
pub trait HashReader {
    /// Why a tile could not be read.
    type Error: Error + 'static;

    /// The hashes of `tile`, at least [`Tile::width`] of them.
    ///
    /// # Errors
    /// Whatever keeps the tile from being read; a missing tile is an error.
    fn read_tile(&self, tile: Tile) -> Result<Vec<Hash>, Self::Error>;
}

/// Tiles in memory, for tests and small logs. A tile that is absent reads as empty.
impl HashReader for BTreeMap<Tile, Vec<Hash>> {
    type Error = Infallible;

    fn read_tile(&self, tile: Tile) -> Result<Vec<Hash>, Infallible> {
        Ok(self.get(&tile).cloned().unwrap_or_default())
    }
}

/// A question without an answer, whatever the tiles say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The entry lies outside the tree.
    #[error("entry `{index}` is not in a tree of `{size}` entries; ask again with a larger tree")]
    IndexOutOfRange {
        /// Index of the entry, counted from 0.
        index: u64,
        /// Size of the tree, in entries.
        size: u64,
    },
    /// The old tree is empty: there is nothing to prove, and no verifier accepts such a proof.
    #[error("no consistency proof starts at the empty tree; ask for an old size of at least 1")]
    EmptyOldTree,
    /// The old tree is larger than the new one.
    #[error("a tree of `{new_size}` entries cannot extend one of `{old_size}`; swap the sizes or ask again later")]
    Shrunk {
        /// Size of the old tree, in entries.
        old_size: u64,
        /// Size of the new tree, in entries.
        new_size: u64,
    },
    /// The tree is larger than [`MAX_TREE_SIZE`].
    #[error("a tree of `{size}` entries is larger than the limit of {MAX_TREE_SIZE}")]
    TreeTooLarge {
        /// The size asked about.
        size: u64,
    },
}

/// Why no proof could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E: Error + 'static> {
    /// The question itself has no answer. Asking again does not help.
    #[error(transparent)]
    Impossible(#[from] Impossible),
    /// The reader failed.
    #[error("cannot read `{tile}`")]
    Read {
        /// The tile that was to be read.
        tile: Tile,
        /// What the reader said.
        source: E,
    },
    /// The reader returned fewer hashes than the tile has.
    #[error(
        "`{tile}` holds {got} hashes, fewer than the tree needs; restore it from a mirror or rebuild it from the entries"
    )]
    ShortTile {
        /// The tile that was read.
        tile: Tile,
        /// How many hashes came.
        got: usize,
    },
}

/// The sibling hashes that prove entry `index` (from 0) to be in the tree of `size` entries, from the leaf to the root.
///
/// # Errors
/// [`ProveError::Impossible`] when `index >= size`; otherwise whatever was wrong with a tile.
pub fn inclusion_proof<R: HashReader + ?Sized>(
    index: u64,
    size: u64,
    reader: &R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let mut tree = TreeReader::new(size, reader)?;
    if index >= size {
        return Err(Impossible::IndexOutOfRange { index, size }.into());
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(tree.range(middle, end)?);
            end = middle;
        } else {
            proof.push(tree.range(start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that prove the tree of `new_size` entries to begin with the tree of `old_size`; none when they are equal.
///
/// # Errors
/// [`ProveError::Impossible`] when `old_size` is 0 or above `new_size`; otherwise whatever was wrong with a tile.
pub fn consistency_proof<R: HashReader + ?Sized>(
    old_size: u64,
    new_size: u64,
    reader: &R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let mut tree = TreeReader::new(new_size, reader)?;
    if old_size > new_size {
        return Err(Impossible::Shrunk { old_size, new_size }.into());
    }
    if old_size == 0 {
        return Err(Impossible::EmptyOldTree.into());
    }
    let (mut start, mut end) = (0, new_size);
    let mut proof = Vec::new();
    while old_size != end {
        let middle = start + split(end - start);
        if old_size <= middle {
            proof.push(tree.range(middle, end)?);
            end = middle;
        } else {
            proof.push(tree.range(start, middle)?);
            start = middle;
        }
    }
    // Reaching the old tree's end without a step to the right means the old tree is one perfect subtree: the verifier
    // knows its root already.
    if start != 0 {
        proof.push(tree.range(start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of `size` entries.
///
/// # Errors
/// Whatever was wrong with a tile, or a `size` above [`MAX_TREE_SIZE`].
pub fn root_from_tiles<R: HashReader + ?Sized>(size: u64, reader: &R) -> Result<Hash, ProveError<R::Error>> {
    Ok(Frontier::from_tiles(size, reader)?.root())
}

impl Frontier {
    /// Rebuilds the frontier of the tree of `size` entries from its tiles, reading one tile per level at most.
    ///
    /// # Errors
    /// Whatever was wrong with a tile, or a `size` above [`MAX_TREE_SIZE`].
    pub fn from_tiles<R: HashReader + ?Sized>(size: u64, reader: &R) -> Result<Self, ProveError<R::Error>> {
        let mut tree = TreeReader::new(size, reader)?;
        let mut roots = Vec::with_capacity(size.count_ones() as usize);
        let mut start = 0;
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            roots.push(tree.perfect(level, start)?);
            start += 1 << level;
        }
        Self::from_subtrees(size, roots.into_iter()).map_err(|_| Impossible::TreeTooLarge { size }.into())
    }
}

/// The largest power of two below `size`, where RFC 6962 splits a tree; `size` is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Reads subtree hashes of one tree, remembering the tiles of one call.
struct TreeReader<'a, R: HashReader + ?Sized> {
    size: u64,
    reader: &'a R,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

impl<'a, R: HashReader + ?Sized> TreeReader<'a, R> {
    fn new(size: u64, reader: &'a R) -> Result<Self, Impossible> {
        if size > MAX_TREE_SIZE {
            return Err(Impossible::TreeTooLarge { size });
        }
        Ok(Self { size, reader, tiles: BTreeMap::new() })
    }

    /// `MTH(D[start:end])` for a range that RFC 6962 splitting leads to: perfect, or reaching the right edge.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, ProveError<R::Error>> {
        let length = end - start;
        if length.is_power_of_two() {
            return self.perfect(length.ilog2(), start);
        }
        let middle = start + split(length);
        let left = self.range(start, middle)?;
        let right = self.range(middle, end)?;
        Ok(node_hash(&left, &right))
    }

    /// The root of the perfect subtree of `2^level` leaves that begins at leaf `start`, a multiple of its length.
    fn perfect(&mut self, level: u32, start: u64) -> Result<Hash, ProveError<R::Error>> {
        let tile_level = level / 8;
        let first = start >> (8 * tile_level);
        let (index, offset) = (first / u64::from(Tile::FULL_WIDTH), first % u64::from(Tile::FULL_WIDTH));
        // The subtree lies inside the tree, so its tile exists; the alternative cannot be reached.
        let tile = Tile::in_tree(tile_level as u8, index, self.size)
            .ok_or(Impossible::IndexOutOfRange { index: start, size: self.size })?;
        let hashes = self.tile(tile)?;
        let offset = offset as usize;
        let mut row = hashes[offset..offset + (1 << (level % 8))].to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        Ok(row[0])
    }

    fn tile(&mut self, tile: Tile) -> Result<&[Hash], ProveError<R::Error>> {
        if !self.tiles.contains_key(&tile) {
            let hashes = self.reader.read_tile(tile).map_err(|source| ProveError::Read { tile, source })?;
            if hashes.len() < usize::from(tile.width()) {
                return Err(ProveError::ShortTile { tile, got: hashes.len() });
            }
            self.tiles.insert(tile, hashes);
        }
        Ok(&self.tiles[&tile])
    }
}

#[cfg(test)]
mod tests;
