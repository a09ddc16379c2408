//! [`Source`]: where the published ledger is read from.

use std::{io, path::PathBuf, sync::Arc};

use api::{Client, ClientError};
use bytes::Bytes;
use engine::ports::Tiles;
use tlog::{EntryBundle, Hash, Tile};

use super::{Finding, Mirror};
use crate::outcome::{Failure, Outcome};

/// How many bytes a published file has at most: a bundle of 256 entries of 64 KiB, and its lengths.
pub(super) const FILE_BYTES_MAX: u64 = 256 * (65_535 + 2);

/// The published ledger: a folder, a server, or a static copy.
pub enum Source {
    /// The folder that holds `checkpoint` and `tile/`.
    Directory(PathBuf),
    /// A server, which publishes it below `/ledger`.
    Server(Client),
    /// A static copy of the folder, behind any file server.
    Mirror(Mirror),
    /// Whatever a stopped server publishes to.
    Stored(Arc<dyn Tiles>),
}

impl Source {
    /// The file at `path`; `None` if there is none.
    pub async fn file(&self, path: &str) -> Outcome<Option<Bytes>> {
        match self {
            Self::Server(client) => client.ledger_file(path).await.map_err(|error| said(error, path)),
            Self::Mirror(mirror) => mirror.file(path).await,
            Self::Stored(tiles) => Ok(tiles.get(path).await?),
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

/// Says which file it is about, and who may read the ledger of a server.
fn said(error: ClientError, path: &str) -> Failure {
    match error.into() {
        Failure::Refused(mut problem) if matches!(problem.code.as_str(), "permission-missing" | "unauthenticated") => {
            problem.hint = Some(
                "over a Selfsame server an audit needs a token that may read everything, such as one with the grant `reader@*`; a static copy \
                 of the ledger needs none"
                    .into(),
            );
            Failure::Refused(problem)
        }
        Failure::Broken { text, hint } => {
            Failure::Broken { text: format!("the server does not hand out the ledger's `{path}`: {text}"), hint }
        }
        failure => failure,
    }
}
