//! [`TileDirectory`]: the published ledger as files.
//!
//! ```text
//! ledger/
//!   checkpoint            the newest signed checkpoint
//!   tile/0/000.p/5        hashes, as C2SP tlog-tiles lays them out
//!   tile/entries/000.p/5  the entries themselves
//! ```
//!
//! Any static file server can serve the folder, and anybody can mirror and verify it.

mod replica;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Tiles, Trouble};
use tlog::{EntryBundle, Tile};

use crate::waiting::blocking;
pub use replica::ReplicaTiles;

/// The published ledger in a directory.
#[derive(Debug)]
pub struct TileDirectory {
    root: PathBuf,
    next_temporary: AtomicU64,
    /// The folders that are known to survive a crash.
    folders: Mutex<BTreeSet<PathBuf>>,
}

impl TileDirectory {
    /// Opens the directory, making it if needed.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        let made = fs::create_dir_all(root).and_then(|()| sync(&root.join("..")));
        made.map_err(|error| Trouble::new(format!("make `{}`", root.display()), error))?;
        Ok(Self { root: root.to_owned(), next_temporary: AtomicU64::new(0), folders: Mutex::default() })
    }

    fn put_blocking(&self, files: &[(String, Bytes)]) -> Result<(), Trouble> {
        for (path, bytes) in files {
            let target = self.root.join(path);
            self.replace(&target, bytes)
                .map_err(|error| Trouble::new(format!("write `{}`", target.display()), error))?;
        }
        Ok(())
    }

    fn replace(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = target.parent().unwrap_or(&self.root);
        self.make_folder(folder)?;
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".new-{}-{number}", std::process::id()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&temporary, target)) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        sync(folder)
    }

    /// Makes a folder; it survives a crash, with all folders between it and the root.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut durable = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root)) {
            sync(above)?;
        }
        durable.insert(folder.to_owned());
        Ok(())
    }

    fn delete_partials_blocking(&self, full: &[String]) -> Result<(), Trouble> {
        for path in full {
            let partials = self.root.join(format!("{path}.p"));
            self.folders.lock().unwrap_or_else(PoisonError::into_inner).remove(&partials);
            match fs::remove_dir_all(&partials) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Trouble::new(format!("remove `{}`", partials.display()), error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[async_trait]
impl Tiles for TileDirectory {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        if !is_ledger_file(path) {
            return Ok(None);
        }
        let file = self.root.join(path);
        match tokio::fs::read(&file).await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(Trouble::new(format!("read `{}`", file.display()), error)),
        }
    }

    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble> {
        if let Some((path, _)) = files.iter().find(|(path, _)| !is_ledger_file(path)) {
            return Err(Trouble::new(format!("write `{path}`"), "it is no file of a ledger"));
        }
        blocking(|| self.put_blocking(&files))
    }

    async fn delete_partials(&self, full: Vec<String>) -> Result<(), Trouble> {
        if let Some(path) = full.iter().find(|path| !is_full_file(path)) {
            return Err(Trouble::new(
                format!("remove what `{path}` replaces"),
                "it is no full tile or bundle of a ledger",
            ));
        }
        blocking(|| self.delete_partials_blocking(&full))
    }
}

/// Whether `path` names the checkpoint, a tile or a bundle, in its one canonical spelling: so nothing outside the folder can be named.
pub(crate) fn is_ledger_file(path: &str) -> bool {
    path == "checkpoint" || path.parse::<Tile>().is_ok() || path.parse::<EntryBundle>().is_ok()
}

/// Whether `path` names a full tile or bundle.
pub(crate) fn is_full_file(path: &str) -> bool {
    path.parse::<Tile>().is_ok_and(|tile| tile.is_full())
        || path.parse::<EntryBundle>().is_ok_and(|bundle| bundle.is_full())
}
