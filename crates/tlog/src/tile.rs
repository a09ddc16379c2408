//! Tiles: the tree and its entries cut into immutable files (c2sp.org/tlog-tiles).

mod builder;
mod bundle;
mod check;
mod growth;
mod path;

use std::fmt;
use std::str::FromStr;

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::Hash;

pub use builder::{TileBuilder, subtree_root};
pub use bundle::{BundleError, EntryBundle, MAX_ENTRY_BYTES};
pub use check::{UncheckedTile, checked_tile};
pub use growth::{bundles_for, tiles_for};

/// One hash tile: up to 256 neighbouring hashes of one level, each the root of 256^level leaves.
///
/// `Display` and `FromStr` use the path of the specification, `tile/<L>/<N>[.p/<W>]`: for example `tile/0/x001/067` for
/// a full tile and `tile/1/000.p/17` for a partial one. Only the canonical path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Text or numbers that are not a tile, or bytes that are not its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not the canonical path of a tile or bundle.
    #[error("`{path}` is not a tile path; write `tile/<L>/<N>` or `tile/entries/<N>`, with `.p/<W>` for a partial one")]
    Path {
        /// The refused text, cut to its first 64 characters.
        path: String,
    },
    /// Level, index or width is outside what a tile can have.
    #[error("no tile has level {level}, index {index} and width {width}; the limits are 63, 2^55 - 1 and 1 to 256")]
    OutOfRange {
        /// The level asked for.
        level: u8,
        /// The index asked for.
        index: u64,
        /// The width asked for.
        width: u16,
    },
    /// The content has the wrong length for the tile's width.
    #[error("`{tile}` needs {wanted} bytes, not {got}; fetch it again")]
    Length {
        /// The tile.
        tile: Tile,
        /// `width` × 32.
        wanted: usize,
        /// How many bytes there are.
        got: usize,
    },
}

impl Tile {
    /// How many hashes a full tile has.
    pub const FULL_WIDTH: u16 = 256;
    /// The highest level a path can name. No tree of at most [`MAX_TREE_SIZE`] entries has tiles above level 7.
    pub const MAX_LEVEL: u8 = 63;
    pub(crate) const MAX_INDEX: u64 = MAX_TREE_SIZE / Self::FULL_WIDTH as u64;

    /// The tile with these coordinates; `width` is how many hashes it has, 1 to 256.
    ///
    /// # Errors
    /// [`TileError::OutOfRange`].
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > Self::MAX_LEVEL || index > Self::MAX_INDEX || !(1..=Self::FULL_WIDTH).contains(&width) {
            return Err(TileError::OutOfRange { level, index, width });
        }
        Ok(Self { level, index, width })
    }

    /// The tile as it is in a tree of `tree_size` entries, full or partial, or `None` when that tree has none there.
    pub fn in_tree(level: u8, index: u64, tree_size: u64) -> Option<Self> {
        let hashes = tree_size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let first = index.checked_mul(u64::from(Self::FULL_WIDTH))?;
        let width = hashes.saturating_sub(first).min(u64::from(Self::FULL_WIDTH));
        Self::new(level, index, width as u16).ok()
    }

    /// Its level, counted from 0 for leaf hashes.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Its number within the level, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all 256 hashes. Only a full tile is final.
    pub fn is_full(&self) -> bool {
        self.width == Self::FULL_WIDTH
    }

    /// The same tile once it is full.
    pub fn full(&self) -> Self {
        Self { width: Self::FULL_WIDTH, ..*self }
    }

    /// The content of the tile's file: its hashes one after the other.
    ///
    /// # Errors
    /// [`TileError::Length`] unless there are exactly [`Tile::width`] hashes.
    pub fn encode(&self, hashes: &[Hash]) -> Result<Vec<u8>, TileError> {
        self.expect_length(hashes.len() * Hash::LEN)?;
        Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
    }

    /// Reads the content of the tile's file.
    ///
    /// # Errors
    /// [`TileError::Length`] unless there are exactly [`Tile::width`] × 32 bytes.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        self.expect_length(bytes.len())?;
        let (hashes, _) = bytes.as_chunks::<{ Hash::LEN }>();
        Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect())
    }

    fn expect_length(&self, got: usize) -> Result<(), TileError> {
        let wanted = usize::from(self.width) * Hash::LEN;
        if got == wanted { Ok(()) } else { Err(TileError::Length { tile: *self, wanted, got }) }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        path::write_index_and_width(f, self.index, self.width)
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(text: &str) -> Result<Self, TileError> {
        let parse = || {
            let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
            let level = u8::try_from(crate::decimal::parse(level)?).ok()?;
            let (index, width) = path::parse_index_and_width(rest)?;
            Self::new(level, index, width).ok()
        };
        parse().ok_or_else(|| path::refused(text))
    }
}

#[cfg(test)]
mod tests;
