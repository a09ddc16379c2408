//! Entry bundles: the entries themselves, in groups that match the tiles of level 0.

use std::fmt;
use std::str::FromStr;

use super::{Tile, TileError, path};

/// The largest entry a bundle can hold, in bytes: what a 16-bit length can say.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// One bundle of up to 256 neighbouring entries.
///
/// `Display` and `FromStr` use the path of the specification, `tile/entries/<N>[.p/<W>]`. Only the canonical path is
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryBundle {
    index: u64,
    width: u16,
}

/// Entries that do not fit a bundle, or bytes that are not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is longer than [`MAX_ENTRY_BYTES`].
    #[error(
        "entry {place} of `{bundle}` has {length} bytes, more than {MAX_ENTRY_BYTES}; log its digest and store it as a blob"
    )]
    EntryTooLong {
        /// The bundle.
        bundle: EntryBundle,
        /// Place of the entry within the bundle, counted from 0.
        place: usize,
        /// Length of the entry in bytes.
        length: usize,
    },
    /// The bundle has another number of entries than its width says.
    #[error("`{bundle}` holds {got} entries, not the number its path says; fetch it again")]
    EntryCount {
        /// The bundle.
        bundle: EntryBundle,
        /// How many entries were given or found; counting stops one above the width.
        got: usize,
    },
    /// The bytes end inside an entry.
    #[error("`{bundle}` ends inside entry {place}; fetch it again")]
    Truncated {
        /// The bundle.
        bundle: EntryBundle,
        /// Place of the cut entry within the bundle, counted from 0.
        place: usize,
    },
}

impl EntryBundle {
    /// The bundle with these coordinates; `width` is how many entries it has, 1 to 256.
    ///
    /// # Errors
    /// [`TileError::OutOfRange`].
    pub fn new(index: u64, width: u16) -> Result<Self, TileError> {
        Tile::new(0, index, width).map(Self::of_tile)
    }

    /// The bundle that holds entry `entry` (from 0) in a log of `log_size` entries, and the entry's place in it.
    pub fn of_entry(entry: u64, log_size: u64) -> Option<(Self, usize)> {
        if entry >= log_size {
            return None;
        }
        let full = u64::from(Tile::FULL_WIDTH);
        let tile = Tile::in_tree(0, entry / full, log_size)?;
        Some((Self::of_tile(tile), (entry % full) as usize))
    }

    /// The bundle of the entries whose hashes are in a tile of level 0.
    pub(super) fn of_tile(tile: Tile) -> Self {
        Self { index: tile.index, width: tile.width }
    }

    /// Its number, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it has: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all 256 entries. Only a full bundle is final.
    pub fn is_full(&self) -> bool {
        self.width == Tile::FULL_WIDTH
    }

    /// Index of its first entry in the log, counted from 0.
    pub fn first_entry(&self) -> u64 {
        self.index * u64::from(Tile::FULL_WIDTH)
    }

    /// The tile of level 0 that holds the hashes of these entries.
    pub fn tile(&self) -> Tile {
        Tile { level: 0, index: self.index, width: self.width }
    }

    /// The content of the bundle's file: each entry after its big-endian 16-bit length.
    ///
    /// # Errors
    /// [`BundleError`] unless there are exactly [`EntryBundle::width`] entries of at most [`MAX_ENTRY_BYTES`] each.
    pub fn encode<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Vec<u8>, BundleError> {
        if entries.len() != usize::from(self.width) {
            return Err(BundleError::EntryCount { bundle: *self, got: entries.len() });
        }
        let mut bytes = Vec::with_capacity(entries.iter().map(|entry| 2 + entry.as_ref().len()).sum());
        for (place, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
            let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong {
                bundle: *self,
                place,
                length: entry.len(),
            })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        Ok(bytes)
    }

    /// Reads the content of the bundle's file.
    ///
    /// # Errors
    /// [`BundleError`] unless the bytes are exactly [`EntryBundle::width`] whole entries.
    pub fn decode<'a>(&self, mut bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, BundleError> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        while !bytes.is_empty() {
            let place = entries.len();
            if place == usize::from(self.width) {
                return Err(BundleError::EntryCount { bundle: *self, got: place + 1 });
            }
            let cut = BundleError::Truncated { bundle: *self, place };
            let Some((length, rest)) = bytes.split_first_chunk() else { return Err(cut) };
            let Some((entry, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
                return Err(cut);
            };
            entries.push(entry);
            bytes = rest;
        }
        if entries.len() != usize::from(self.width) {
            return Err(BundleError::EntryCount { bundle: *self, got: entries.len() });
        }
        Ok(entries)
    }
}

impl fmt::Display for EntryBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        path::write_index_and_width(f, self.index, self.width)
    }
}

impl FromStr for EntryBundle {
    type Err = TileError;

    fn from_str(text: &str) -> Result<Self, TileError> {
        let parse = || {
            let (index, width) = path::parse_index_and_width(text.strip_prefix("tile/entries/")?)?;
            Self::new(index, width).ok()
        };
        parse().ok_or_else(|| path::refused(text))
    }
}
