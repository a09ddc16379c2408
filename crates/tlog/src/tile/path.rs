//! The common end of tile and bundle paths: `<N>[.p/<W>]`.

use std::fmt;

use super::{Tile, TileError};

/// How many characters of a refused path an error repeats.
const QUOTED: usize = 64;

/// Writes `index` in groups of three digits, all but the last marked by `x`, and the width of a partial tile.
pub(super) fn write_index_and_width(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut scale = 1;
    while index / scale >= 1000 {
        scale *= 1000;
    }
    while scale > 1 {
        write!(f, "x{:03}/", index / scale % 1000)?;
        scale /= 1000;
    }
    write!(f, "{:03}", index % 1000)?;
    if width < Tile::FULL_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}

/// Reads exactly what [`write_index_and_width`] writes.
pub(super) fn parse_index_and_width(text: &str) -> Option<(u64, u16)> {
    let (groups, width) = match text.split_once(".p/") {
        None => (text, Tile::FULL_WIDTH),
        Some((groups, width)) => (groups, u16::try_from(crate::decimal::parse(width)?).ok()?),
    };
    let partial = groups.len() < text.len();
    if partial && !(1..Tile::FULL_WIDTH).contains(&width) {
        return None;
    }
    let (leading, last) = groups.rsplit_once('/').map_or((None, groups), |(leading, last)| (Some(leading), last));
    let mut index = 0u64;
    for (place, group) in leading.into_iter().flat_map(|leading| leading.split('/')).enumerate() {
        let digits = group.strip_prefix('x')?;
        if place == 0 && digits == "000" {
            return None;
        }
        index = push_group(index, digits)?;
    }
    Some((push_group(index, last)?, width))
}

fn push_group(index: u64, digits: &str) -> Option<u64> {
    if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
}

pub(super) fn refused(text: &str) -> TileError {
    TileError::Path { path: text.chars().take(QUOTED).collect() }
}
