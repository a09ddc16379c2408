//! Checking a tile against a signed root, from nothing but the tiles above it.

use super::{Tile, subtree_root};
use crate::hash::Hash;
use crate::prove::{HashReader, ProveError, root_from_tiles};

/// Why the hashes of a tile are not believed.
#[derive(Debug, thiserror::Error)]
pub enum UncheckedTile<E: std::error::Error + 'static> {
    /// The tree has no such tile, or not that much of it.
    #[error("`{tile}` is not in a tree of `{size}` entries")]
    NotInTree {
        /// The tile.
        tile: Tile,
        /// Size of the tree, in entries.
        size: u64,
    },
    /// The tile, or one on the way to the root, holds other hashes than those that the root was signed over.
    #[error("`{tile}` does not lead to the root that was signed")]
    Changed {
        /// The tile whose hashes do not follow from those above it.
        tile: Tile,
    },
    /// A tile on the way to the root could not be read.
    #[error(transparent)]
    Read(#[from] ProveError<E>),
}

/// The hashes of `tile`, which are those that `root` was signed over for the tree of `size` entries.
///
/// A full tile is checked against its hash in the tile above it, and so on up to the right edge of the tree; the tiles of the edge are checked
/// together, since the root follows from them. A partial tile of an earlier tree is checked against the wider one of this tree. So at most one
/// full and one partial tile per level are read.
///
/// # Errors
/// [`UncheckedTile`].
pub fn checked_tile<R: HashReader + ?Sized>(
    tile: Tile,
    size: u64,
    root: &Hash,
    reader: &R,
) -> Result<Vec<Hash>, UncheckedTile<R::Error>> {
    let own = read(tile, reader)?;
    let whole = Tile::in_tree(tile.level(), tile.index(), size).filter(|whole| whole.width() >= tile.width());
    let whole = whole.ok_or(UncheckedTile::NotInTree { tile, size })?;
    let hashes = if whole == tile { own.clone() } else { read(whole, reader)? };
    if !hashes.starts_with(&own) {
        return Err(UncheckedTile::Changed { tile });
    }
    let follows = match <&[Hash; Tile::FULL_WIDTH as usize]>::try_from(hashes.as_slice()) {
        Ok(full) => {
            let above = Tile::in_tree(tile.level() + 1, tile.index() / u64::from(Tile::FULL_WIDTH), size);
            let above = above.ok_or(UncheckedTile::NotInTree { tile, size })?;
            let place = (tile.index() % u64::from(Tile::FULL_WIDTH)) as usize;
            checked_tile(above, size, root, reader)?[place] == subtree_root(full)
        }
        Err(_) => root_from_tiles(size, reader)? == *root,
    };
    if follows { Ok(own) } else { Err(UncheckedTile::Changed { tile }) }
}

/// The hashes of `tile`, exactly as many as it has.
pub(super) fn read<R: HashReader + ?Sized>(tile: Tile, reader: &R) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let mut hashes = reader.read_tile(tile).map_err(|source| ProveError::Read { tile, source })?;
    if hashes.len() < usize::from(tile.width()) {
        return Err(ProveError::ShortTile { tile, got: hashes.len() });
    }
    hashes.truncate(usize::from(tile.width()));
    Ok(hashes)
}
