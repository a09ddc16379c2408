//! The archive and the trash: folders beside `blobs/`, with the same layout.
//!
//! A blob moves by one rename, so it is in one place or the other whatever happens. When it was put into the trash is the file's time of
//! modification. The archive may be another file system (a mount, a link): then it is copied, verified, synced, and only then removed.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use domain::{Algorithm, Digest, Timestamp};
use engine::ports::{Away, Blob, Tier, Tiers, Trouble};

use super::{Directory, names, new_upload_id, read, sync, trouble};
use crate::waiting::blocking;

#[async_trait]
impl Tiers for Directory {
    async fn put_away(&self, digest: &Digest, tier: Tier, at: Timestamp) -> Result<bool, Trouble> {
        blocking(|| {
            let (from, to) = (self.path("blobs", digest), self.path(folder(tier), digest));
            // Before the move, so that what lies there has never another time.
            let dated = File::options().write(true).open(&from).and_then(|file| file.set_modified(system_time(at)));
            match dated {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(to.exists()),
                Err(error) => return Err(trouble("date", &from, error)),
            }
            self.forget_sums(digest);
            self.move_blob(&from, &to, digest)
        })
    }

    async fn take_back(&self, digest: &Digest, tier: Tier) -> Result<bool, Trouble> {
        blocking(|| {
            let (from, to) = (self.path(folder(tier), digest), self.path("blobs", digest));
            if to.exists() {
                return remove(&from).map(|_| true);
            }
            self.make_folder(&to)?;
            let moved = self.move_blob(&from, &to, digest)?;
            self.sync_folder(to.parent().unwrap_or(&self.root))?;
            // Somebody else may have been faster.
            Ok(moved || to.exists())
        })
    }

    async fn away(&self, digest: &Digest, tier: Tier) -> Result<Option<Away>, Trouble> {
        look(&self.path(folder(tier), digest), digest)
    }

    async fn list_away(&self, tier: Tier, after: Option<&Digest>, limit: usize) -> Result<Vec<Away>, Trouble> {
        blocking(|| {
            let found = self.digests(folder(tier), after, limit)?;
            let looked = found.iter().map(|digest| look(&self.path(folder(tier), digest), digest));
            looked.filter_map(Result::transpose).collect()
        })
    }

    async fn read_away(&self, digest: &Digest, tier: Tier) -> Result<Option<Blob>, Trouble> {
        let path = self.path(folder(tier), digest);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((size, file)) => Ok(Some(Blob { size, bytes: read::unchecked(file, digest.clone(), size) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble("open", &path, error)),
        }
    }

    async fn verify_away(&self, digest: &Digest, tier: Tier) -> Result<Option<bool>, Trouble> {
        let path = self.path(folder(tier), digest);
        match File::open(&path) {
            Ok(file) => blocking(|| read::verify(&file, digest)).map(|sums| Some(sums.is_some())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble("open", &path, error)),
        }
    }

    async fn discard(&self, digest: &Digest) -> Result<bool, Trouble> {
        remove(&self.path(folder(Tier::Trash), digest))
    }
}

impl Directory {
    /// What was known of a blob that moves: it is taken anew, with the whole digest verified, once somebody reads it again.
    fn forget_sums(&self, digest: &Digest) {
        self.sums.remove(digest);
        let _ = fs::remove_file(self.path("sums", digest));
    }

    /// Moves a file; `false` if there is none.
    fn move_blob(&self, from: &Path, to: &Path, digest: &Digest) -> Result<bool, Trouble> {
        let folder = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| trouble("make", folder, error))?;
        match fs::rename(from, to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy_blob(from, to, digest).map(|()| true)
            }
            Err(error) => Err(trouble("move", from, error)),
        }
    }

    /// Copies a file to another file system, and removes it here only once it is durable there.
    fn copy_blob(&self, from: &Path, to: &Path, digest: &Digest) -> Result<(), Trouble> {
        let folder = to.parent().unwrap_or(&self.root);
        let temporary = folder.join(new_upload_id("")?.as_str());
        let copy = || -> Result<(), Trouble> {
            let failed = |error| trouble("copy", from, error);
            fs::copy(from, &temporary).map_err(failed)?;
            let file = File::open(&temporary).map_err(failed)?;
            if read::verify(&file, digest)?.is_none() {
                return Err(super::damaged(digest));
            }
            let modified = fs::metadata(from).and_then(|metadata| metadata.modified()).map_err(failed)?;
            File::options()
                .write(true)
                .open(&temporary)
                .and_then(|file| file.set_modified(modified))
                .map_err(failed)?;
            file.sync_all().map_err(failed)?;
            fs::rename(&temporary, to).map_err(failed)?;
            sync(folder).map_err(failed)
        };
        copy().inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        remove(from).map(drop)
    }

    /// Digests of the blobs in one of the folders, in their order after `after`, at most `limit`.
    pub(super) fn digests(&self, kind: &str, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble> {
        let mut found = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let folder = self.root.join(kind).join(algorithm.to_string());
            for prefix in names(&folder)? {
                let beyond = |name: &String| {
                    format!("{algorithm}:{name}")
                        .parse::<Digest>()
                        .ok()
                        .filter(|digest| after.is_none_or(|after| digest > after))
                };
                let earlier =
                    after.is_some_and(|after| after.algorithm() == algorithm && prefix.as_str() < &after.hex()[..2]);
                if !earlier {
                    found.extend(names(&folder.join(&prefix))?.iter().filter_map(beyond));
                }
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

fn folder(tier: Tier) -> &'static str {
    match tier {
        Tier::Archive => "archive",
        Tier::Trash => "trash",
    }
}

fn look(path: &Path, digest: &Digest) -> Result<Option<Away>, Trouble> {
    let looked = fs::metadata(path).and_then(|metadata| Ok((metadata.len(), metadata.modified()?)));
    match looked {
        Ok((size, modified)) => Ok(Some(Away { digest: digest.clone(), size, at: timestamp(modified) })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble("look at", path, error)),
    }
}

/// Removes a file; `false` if there was none.
fn remove(path: &Path) -> Result<bool, Trouble> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(trouble("remove", path, error)),
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    let past = Duration::from_millis(at.as_millis().max(0).unsigned_abs());
    SystemTime::UNIX_EPOCH.checked_add(past).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn timestamp(time: SystemTime) -> Timestamp {
    let past = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(past.as_millis()).unwrap_or(i64::MAX))
}
