use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::{leaves, mth};
use crate::{consistency_proof, root_from_tiles};

#[test]
fn paths_of_tiles() {
    let cases = [
        (Tile::new(0, 0, 256), "tile/0/000"),
        (Tile::new(0, 999, 1), "tile/0/999.p/1"),
        (Tile::new(1, 1000, 255), "tile/1/x001/000.p/255"),
        (Tile::new(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (Tile::new(63, 5, 17), "tile/63/005.p/17"),
        (Tile::new(7, Tile::MAX_INDEX, 256), "tile/7/x036/x028/x797/x018/x963/967"),
    ];
    for (tile, path) in cases {
        let tile = tile.unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
    let bundle = EntryBundle::new(1_234_067, 9).unwrap();
    assert_eq!(bundle.to_string(), "tile/entries/x001/x234/067.p/9");
    assert_eq!(bundle.to_string().parse(), Ok(bundle));
}

#[test]
fn other_paths_are_refused() {
    let cases = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/x1/002",
        "tile/0/X001/002",
        "tile/0/-01",
        "tile/0/+01",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile//000",
        "tile/0//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/65537",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/1/",
        "tile/0/000 ",
        "tile/0/٠٠٠",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/8/0/000",
        "tile/../000",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ];
    for path in cases {
        assert_eq!(path.parse::<Tile>(), Err(TileError::Path { path: path.to_owned() }));
        let bundle = path.replacen("tile/0/", "tile/entries/", 1);
        assert_eq!(bundle.parse::<EntryBundle>(), Err(TileError::Path { path: bundle.clone() }));
    }
    assert!("tile/entries/000".parse::<Tile>().is_err());
    assert!("tile/0/000".parse::<EntryBundle>().is_err());
    let long = "tile/0/".repeat(1000);
    assert_eq!(long.parse::<Tile>(), Err(TileError::Path { path: long[..64].to_owned() }));
}

#[test]
fn coordinates_outside_the_limits_are_refused() {
    for (level, index, width) in [(64, 0, 1), (0, Tile::MAX_INDEX + 1, 1), (0, u64::MAX, 1), (0, 0, 0), (0, 0, 257)] {
        assert_eq!(Tile::new(level, index, width), Err(TileError::OutOfRange { level, index, width }));
    }
    for (level, index, size) in [(0, 0, 0), (0, 1, 256), (1, 0, 255), (8, 0, u64::MAX), (63, 0, u64::MAX)] {
        assert_eq!(Tile::in_tree(level, index, size), None);
    }
}

/// The two examples of the specification.
#[test]
fn tiles_of_a_whole_tree() {
    let paths = |size| tiles_for(0, size).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
    let mut wanted: Vec<_> = (0..273).map(|index| format!("tile/0/{index:03}")).collect();
    wanted.extend(["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"].map(str::to_owned));
    assert_eq!(paths(70_000), wanted);
}

#[test]
fn tiles_of_a_growing_tree() {
    let cases: [(u64, u64, &[&str]); 7] = [
        (0, 0, &[]),
        (5, 5, &[]),
        (5, 4, &[]),
        (0, 1, &["tile/0/000.p/1"]),
        (255, 256, &["tile/0/000", "tile/1/000.p/1"]),
        (256, 257, &["tile/0/001.p/1"]),
        (65_535, 65_537, &["tile/0/255", "tile/0/256.p/1", "tile/1/000", "tile/2/000.p/1"]),
    ];
    for (old, new, wanted) in cases {
        let paths: Vec<_> = tiles_for(old, new).map(|tile| tile.to_string()).collect();
        assert_eq!(paths, wanted, "{old} to {new}");
        let bundles: Vec<_> = bundles_for(old, new).map(|bundle| bundle.tile()).collect();
        let leaf_tiles: Vec<_> = tiles_for(old, new).filter(|tile| tile.level() == 0).collect();
        assert_eq!(bundles, leaf_tiles, "{old} to {new}");
    }
}

#[test]
fn bundle_of_an_entry() {
    let bundle = |index, width| EntryBundle::new(index, width).unwrap();
    let cases = [
        (0, 1, Some((bundle(0, 1), 0))),
        (255, 256, Some((bundle(0, 256), 255))),
        (256, 300, Some((bundle(1, 44), 0))),
        (299, 300, Some((bundle(1, 44), 43))),
        (300, 300, None),
        (0, 0, None),
    ];
    for (entry, size, wanted) in cases {
        assert_eq!(EntryBundle::of_entry(entry, size), wanted);
    }
}

#[test]
fn content_that_does_not_fit_is_refused() {
    let tile = Tile::new(0, 0, 2).unwrap();
    for got in [0, 32, 63, 65, 96] {
        assert_eq!(tile.decode(&vec![0; got]), Err(TileError::Length { tile, wanted: 64, got }));
    }
    assert_eq!(tile.encode(&[Hash::ZERO]), Err(TileError::Length { tile, wanted: 64, got: 32 }));

    let bundle = EntryBundle::new(0, 2).unwrap();
    let cases: [(&[u8], BundleError); 7] = [
        (&[], BundleError::EntryCount { bundle, got: 0 }),
        (&[0, 1, 9], BundleError::EntryCount { bundle, got: 1 }),
        (&[0, 0, 0, 0, 0, 0], BundleError::EntryCount { bundle, got: 3 }),
        (&[0, 0, 0, 0, 0, 0, 0, 0], BundleError::EntryCount { bundle, got: 3 }),
        (&[0], BundleError::Truncated { bundle, place: 0 }),
        (&[0, 0, 0], BundleError::Truncated { bundle, place: 1 }),
        (&[0, 1, 9, 255, 255, 1], BundleError::Truncated { bundle, place: 1 }),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(bundle.decode(bytes), Err(wanted));
    }
    let (largest, longer) = (vec![1; MAX_ENTRY_BYTES], vec![1; MAX_ENTRY_BYTES + 1]);
    assert_eq!(
        bundle.encode(&[&largest, &longer]),
        Err(BundleError::EntryTooLong { bundle, place: 1, length: 65_536 })
    );
    let bytes = bundle.encode(&[&largest, &largest]).unwrap();
    assert_eq!(bundle.decode(&bytes).unwrap(), [&largest, &largest]);
    assert_eq!(bundle.encode(&[b"one"]), Err(BundleError::EntryCount { bundle, got: 1 }));
}

/// Every tile of a tree leads to its root; none does once a hash in it, or on its way to the root, is another.
#[test]
fn tiles_lead_to_the_root_they_were_signed_over() {
    for size in [1, 255, 256, 257, 600, 65_536 + 300] {
        let good = crate::testing::tiles(&leaves(size as usize));
        let root = root_from_tiles(size, &good).unwrap();
        for (tile, hashes) in good.iter().filter(|(tile, _)| tile.level() > 0 || tile.index() % 100 < 3) {
            assert_eq!(&checked_tile(*tile, size, &root, &good).unwrap(), hashes, "{tile} of {size}");
            assert!(checked_tile(*tile, size, &Hash::ZERO, &good).is_err(), "{tile} leads to no other root");
            let mut bad = good.clone();
            bad.get_mut(tile).unwrap()[usize::from(tile.width()) / 2] = Hash::ZERO;
            assert!(checked_tile(*tile, size, &root, &bad).is_err(), "{tile} of {size} was changed");
        }
    }
}

#[test]
fn tiles_of_earlier_trees_are_checked_against_the_wider_ones() {
    let (old, new) = (crate::testing::tiles(&leaves(300)), crate::testing::tiles(&leaves(700)));
    let root = root_from_tiles(700, &new).unwrap();
    let partial = Tile::new(0, 1, 44).unwrap();
    let mut both: BTreeMap<_, _> = old.into_iter().chain(new).collect();
    assert!(checked_tile(partial, 700, &root, &both).is_ok());
    both.get_mut(&partial).unwrap()[3] = Hash::ZERO;
    assert!(
        matches!(checked_tile(partial, 700, &root, &both), Err(UncheckedTile::Changed { tile }) if tile == partial)
    );
    for (level, index, width) in [(0, 2, 189), (0, 3, 1), (1, 0, 3), (2, 0, 1)] {
        let tile = Tile::new(level, index, width).unwrap();
        both.insert(tile, vec![Hash::ZERO; usize::from(width)]);
        let unchecked = checked_tile(tile, 700, &root, &both);
        assert!(matches!(unchecked, Err(UncheckedTile::NotInTree { .. })), "{tile}: {unchecked:?}");
    }
}

proptest! {
    #[test]
    fn paths_round_trip(level in 0u8..=63, index in 0..=Tile::MAX_INDEX, shift in 0u32..56, width in 1u16..=256) {
        let tile = Tile::new(level, index >> shift, width).unwrap();
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        let bundle = EntryBundle::new(index >> shift, width).unwrap();
        prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
    }

    #[test]
    fn a_path_that_is_read_is_canonical(text in "tile/([0-9]{1,2}|entries)/(x?[0-9]{2,3}/){0,3}x?[0-9]{2,3}(\\.p/[0-9]{0,3})?") {
        if let Ok(tile) = text.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), text.as_str());
        }
        if let Ok(bundle) = text.parse::<EntryBundle>() {
            prop_assert_eq!(bundle.to_string(), text);
        }
    }

    #[test]
    fn contents_round_trip(entries in vec(vec(any::<u8>(), 0..200), 1..=256)) {
        let bundle = EntryBundle::new(3, entries.len() as u16).unwrap();
        let bytes = bundle.encode(&entries).unwrap();
        prop_assert_eq!(bundle.decode(&bytes).unwrap(), entries.clone());
        let hashes: Vec<_> = entries.iter().map(|entry| crate::leaf_hash(entry)).collect();
        let tile = bundle.tile();
        prop_assert_eq!(tile.decode(&tile.encode(&hashes).unwrap()), Ok(hashes));
    }

    #[test]
    fn parsing_never_panics(text: String, bytes: Vec<u8>, width in 1u16..=256) {
        let _ = text.parse::<Tile>();
        let _ = text.parse::<EntryBundle>();
        let _ = Tile::new(0, 0, width).unwrap().decode(&bytes);
        let bundle = EntryBundle::new(0, width).unwrap();
        if let Ok(entries) = bundle.decode(&bytes) {
            prop_assert_eq!(bundle.encode(&entries), Ok(bytes.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A log that publishes only what `tiles_for` says, restarting its builder at random, always has all its tiles.
    #[test]
    fn published_tiles_hold_every_tree(steps in vec((0usize..700, any::<bool>()), 1..8)) {
        let leaves = leaves(steps.iter().map(|(count, _)| count).sum());
        let mut published: BTreeMap<Tile, Vec<Hash>> = BTreeMap::new();
        let mut builder = TileBuilder::default();
        for (count, restart) in steps {
            let old = builder.size();
            if restart {
                builder = TileBuilder::resume(old, &published).unwrap();
            }
            let new = old + count as u64;
            leaves[old as usize..new as usize].iter().for_each(|leaf| builder.append(*leaf));
            let written = builder.take_tiles();
            let names: BTreeSet<_> = written.iter().map(|(tile, _)| *tile).collect();
            prop_assert_eq!(names.len(), written.len());
            prop_assert_eq!(names, tiles_for(old, new).collect::<BTreeSet<_>>());
            prop_assert!(written.iter().all(|(tile, hashes)| usize::from(tile.width()) == hashes.len()));
            published.extend(written);
            prop_assert_eq!(root_from_tiles(new, &published).unwrap(), mth(&leaves[..new as usize]));
            if old > 0 {
                let proof = consistency_proof(old, new, &published).unwrap();
                let (old_root, new_root) = (mth(&leaves[..old as usize]), mth(&leaves[..new as usize]));
                prop_assert_eq!(crate::verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
            }
        }
    }

    #[test]
    fn subtree_root_is_the_merkle_tree_hash(seed: [u8; 32]) {
        let hashes = std::array::from_fn(|place| crate::leaf_hash(&[seed.as_slice(), &[place as u8]].concat()));
        prop_assert_eq!(subtree_root(&hashes), mth(&hashes));
    }
}
