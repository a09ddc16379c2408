//! Publishes the ledger: cuts tiles and entry bundles (C2SP tlog-tiles), and signs a checkpoint over them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use tlog::{Checkpoint, EntryBundle, Hash, SignerKey, Tile, TileBuilder, bundles_for};

use crate::{Error, ports::Head, shared::Shared};

/// How long the publisher lets entries gather, so that a busy ledger is not signed for each of them.
const PAUSE: Duration = Duration::from_millis(200);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many entries are published at once: at most 256 full bundles of entries.
const CHUNK: u64 = 65_536;
/// How many files are put at once.
const FILES: usize = 64;

pub(crate) struct Publisher {
    shared: Arc<Shared>,
    signer: SignerKey,
    builder: TileBuilder,
}

impl Publisher {
    pub async fn open(shared: Arc<Shared>, signer: SignerKey) -> Result<Self, Error> {
        let published = published_size(&shared, &signer).await?;
        let builder = resume(&shared, published).await?;
        shared.published.send_replace(published);
        Ok(Self { shared, signer, builder })
    }

    pub async fn run(mut self) {
        while self.shared.wait_past(self.builder.size()).await {
            match self.publish().await {
                Ok(()) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::error!(%error, published = *self.shared.published.borrow(), "The ledger cannot be published");
                    tokio::time::sleep(PATIENCE).await;
                    let published = *self.shared.published.borrow();
                    match resume(&self.shared, published).await {
                        Ok(builder) => self.builder = builder,
                        Err(error) => tracing::error!(%error, "The published tiles cannot be read"),
                    }
                }
            }
        }
    }

    /// Publishes everything up to the head as it is now. The checkpoint comes last, so whoever sees it sees all that it covers.
    async fn publish(&mut self) -> Result<(), Error> {
        let Head { frontier, .. } = self.shared.ports.ledger.head().await?;
        let target = frontier.size();
        let published = *self.shared.published.borrow();
        while self.builder.size() < target {
            let from = self.builder.size();
            let to = target.min(from + CHUNK);
            for leaf in self.shared.ports.ledger.leaves(from, to).await? {
                self.builder.append(leaf);
            }
            if self.builder.size() != to {
                return Err(Error::broken("publish the ledger", format!("entries before {to} are missing")));
            }
            self.put_bundles(from, to).await?;
            self.put_tiles().await?;
        }
        let checkpoint = Checkpoint::new(self.signer.name().as_str(), target, frontier.root())
            .and_then(|checkpoint| checkpoint.sign(&self.signer))
            .map_err(|error| Error::broken("sign the checkpoint", error))?;
        if target > published {
            self.shared.ports.tiles.put(vec![("checkpoint".into(), checkpoint.to_string().into())]).await?;
            self.shared.published.send_replace(target);
        }
        Ok(())
    }

    async fn put_tiles(&mut self) -> Result<(), Error> {
        let mut files = Vec::new();
        for (tile, hashes) in self.builder.take_tiles() {
            let bytes = tile.encode(&hashes).map_err(|error| Error::broken(format!("encode {tile}"), error))?;
            files.push((tile.to_string(), Bytes::from(bytes)));
        }
        for files in files.chunks(FILES) {
            self.shared.ports.tiles.put(files.to_vec()).await?;
        }
        Ok(())
    }

    async fn put_bundles(&self, from: u64, to: u64) -> Result<(), Error> {
        for bundle in bundles_for(from, to) {
            let first = bundle.index() * u64::from(Tile::FULL_WIDTH);
            let width = usize::from(bundle.width());
            let entries = self.shared.ports.ledger.read(first, width).await?;
            let bytes = EntryBundle::encode(&bundle, &entries)
                .map_err(|error| Error::broken(format!("encode {bundle}"), error))?;
            self.shared.ports.tiles.put(vec![(bundle.to_string(), bytes.into())]).await?;
        }
        Ok(())
    }
}

/// How many entries the published checkpoint covers. One that is not ours, or damaged, counts as none: all is published anew.
async fn published_size(shared: &Shared, signer: &SignerKey) -> Result<u64, Error> {
    let Some(note) = shared.ports.tiles.get("checkpoint").await? else { return Ok(0) };
    let size = *shared.size.borrow();
    Ok(match Checkpoint::open(&note, &[signer.verifier_key()]) {
        Ok(checkpoint) if checkpoint.size() <= size => checkpoint.size(),
        Ok(checkpoint) => {
            let published = checkpoint.size();
            return Err(Error::broken(
                "open the ledger",
                format!(
                    "it has {size} entries, but {published} were published: the database is older than the checkpoint. Restore the newer one"
                ),
            ));
        }
        Err(error) => {
            tracing::warn!(%error, "The published checkpoint is not readable; the ledger is published anew");
            0
        }
    })
}

/// A builder that goes on after `size` entries, from the edge of the tree as the ledger has it.
async fn resume(shared: &Shared, size: u64) -> Result<TileBuilder, Error> {
    let tiles = edge(shared, size).await?;
    TileBuilder::resume(size, &tiles).map_err(|error| Error::broken("read the edge of the tree", error))
}

/// The partial tiles of a tree of `size` entries. The lowest level comes from the ledger, which is the truth; the others from full tiles below.
async fn edge(shared: &Shared, size: u64) -> Result<BTreeMap<Tile, Vec<Hash>>, Error> {
    let mut tiles = BTreeMap::new();
    let width = u64::from(Tile::FULL_WIDTH);
    let mut hashes = size;
    let mut level = 0_u8;
    while hashes > 0 {
        if let Some(tile) = Tile::in_tree(level, hashes / width, size) {
            let first = tile.index() * width;
            let count = u64::from(tile.width());
            let found = if level == 0 {
                shared.ports.ledger.leaves(first, first + count).await?
            } else {
                below(shared, level, first, count).await?
            };
            tiles.insert(tile, found);
        }
        hashes /= width;
        level += 1;
    }
    Ok(tiles)
}

async fn below(shared: &Shared, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Error> {
    let mut hashes = Vec::new();
    for index in first..first + count {
        let tile =
            Tile::new(level - 1, index, Tile::FULL_WIDTH).map_err(|error| Error::broken("name a tile", error))?;
        let bytes = shared.ports.tiles.get(&tile.to_string()).await?;
        let bytes = bytes.ok_or_else(|| {
            Error::broken(format!("read {tile}"), "it is missing; remove `checkpoint` to publish all anew")
        })?;
        let decoded = tile.decode(&bytes).map_err(|error| Error::broken(format!("read {tile}"), error))?;
        let full = decoded.as_slice().try_into().map_err(|error| Error::broken(format!("read {tile}"), error))?;
        hashes.push(tlog::subtree_root(full));
    }
    Ok(hashes)
}
