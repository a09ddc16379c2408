//! Which files must be written when a tree grows.

use super::{EntryBundle, Tile};

/// Every hash tile, full or partial, to write when the tree grows from `old_size` to `new_size` entries: those whose
/// content the growth changes, as they are in the new tree, level by level and left to right.
///
/// Partial tiles of sizes in between are left out, since nobody signed a checkpoint for them. Empty when nothing grew.
pub fn tiles_for(old_size: u64, new_size: u64) -> impl Iterator<Item = Tile> {
    (0..=u64::BITS as u8 / 8 - 1).flat_map(move |level| level_tiles(level, old_size, new_size))
}

/// Every entry bundle to write when the log grows from `old_size` to `new_size` entries, in order.
pub fn bundles_for(old_size: u64, new_size: u64) -> impl Iterator<Item = EntryBundle> {
    level_tiles(0, old_size, new_size).map(EntryBundle::of_tile)
}

fn level_tiles(level: u8, old_size: u64, new_size: u64) -> impl Iterator<Item = Tile> {
    let shift = 8 * u32::from(level);
    let (old, new) = (old_size >> shift, new_size >> shift);
    let full = u64::from(Tile::FULL_WIDTH);
    let indexes = if new > old { old / full..new.div_ceil(full) } else { 0..0 };
    indexes.filter_map(move |index| Tile::in_tree(level, index, new_size))
}
