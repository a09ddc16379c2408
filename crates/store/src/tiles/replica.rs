//! [`ReplicaTiles`]: the published ledger where several replicas publish it.
//!
//! Tiles and bundles are the same whoever cuts them. The checkpoint is not: a replica that was slow would put an old one over a newer one. So the
//! newest is what the database says. It is written beside the tiles, too, for whoever serves those files, and since a database that was put back to
//! an earlier state would have forgotten what was signed: what is got is the larger of the two.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Tiles, Trouble};

use crate::sql::{Database, size_of};

const CHECKPOINT: &str = "checkpoint";

/// Files that all replicas share, with the checkpoint in their database.
pub struct ReplicaTiles {
    files: Arc<dyn Tiles>,
    database: Arc<Database>,
}

impl ReplicaTiles {
    /// The published ledger in `files`, with its checkpoint in `database`.
    pub fn new(files: Arc<dyn Tiles>, database: Arc<Database>) -> Self {
        Self { files, database }
    }
}

#[async_trait]
impl Tiles for ReplicaTiles {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        if path != CHECKPOINT {
            return self.files.get(path).await;
        }
        let stored = self.database.checkpoint().await?.map(Bytes::from);
        let beside = self.files.get(path).await?;
        // What is no checkpoint at all counts as none.
        let size = |note: &Option<Bytes>| note.as_deref().and_then(size_of);
        Ok(if size(&beside) > size(&stored) || stored.is_none() { beside } else { stored })
    }

    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble> {
        for (path, bytes) in files {
            if path == CHECKPOINT {
                self.database.put_checkpoint(bytes.to_vec()).await?;
                // The newest, which need not be this one.
                let newest = self.database.checkpoint().await?.map_or(bytes, Bytes::from);
                self.files.put(vec![(path, newest)]).await?;
            } else {
                self.files.put(vec![(path, bytes)]).await?;
            }
        }
        Ok(())
    }

    async fn delete_partials(&self, full: Vec<String>) -> Result<(), Trouble> {
        self.files.delete_partials(full).await
    }
}
