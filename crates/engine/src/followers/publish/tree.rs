//! [`Tree`]: the ledger's tree as far as it is published, and what it must agree with.

use std::collections::BTreeMap;

use tlog::{Frontier, Hash, Tile, TileBuilder};

use crate::{Error, published::hashes_of, shared::Shared};

/// How many leaf hashes are read at once: 2 MiB of them.
const CHUNK: u64 = 65_536;

/// The tree as far as it is published: its tiles grow in one half, its root follows from the other.
#[derive(Default)]
pub(super) struct Tree {
    builder: TileBuilder,
    frontier: Frontier,
}

impl Tree {
    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The tree itself.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Takes in the ledger's entries up to `to`.
    pub async fn extend(&mut self, shared: &Shared, to: u64) -> Result<(), Error> {
        for leaf in leaves(shared, self.size(), to).await? {
            self.builder.append(leaf);
            self.frontier.append(leaf);
        }
        Ok(())
    }

    /// The tiles that must be written.
    pub fn take_tiles(&mut self) -> Vec<(Tile, Vec<Hash>)> {
        self.builder.take_tiles()
    }
}

/// The tree of the first `size` entries, from its edge: the lowest level comes from the ledger, the others from the full tiles below.
pub(super) async fn resume(shared: &Shared, size: u64) -> Result<Tree, Error> {
    let tiles = edge(shared, size).await?;
    let unreadable = |error: &dyn std::error::Error| Error::broken("read the edge of the tree", error.to_string());
    let builder = TileBuilder::resume(size, &tiles).map_err(|error| unreadable(&error))?;
    let frontier = Frontier::from_tiles(size, &tiles).map_err(|error| unreadable(&error))?;
    Ok(Tree { builder, frontier })
}

/// Whether the ledger's entries lead from the published tree to `head`.
pub(super) async fn agrees(shared: &Shared, published: &Frontier, head: &Frontier) -> Result<bool, Error> {
    let mut frontier = published.clone();
    grow(shared, &mut frontier, head.size()).await?;
    Ok(frontier == *head)
}

/// The root of the first `size` entries, from nothing but the entries.
pub(super) async fn root_of_entries(shared: &Shared, size: u64) -> Result<Hash, Error> {
    let mut frontier = Frontier::default();
    grow(shared, &mut frontier, size).await?;
    Ok(frontier.root())
}

async fn grow(shared: &Shared, frontier: &mut Frontier, to: u64) -> Result<(), Error> {
    while frontier.size() < to {
        let end = to.min(frontier.size() + CHUNK);
        leaves(shared, frontier.size(), end).await?.into_iter().for_each(|leaf| frontier.append(leaf));
    }
    Ok(())
}

async fn leaves(shared: &Shared, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
    let leaves = shared.ports.ledger.leaves(from, to).await?;
    if leaves.len() as u64 != to - from {
        return Err(Error::broken("publish the ledger", format!("entries before {to} are missing")));
    }
    Ok(leaves)
}

/// The partial tiles of a tree of `size` entries.
async fn edge(shared: &Shared, size: u64) -> Result<BTreeMap<Tile, Vec<Hash>>, Error> {
    let mut tiles = BTreeMap::new();
    let width = u64::from(Tile::FULL_WIDTH);
    let mut hashes = size;
    let mut level = 0_u8;
    while hashes > 0 {
        if let Some(tile) = Tile::in_tree(level, hashes / width, size) {
            let first = tile.index() * width;
            let end = first + u64::from(tile.width());
            let found =
                if level == 0 { leaves(shared, first, end).await? } else { below(shared, level, first, end).await? };
            tiles.insert(tile, found);
        }
        hashes /= width;
        level += 1;
    }
    Ok(tiles)
}

async fn below(shared: &Shared, level: u8, first: u64, end: u64) -> Result<Vec<Hash>, Error> {
    let mut hashes = Vec::new();
    for index in first..end {
        let tile =
            Tile::new(level - 1, index, Tile::FULL_WIDTH).map_err(|error| Error::broken("name a tile", error))?;
        let found = hashes_of(&*shared.ports.tiles, tile).await?;
        let full = found.as_slice().try_into().map_err(|error| Error::broken(format!("read {tile}"), error))?;
        hashes.push(tlog::subtree_root(full));
    }
    Ok(hashes)
}
