//! What the tests of several modules share: leaves, the naive tree, and in-memory tiles.

use std::collections::BTreeMap;

use crate::{Hash, Tile, TileBuilder, empty_root, leaf_hash, node_hash};

/// The entry at `index` of the test log: distinct for every index, some of them empty-ish and some longer.
pub(crate) fn entry(index: usize) -> Vec<u8> {
    format!("entry {index}").repeat(1 + index % 3).into_bytes()
}

/// The first `count` leaf hashes of the test log.
pub(crate) fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

/// RFC 6962 `MTH`, word for word: slow, recursive, and independent of the code under test.
pub(crate) fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node_hash(&mth(&leaves[..split]), &mth(&leaves[split..]))
        }
    }
}

/// All tiles of the tree with these leaves, as one write would publish them.
pub(crate) fn tiles(leaves: &[Hash]) -> BTreeMap<Tile, Vec<Hash>> {
    let mut builder = TileBuilder::default();
    leaves.iter().for_each(|leaf| builder.append(*leaf));
    builder.take_tiles().into_iter().collect()
}
