//! [`ObjectTiles`]: the published ledger as objects below `ledger/`.

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Tiles, Trouble};
use futures::TryStreamExt;

use super::{
    bucket::Bucket,
    place::{Credentials, Place},
};
use crate::tiles::{is_full_file, is_ledger_file};

/// The published ledger in a bucket. Whoever may read its objects can mirror and verify it.
///
/// Tiles and bundles never change once they are written; the checkpoint is overwritten, and comes after what it covers. No condition is
/// asked of the storage: whoever signs is the only one who writes, and readers check what they get against the checkpoint.
#[derive(Debug)]
pub struct ObjectTiles {
    bucket: Bucket,
}

impl ObjectTiles {
    /// The published ledger at a place.
    pub fn new(place: Place, credentials: &Credentials) -> Result<Self, Trouble> {
        Ok(Self { bucket: Bucket::new(place, credentials)? })
    }
}

fn name(path: &str) -> String {
    format!("ledger/{path}")
}

#[async_trait]
impl Tiles for ObjectTiles {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        if is_ledger_file(path) { self.bucket.whole(&name(path)).await } else { Ok(None) }
    }

    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble> {
        if let Some((path, _)) = files.iter().find(|(path, _)| !is_ledger_file(path)) {
            return Err(Trouble::new(format!("write `{path}`"), "it is no file of a ledger"));
        }
        // One after the other: who sees one sees those before it.
        for (path, bytes) in files {
            self.bucket.put(&name(&path), bytes).await?;
        }
        Ok(())
    }

    async fn delete_partials(&self, full: Vec<String>) -> Result<(), Trouble> {
        if let Some(path) = full.iter().find(|path| !is_full_file(path)) {
            let doing = format!("remove what `{path}` replaces");
            return Err(Trouble::new(doing, "it is no full tile or bundle of a ledger"));
        }
        for path in full {
            let folder = name(&format!("{path}.p"));
            let partials: Vec<_> = self.bucket.list(&folder, None).try_collect().await?;
            for (partial, _) in partials {
                self.bucket.delete(&format!("{folder}/{partial}")).await?;
            }
        }
        Ok(())
    }
}
