use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::TileBuilder;
use crate::testing::{leaves, mth, tiles};
use crate::verify::{verify_consistency, verify_inclusion};

/// Ways to spoil a proof; each gives another proof.
fn spoiled(proof: &[Hash], place: Index, bit: u8) -> Vec<Vec<Hash>> {
    let mut longer = proof.to_vec();
    longer.push(longer.last().copied().unwrap_or(Hash::ZERO));
    let mut spoiled = vec![longer];
    if !proof.is_empty() {
        let mut flipped = proof.to_vec();
        let mut bytes = *flipped[place.index(proof.len())].as_bytes();
        bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
        flipped[place.index(proof.len())] = Hash::from_bytes(bytes);
        spoiled.extend([flipped, proof[1..].to_vec(), proof[..proof.len() - 1].to_vec()]);
    }
    spoiled
}

#[test]
fn impossible_requests_and_unreadable_tiles_are_told_apart() {
    let tiles = tiles(&leaves(300));
    let cases = [
        (inclusion_proof(300, 300, &tiles), Impossible::IndexOutOfRange { index: 300, size: 300 }),
        (inclusion_proof(0, 0, &tiles), Impossible::IndexOutOfRange { index: 0, size: 0 }),
        (inclusion_proof(0, u64::MAX, &tiles), Impossible::TreeTooLarge { size: u64::MAX }),
        (consistency_proof(0, 300, &tiles), Impossible::EmptyOldTree),
        (consistency_proof(301, 300, &tiles), Impossible::Shrunk { old_size: 301, new_size: 300 }),
        (consistency_proof(1, u64::MAX, &tiles), Impossible::TreeTooLarge { size: u64::MAX }),
    ];
    for (answer, wanted) in cases {
        assert_eq!(answer, Err(ProveError::Impossible(wanted)));
    }
    let missing = Tile::in_tree(0, 1, 301).unwrap();
    assert_eq!(inclusion_proof(0, 301, &tiles), Err(ProveError::ShortTile { tile: missing, got: 0 }));

    let (short, wide) = (Tile::in_tree(0, 1, 300).unwrap(), Tile::in_tree(0, 1, 301).unwrap());
    let mut damaged = tiles.clone();
    damaged.insert(wide, tiles[&short].clone());
    for index in [0, 300] {
        assert_eq!(inclusion_proof(index, 301, &damaged), Err(ProveError::ShortTile { tile: wide, got: 44 }));
    }
    assert_eq!(TileBuilder::resume(301, &damaged).err(), Some(ProveError::ShortTile { tile: wide, got: 44 }));

    struct Broken;
    impl HashReader for Broken {
        type Error = std::fmt::Error;
        fn read_tile(&self, _: Tile) -> Result<Vec<Hash>, std::fmt::Error> {
            Err(std::fmt::Error)
        }
    }
    let tile = Tile::in_tree(0, 0, 2).unwrap();
    assert_eq!(root_from_tiles(2, &Broken), Err(ProveError::Read { tile, source: std::fmt::Error }));
}

#[test]
fn a_wider_tile_serves_a_smaller_tree() {
    let leaves = leaves(600);
    let grown = tiles(&leaves);
    /// Answers every request with the widest tile of the grown tree.
    struct Widest(BTreeMap<Tile, Vec<Hash>>);
    impl HashReader for Widest {
        type Error = Infallible;
        fn read_tile(&self, tile: Tile) -> Result<Vec<Hash>, Infallible> {
            let widest = Tile::in_tree(tile.level(), tile.index(), 600).unwrap();
            self.0.read_tile(widest)
        }
    }
    let reader = Widest(grown);
    for size in [1, 2, 255, 256, 257, 511, 513, 599, 600] {
        assert_eq!(root_from_tiles(size as u64, &reader).unwrap(), mth(&leaves[..size]), "size {size}");
        let mut resumed = TileBuilder::resume(size as u64, &reader).unwrap();
        leaves[size..].iter().for_each(|leaf| resumed.append(*leaf));
        for (tile, hashes) in resumed.take_tiles() {
            assert_eq!(Some(&hashes), reader.0.get(&tile), "`{tile}` after size {size}");
        }
    }
}

