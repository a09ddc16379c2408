//! Checking Merkle proofs (RFC 6962, sections 2.1.1 and 2.1.2; algorithms of RFC 9162, section 2.1).

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{Hash, node_hash};

/// Why a proof does not prove what it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The entry lies outside the tree.
    #[error("entry `{index}` is not in a tree of `{size}` entries; ask for a proof in a newer tree")]
    IndexOutOfRange {
        /// Index of the entry, counted from 0.
        index: u64,
        /// Size of the tree, in entries.
        size: u64,
    },
    /// The old tree has no entries. Every tree extends the empty one, so such a proof would say nothing.
    #[error(
        "nothing can be proved about the empty tree; accept the first tree on trust or compare it with a pinned root"
    )]
    EmptyOldTree,
    /// The tree shrank.
    #[error(
        "the new tree of `{new_size}` entries is smaller than the old one of `{old_size}`; the log was rolled back or the arguments are swapped"
    )]
    Shrunk {
        /// Size of the old tree, in entries.
        old_size: u64,
        /// Size of the new tree, in entries.
        new_size: u64,
    },
    /// A tree is larger than [`MAX_TREE_SIZE`].
    #[error("a tree of `{size}` entries is larger than the limit of {MAX_TREE_SIZE}")]
    TreeTooLarge {
        /// The size asked about.
        size: u64,
    },
    /// A proof for these sizes has exactly `wanted` hashes.
    #[error("the proof has {got} hashes where {wanted} are needed; fetch the proof again")]
    WrongLength {
        /// The only possible length.
        wanted: usize,
        /// The length given.
        got: usize,
    },
    /// The proof leads to another old root: the new tree does not begin with the old one.
    #[error("the proof leads to old root `{computed}`, not to `{expected}`; the log may have been rewritten")]
    OldRootMismatch {
        /// The old root that was to be proved.
        expected: Hash,
        /// The old root the proof leads to.
        computed: Hash,
    },
    /// The proof leads to another root.
    #[error(
        "the proof leads to root `{computed}`, not to `{expected}`; the entry, the index or the proof is not of this tree"
    )]
    RootMismatch {
        /// The root that was to be proved.
        expected: Hash,
        /// The root the proof leads to.
        computed: Hash,
    },
}

/// Checks that the entry with `leaf_hash` is number `index` (from 0) of the tree of `size` entries with this `root`.
///
/// # Errors
/// [`ProofError`]; the proof must have exactly the length that `index` and `size` require, at most 63 hashes.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if size > MAX_TREE_SIZE {
        return Err(ProofError::TreeTooLarge { size });
    }
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let path = Path::to(index, size);
    let wanted = path.inner + path.border;
    if proof.len() != wanted {
        return Err(ProofError::WrongLength { wanted, got: proof.len() });
    }
    let (inner, border) = proof.split_at(path.inner);
    let computed = chain_border(chain_inner(*leaf_hash, inner, index), border);
    expect_root(root, computed)
}

/// Checks that the tree of `new_size` entries with `new_root` begins with the tree of `old_size` entries with `old_root`.
///
/// # Errors
/// [`ProofError`]; the proof must have exactly the length that the sizes require, at most 64 hashes, and none when the
/// sizes are equal. An `old_size` of 0 is refused, because such a proof says nothing ([`ProofError::EmptyOldTree`]).
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if new_size > MAX_TREE_SIZE {
        return Err(ProofError::TreeTooLarge { size: new_size });
    }
    if new_size < old_size {
        return Err(ProofError::Shrunk { old_size, new_size });
    }
    if old_size == 0 {
        return Err(ProofError::EmptyOldTree);
    }
    if old_size == new_size {
        expect_length(0, proof)?;
        return expect_root(old_root, *new_root);
    }
    // The proof climbs from the last perfect subtree of the old tree. When the old tree is itself perfect, that subtree
    // is the old tree, and its root is known rather than part of the proof.
    let shift = old_size.trailing_zeros();
    let path = Path::to(old_size - 1, new_size);
    let inner_length = path.inner - shift as usize;
    let (seed, rest) = if old_size.is_power_of_two() {
        expect_length(inner_length + path.border, proof)?;
        (*old_root, proof)
    } else {
        expect_length(1 + inner_length + path.border, proof)?;
        (proof[0], &proof[1..])
    };
    let (inner, border) = rest.split_at(inner_length);
    let mask = (old_size - 1) >> shift;
    let computed_old = chain_border(chain_inner_right(seed, inner, mask), border);
    if computed_old != *old_root {
        return Err(ProofError::OldRootMismatch { expected: *old_root, computed: computed_old });
    }
    expect_root(new_root, chain_border(chain_inner(seed, inner, mask), border))
}

fn expect_length(wanted: usize, proof: &[Hash]) -> Result<(), ProofError> {
    if proof.len() == wanted { Ok(()) } else { Err(ProofError::WrongLength { wanted, got: proof.len() }) }
}

fn expect_root(expected: &Hash, computed: Hash) -> Result<(), ProofError> {
    if computed == *expected { Ok(()) } else { Err(ProofError::RootMismatch { expected: *expected, computed }) }
}

/// The shape of the way from a leaf to the root.
struct Path {
    /// Steps below the point where the way meets the right edge of the tree; the sibling can be on either side.
    inner: usize,
    /// Steps along the right edge, where a sibling is always on the left.
    border: usize,
}

impl Path {
    /// The way from leaf `index` in a tree of `size`, where `index < size`.
    fn to(index: u64, size: u64) -> Self {
        let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
        let border = index.checked_shr(inner).unwrap_or(0).count_ones();
        Self { inner: inner as usize, border: border as usize }
    }
}

/// Climbs with siblings on the side that the bits of `index` tell.
fn chain_inner(seed: Hash, proof: &[Hash], index: u64) -> Hash {
    proof.iter().enumerate().fold(seed, |hash, (level, sibling)| {
        if index >> level & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    })
}

/// Climbs with the left siblings only: what the tree was before anything to the right existed.
fn chain_inner_right(seed: Hash, proof: &[Hash], index: u64) -> Hash {
    let left_siblings = proof.iter().enumerate().filter(|(level, _)| index >> level & 1 == 1);
    left_siblings.fold(seed, |hash, (_, sibling)| node_hash(sibling, &hash))
}

fn chain_border(seed: Hash, proof: &[Hash]) -> Hash {
    proof.iter().fold(seed, |hash, sibling| node_hash(sibling, &hash))
}

#[cfg(test)]
mod tests;
