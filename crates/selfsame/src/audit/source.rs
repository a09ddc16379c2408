//! [`Source`]: where the published ledger is read from.

use std::{io, path::PathBuf};

use api::Client;
use bytes::Bytes;
use tlog::{EntryBundle, Hash, Tile};

use super::Finding;
use crate::outcome::{Failure, Outcome};

/// How many bytes a published file has at most: a bundle of 256 entries of 64 KiB, and its lengths.
const FILE_BYTES_MAX: u64 = 256 * (65_535 + 2);

/// The published ledger: a folder, or a server.
pub enum Source {
    /// The folder that holds `checkpoint` and `tile/`.
    Directory(PathBuf),
    /// A server, which publishes it below `/ledger`.
    Server(Client),
}

impl Source {
    /// The file at `path`; `None` if there is none.
    pub async fn file(&self, path: &str) -> Outcome<Option<Bytes>> {
        match self {
            Self::Server(client) => Ok(client.ledger_file(path).await?),
            Self::Directory(root) => {
                let file = root.join(path);
                let read = async {
                    if tokio::fs::metadata(&file).await?.len() > FILE_BYTES_MAX {
                        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
                    }
                    tokio::fs::read(&file).await
                };
                match read.await {
                    Ok(bytes) => Ok(Some(bytes.into())),
                    Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                        Ok(None)
                    }
                    Err(error) => Err(Failure::file(&file, &error)),
                }
            }
        }
    }

    /// The hashes of a tile, or what is wrong with its file. A full tile does instead of a partial one, which may have been removed.
    pub async fn tile(&self, tile: &Tile) -> Outcome<Result<Vec<Hash>, Finding>> {
        let malformed = |problem: String| Finding::FileMalformed { file: tile.to_string(), problem };
        if let Some(bytes) = self.file(&tile.to_string()).await? {
            return Ok(tile.decode(&bytes).map_err(|error| malformed(error.to_string())));
        }
        let full = tile.full();
        match self.file(&full.to_string()).await?.filter(|_| !tile.is_full()) {
            Some(bytes) => Ok(full.decode(&bytes).map_err(|error| malformed(error.to_string())).map(|mut hashes| {
                hashes.truncate(usize::from(tile.width()));
                hashes
            })),
            None => Ok(Err(Finding::FileMissing { file: tile.to_string() })),
        }
    }

    /// The bytes of a bundle; `None` if there is no file for it. A full bundle does instead of a partial one.
    pub async fn bundle(&self, bundle: &EntryBundle) -> Outcome<Option<Bytes>> {
        if let Some(bytes) = self.file(&bundle.to_string()).await? {
            return Ok(Some(bytes));
        }
        let Ok(full) = EntryBundle::new(bundle.index(), Tile::FULL_WIDTH) else { return Ok(None) };
        if bundle.is_full() { Ok(None) } else { self.file(&full.to_string()).await }
    }
}