/// Every entry and every pair of sizes of small trees, where all the shapes are.
#[test]
fn all_proofs_of_small_trees() {
    let leaves = leaves(40);
    for new in 1..=leaves.len() {
        let (tiles, root) = (tiles(&leaves[..new]), mth(&leaves[..new]));
        for old in 1..=new {
            let proof = inclusion_proof(old as u64 - 1, new as u64, &tiles).unwrap();
            verify_inclusion(&leaves[old - 1], old as u64 - 1, new as u64, &proof, &root).unwrap();
            let proof = consistency_proof(old as u64, new as u64, &tiles).unwrap();
            verify_consistency(old as u64, &mth(&leaves[..old]), new as u64, &root, &proof).unwrap();
        }
    }
}

/// Three tile levels, which needs more than 65,536 leaves.
#[test]
fn proofs_across_three_tile_levels() {
    let leaves = leaves(70_000);
    let (tiles, root) = (tiles(&leaves), mth(&leaves));
    assert_eq!(root_from_tiles(70_000, &tiles).unwrap(), root);
    for index in [0, 255, 256, 65_535, 65_536, 69_999] {
        let proof = inclusion_proof(index, 70_000, &tiles).unwrap();
        verify_inclusion(&leaves[index as usize], index, 70_000, &proof, &root).unwrap();
    }
    for old in [1, 256, 65_535, 65_536, 65_537, 69_888] {
        // Full tiles only on the way, or the widths of the final tree: a smaller tree's partial tiles are not kept.
        let proof = consistency_proof(old, 70_000, &tiles).unwrap();
        verify_consistency(old, &mth(&leaves[..old as usize]), 70_000, &root, &proof).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn inclusion_proofs_verify_and_spoiled_ones_do_not(
        size in 1usize..1500, entry: Index, other: Index, place: Index, bit: u8,
    ) {
        let leaves = leaves(size);
        let (index, other) = (entry.index(size), other.index(size));
        let (root, size) = (mth(&leaves), size as u64);
        let proof = inclusion_proof(index as u64, size, &tiles(&leaves)).unwrap();
        let verify = |leaf: usize, index: usize, size, proof: &[Hash], root: &Hash| {
            verify_inclusion(&leaves[leaf], index as u64, size, proof, root)
        };
        prop_assert_eq!(verify(index, index, size, &proof, &root), Ok(()));
        for proof in spoiled(&proof, place, bit) {
            prop_assert!(verify(index, index, size, &proof, &root).is_err());
        }
        if other != index {
            prop_assert!(verify(other, index, size, &proof, &root).is_err(), "another entry");
            prop_assert!(verify(index, other, size, &proof, &root).is_err(), "another index");
        }
        prop_assert!(verify(index, index, size, &proof, &leaves[0]).is_err() || size == 1, "another root");
    }

    #[test]
    fn consistency_proofs_verify_and_spoiled_ones_do_not(
        new in 1usize..1500, old: Index, place: Index, bit: u8,
    ) {
        let leaves = leaves(new);
        let old = 1 + old.index(new);
        let (old_root, new_root) = (mth(&leaves[..old]), mth(&leaves));
        let (old, new) = (old as u64, new as u64);
        let proof = consistency_proof(old, new, &tiles(&leaves)).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        for proof in spoiled(&proof, place, bit) {
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &proof).is_err());
        }
        if old != new {
            prop_assert!(verify_consistency(old, &new_root, new, &new_root, &proof).is_err(), "another old root");
            prop_assert!(verify_consistency(old, &old_root, new, &old_root, &proof).is_err(), "another new root");
        }
    }
}
