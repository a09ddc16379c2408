use proptest::prelude::*;

use super::*;
use crate::testing::{leaves, mth};

/// Roots of the eight reference leaves of the certificate transparency test suite, for trees of 0 to 8 of them.
#[test]
fn known_roots() {
    let entries: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!((frontier.size(), frontier.root().to_string()), (size as u64, (*root).to_owned()));
        if let Some(entry) = entries.get(size) {
            frontier.append(crate::leaf_hash(entry));
        }
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let with_hashes = |size: u64, count: usize| [size.to_be_bytes().to_vec(), vec![1; 32 * count]].concat();
    let cases = [
        (vec![], FrontierError::Length { length: 0 }),
        (vec![0; 7], FrontierError::Length { length: 7 }),
        (vec![0; 9], FrontierError::Length { length: 9 }),
        (with_hashes(0, 1), FrontierError::HashCount { size: 0, wanted: 0, got: 1 }),
        (with_hashes(3, 1), FrontierError::HashCount { size: 3, wanted: 2, got: 1 }),
        (with_hashes(4, 3), FrontierError::HashCount { size: 4, wanted: 1, got: 3 }),
        (with_hashes(1 << 63, 1), FrontierError::TooLarge { size: 1 << 63 }),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(Frontier::from_bytes(&bytes), Err(wanted));
    }
}

#[test]
fn the_largest_frontier_is_read_and_has_a_root() {
    let bytes = [MAX_TREE_SIZE.to_be_bytes().to_vec(), vec![9; 63 * 32]].concat();
    let frontier = Frontier::from_bytes(&bytes).unwrap();
    assert_eq!(frontier.to_bytes(), bytes);
    assert_ne!(frontier.root(), empty_root());
}

proptest! {
    #[test]
    fn root_is_the_recursive_merkle_tree_hash(size in 0usize..1200) {
        let leaves = leaves(size);
        let mut frontier = Frontier::default();
        leaves.iter().for_each(|leaf| frontier.append(*leaf));
        prop_assert_eq!(frontier.root(), mth(&leaves));
    }

    #[test]
    fn a_stored_frontier_grows_like_the_living_one(before in 0usize..600, after in 0usize..600) {
        let leaves = leaves(before + after);
        let mut living = Frontier::default();
        leaves[..before].iter().for_each(|leaf| living.append(*leaf));
        let mut stored = Frontier::from_bytes(&living.to_bytes()).unwrap();
        prop_assert_eq!(&stored, &living);
        for leaf in &leaves[before..] {
            living.append(*leaf);
            stored.append(*leaf);
        }
        prop_assert_eq!(stored.root(), mth(&leaves));
        prop_assert_eq!(stored.to_bytes(), living.to_bytes());
    }

    #[test]
    fn parsing_never_panics(bytes: Vec<u8>) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }
}
