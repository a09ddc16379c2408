//! The [`Tiles`] port.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Tiles, Trouble};

use super::{Memory, locked};
use crate::tiles::is_ledger_file;

pub(super) type Kept = BTreeMap<String, Bytes>;

#[async_trait]
impl Tiles for Memory {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        Ok(locked(&self.tiles).get(path).cloned())
    }

    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble> {
        if let Some((path, _)) = files.iter().find(|(path, _)| !is_ledger_file(path)) {
            return Err(Trouble::new(format!("write `{path}`"), "it is no file of a ledger"));
        }
        locked(&self.tiles).extend(files);
        Ok(())
    }

    async fn delete_partials(&self, full: Vec<String>) -> Result<(), Trouble> {
        locked(&self.tiles).retain(|path, _| !full.iter().any(|full| path.starts_with(&format!("{full}.p/"))));
        Ok(())
    }
}
