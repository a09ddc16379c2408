//! The frontier of a growing tree: all a writer must remember to append the next entry.

use std::fmt;

use crate::hash::{Hash, empty_root, node_hash};

/// The largest tree this crate works with: 2⁶³ − 1 entries, so that a size also fits a signed 64-bit column.
///
/// It bounds an inclusion proof to 63 hashes and a consistency proof to 64.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

const LEVELS: usize = u64::BITS as usize;

/// The compact range of a tree: its size and the roots of the perfect subtrees it is made of.
///
/// Appending and reading the root cost at most 63 hashes each, two on average for an append, and allocate nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// `subtrees[level]` is the root of the perfect subtree of 2^level leaves, present exactly when that bit of `size`
    /// is set. Absent ones are zero, so equal trees compare equal.
    subtrees: [Hash; LEVELS],
}

/// Bytes that are not a frontier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The bytes end inside the size or are not a whole number of hashes.
    #[error("a frontier is 8 bytes of size and whole 32-byte hashes, not {length} bytes; rebuild it from the tiles")]
    Length {
        /// How many bytes were given.
        length: usize,
    },
    /// The number of hashes is not the number of perfect subtrees in a tree of that size.
    #[error("a frontier of size `{size}` has {wanted} hashes, not {got}; rebuild it from the tiles")]
    HashCount {
        /// The size the bytes state.
        size: u64,
        /// How many hashes that size needs.
        wanted: usize,
        /// How many hashes follow it.
        got: usize,
    },
    /// The stated size is above [`MAX_TREE_SIZE`].
    #[error(
        "a tree of `{size}` entries is larger than the limit of {MAX_TREE_SIZE}; rebuild the frontier from the tiles"
    )]
    TooLarge {
        /// The size the bytes state.
        size: u64,
    },
}

impl Frontier {
    /// Adds one leaf at the end of the tree.
    pub fn append(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let full = self.size.trailing_ones() as usize;
        for subtree in &mut self.subtrees[..full] {
            carried = node_hash(subtree, &carried);
            *subtree = Hash::ZERO;
        }
        self.subtrees[full] = carried;
        self.size += 1;
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash of the tree (RFC 6962 `MTH`).
    pub fn root(&self) -> Hash {
        let mut subtrees = levels_of(self.size).map(|level| &self.subtrees[level]);
        let Some(smallest) = subtrees.next() else { return empty_root() };
        subtrees.fold(*smallest, |right, left| node_hash(left, &right))
    }

    /// The frontier as bytes: big-endian `u64` size, then the subtree roots from the largest (leftmost) to the smallest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.size.count_ones() as usize * Hash::LEN);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for level in levels_of(self.size).rev() {
            bytes.extend_from_slice(self.subtrees[level].as_bytes());
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] writes.
    ///
    /// # Errors
    /// [`FrontierError`] when the length does not fit the size, or the size is above [`MAX_TREE_SIZE`]. The hashes
    /// themselves cannot be checked here: compare [`Frontier::root`] with a root you trust.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let wrong_length = FrontierError::Length { length: bytes.len() };
        let Some((size, rest)) = bytes.split_first_chunk::<8>() else { return Err(wrong_length) };
        let (hashes, []) = rest.as_chunks::<{ Hash::LEN }>() else { return Err(wrong_length) };
        let size = u64::from_be_bytes(*size);
        Self::from_subtrees(size, hashes.iter().map(|bytes| Hash::from_bytes(*bytes)))
    }

    /// The frontier of a tree of `size` leaves from its subtree roots, the largest first.
    pub(crate) fn from_subtrees(size: u64, roots: impl ExactSizeIterator<Item = Hash>) -> Result<Self, FrontierError> {
        if size > MAX_TREE_SIZE {
            return Err(FrontierError::TooLarge { size });
        }
        let (wanted, got) = (size.count_ones() as usize, roots.len());
        if wanted != got {
            return Err(FrontierError::HashCount { size, wanted, got });
        }
        let mut frontier = Self { size, ..Self::default() };
        for (level, root) in levels_of(size).rev().zip(roots) {
            frontier.subtrees[level] = root;
        }
        Ok(frontier)
    }
}

/// The levels of the perfect subtrees in a tree of `size` leaves, the smallest first.
fn levels_of(size: u64) -> impl DoubleEndedIterator<Item = usize> {
    (0..LEVELS).filter(move |level| size >> level & 1 == 1)
}

impl Default for Frontier {
    /// The frontier of the tree without entries.
    fn default() -> Self {
        Self { size: 0, subtrees: [Hash::ZERO; LEVELS] }
    }
}

impl fmt::Debug for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frontier {{ size: {}, root: {} }}", self.size, self.root())
    }
}

#[cfg(test)]
mod tests;
