//! Growing the tiles of a tree leaf by leaf.

use super::{Tile, check::read};
use crate::hash::{Hash, node_hash};
use crate::prove::{HashReader, Impossible, ProveError};
use crate::tile::growth::tiles_for;

/// The root of the subtree below a full tile: the hash that stands for it in the tile one level up.
pub fn subtree_root(hashes: &[Hash; Tile::FULL_WIDTH as usize]) -> Hash {
    let mut row = *hashes;
    let mut width = row.len();
    while width > 1 {
        width /= 2;
        for place in 0..width {
            row[place] = node_hash(&row[2 * place], &row[2 * place + 1]);
        }
    }
    row[0]
}

/// The right edge of a tiled tree: takes leaves and gives the tiles to publish.
///
/// Between two calls of [`TileBuilder::take_tiles`] it holds every tile completed since, so take them at each commit.
#[derive(Debug, Clone, Default)]
pub struct TileBuilder {
    size: u64,
    taken_size: u64,
    /// The hashes of the partial tile of each level, at most 255.
    edge: Vec<Vec<Hash>>,
    /// Tiles completed since they were last taken.
    completed: Vec<(Tile, Vec<Hash>)>,
}

impl TileBuilder {
    /// Continues a tree of `size` entries whose tiles are published, reading one partial tile per level.
    ///
    /// # Errors
    /// Whatever was wrong with a tile, or a `size` above [`MAX_TREE_SIZE`](crate::MAX_TREE_SIZE).
    pub fn resume<R: HashReader + ?Sized>(size: u64, reader: &R) -> Result<Self, ProveError<R::Error>> {
        if size > crate::MAX_TREE_SIZE {
            return Err(Impossible::TreeTooLarge { size }.into());
        }
        let mut edge = Vec::new();
        let mut hashes = size;
        while hashes > 0 {
            let level = edge.len() as u8;
            let tile = Tile::in_tree(level, hashes / u64::from(Tile::FULL_WIDTH), size);
            edge.push(tile.map_or(Ok(Vec::new()), |tile| read(tile, reader))?);
            hashes /= u64::from(Tile::FULL_WIDTH);
        }
        Ok(Self { size, taken_size: size, edge, completed: Vec::new() })
    }

    /// Adds one leaf at the end of the tree.
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        self.size += 1;
        for level in 0.. {
            if level == self.edge.len() {
                self.edge.push(Vec::new());
            }
            let partial = &mut self.edge[level];
            partial.push(hash);
            let Ok(full) = <&[Hash; Tile::FULL_WIDTH as usize]>::try_from(partial.as_slice()) else { return };
            hash = subtree_root(full);
            let index = (self.size >> (8 * (level + 1))) - 1;
            let tile = Tile { level: level as u8, index, width: Tile::FULL_WIDTH };
            self.completed.push((tile, std::mem::take(partial)));
        }
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Every tile that must be written since the last call, with its hashes: exactly those of [`tiles_for`].
    pub fn take_tiles(&mut self) -> Vec<(Tile, Vec<Hash>)> {
        let mut tiles = std::mem::take(&mut self.completed);
        let partial = tiles_for(self.taken_size, self.size).filter(|tile| !tile.is_full());
        tiles.extend(partial.map(|tile| (tile, self.edge[usize::from(tile.level())].clone())));
        self.taken_size = self.size;
        tiles
    }
}
