//! [`Directory`]: bytes by digest, as files.
//!
//! ```text
//! data/
//!   blobs/sha256/ab/<64 digits>    the bytes, and nothing else: `sha256sum` gives the name
//!   blobs/sha512/cd/<128 digits>
//!   sums/sha256/ab/<64 digits>     the checksums of its 256 KiB chunks, derived; none for small blobs
//!   uploads/<64 digits>            an upload on its way
//!   archive/ trash/                what is not at hand, each as in `blobs/`
//!   damaged/<digits>               what was found damaged, for whoever wants to look at it
//! ```
//!
//! A blob is written to `uploads/`, synced, renamed into place, and its folder synced. So what stands under a digest is whole. Once a sync
//! fails nothing is stored until a restart: a second sync of the same bytes would say that all is well, and they would not be there.
//!
//! Reading checks every byte before it is handed out. A full SHA-256 for each pull would cost more than all the rest of it, so chunks are
//! checked with XXH3 against the sums that were taken while the blob was written and its digest was verified; see
//! `docs/decisions/0004-verified-reads.md`.

mod buffers;
mod read;
pub(crate) mod sums;
#[cfg(test)]
mod tests;
mod tiers;
mod upload;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blob, BlobRange, Blobs, ByteStream, Trouble, UploadError, UploadId};

use crate::waiting::blocking;
use buffers::Buffers;
pub(crate) use read::slice;
use sums::{Chunks, SumCache};
use upload::Upload;
pub(crate) use upload::new_id as new_upload_id;

/// How many bytes are checked, and read, at once.
pub(crate) const CHUNK: usize = 256 * 1024;
/// Blobs up to this size have no sums: their digest is computed at each read.
pub(crate) const SMALL: u64 = 64 * 1024;

/// Blobs in a directory.
pub struct Directory {
    root: PathBuf,
    uploads: Mutex<BTreeMap<UploadId, Arc<Upload>>>,
    sums: SumCache,
    buffers: Arc<Buffers>,
    /// The folders of blobs that are known to survive a crash.
    folders: Mutex<BTreeSet<PathBuf>>,
    /// Why nothing is stored any more.
    stopped: OnceLock<String>,
}

impl Directory {
    /// Opens the directory below `root`, making it if needed.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        for folder in ["blobs/sha256", "blobs/sha512", "sums/sha256", "sums/sha512", "uploads"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(|error| trouble("make", &folder, error))?;
        }
        for folder in [root.join("blobs"), root.to_owned()] {
            sync(&folder).map_err(|error| trouble("sync", &folder, error))?;
        }
        let (uploads, sums, buffers, folders, stopped) = Default::default();
        Ok(Self { root: root.to_owned(), uploads, sums, buffers, folders, stopped })
    }

    fn path(&self, kind: &str, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(kind).join(digest.algorithm().to_string()).join(&hex[..2]).join(hex)
    }

    fn upload_path(&self, id: &UploadId) -> PathBuf {
        self.root.join("uploads").join(id.as_str())
    }

    fn open_blob(&self, digest: &Digest) -> Result<Option<(File, u64)>, Trouble> {
        let path = self.path("blobs", digest);
        let opened = File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        match opened {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble("open", &path, error)),
        }
    }

    /// The sums of a blob: from their file, or taken anew while its whole digest is verified.
    fn load_sums(&self, digest: &Digest, file: &File, size: u64) -> Result<Arc<Vec<u64>>, Trouble> {
        let path = self.path("sums", digest);
        let stored = fs::read(&path).ok().and_then(|bytes| sums::decode(&bytes, size));
        let sums = match stored {
            Some(sums) => sums,
            None => {
                let sums = read::verify(file, digest)?.ok_or_else(|| damaged(digest))?;
                if let Err(error) = self.keep_sums(digest, size, &sums) {
                    tracing::warn!(%error, %digest, "The sums of a blob cannot be kept");
                }
                sums
            }
        };
        let sums = Arc::new(sums);
        self.sums.put(digest, sums.clone());
        Ok(sums)
    }

    fn keep_sums(&self, digest: &Digest, size: u64, sums: &[u64]) -> Result<(), Trouble> {
        let (path, temporary) = (self.path("sums", digest), self.upload_path(&new_upload_id("")?));
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            fs::write(&temporary, sums::encode(size, sums))?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            trouble("write", &path, error)
        })
    }

    /// Puts a synced and verified file under its digest. One that is there already has the same bytes, or is damaged and healed.
    fn adopt(&self, from: &Path, digest: &Digest, size: u64, sums: &[u64]) -> Result<(), Trouble> {
        let to = self.path("blobs", digest);
        if size > SMALL
            && let Err(error) = self.keep_sums(digest, size, sums)
        {
            // They are taken anew when they are missed.
            tracing::warn!(%error, %digest, "The sums of a blob cannot be kept");
        }
        self.make_folder(&to)?;
        fs::rename(from, &to).map_err(|error| trouble("write", &to, error))?;
        self.sync_folder(to.parent().unwrap_or(&self.root))
    }

    /// Makes the folder of a blob; it survives a crash.
    fn make_folder(&self, blob: &Path) -> Result<(), Trouble> {
        let folder = blob.parent().unwrap_or(&self.root);
        let mut durable = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if !durable.contains(folder) {
            fs::create_dir_all(folder).map_err(|error| trouble("make", folder, error))?;
            self.sync_folder(folder.parent().unwrap_or(&self.root))?;
            durable.insert(folder.to_owned());
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), Trouble> {
        sync(folder).map_err(|error| self.stop(folder, error))
    }

    /// Stores nothing any more, from now on: what the disk did is unknown.
    fn stop(&self, path: &Path, error: io::Error) -> Trouble {
        tracing::error!(path = %path.display(), %error, "The disk does not sync; no blob is stored until a restart");
        self.stopped.get_or_init(|| {
            format!("`{}` could not be synced ({error}); start the server again once the disk is sound", path.display())
        });
        trouble("sync", path, error)
    }

    fn expect_writable(&self) -> Result<(), Trouble> {
        self.writable().map_err(|reason| Trouble::new("store blobs", reason))
    }

    fn put_blocking(&self, digest: &Digest, bytes: &[u8]) -> Result<(), UploadError> {
        self.expect_writable()?;
        let actual = Digest::of(digest.algorithm(), bytes);
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        let blob = self.path("blobs", digest);
        if fs::read(&blob).is_ok_and(|stored| stored == bytes) {
            // Whoever put it there may not have come to this yet.
            self.make_folder(&blob)?;
            return Ok(self.sync_folder(blob.parent().unwrap_or(&self.root))?);
        }
        let path = self.upload_path(&new_upload_id("")?);
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            Ok(file)
        };
        let mut chunks = Chunks::default();
        chunks.update(bytes);
        let written = write().map_err(|error| trouble("write", &path, error));
        let synced = written.and_then(|file| file.sync_data().map_err(|error| self.stop(&path, error)));
        let adopted = synced.and_then(|()| self.adopt(&path, digest, bytes.len() as u64, &chunks.finish()));
        adopted.map_err(|error| {
            let _ = fs::remove_file(&path);
            error.into()
        })
    }
}

#[async_trait]
impl Blobs for Directory {
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, Trouble> {
        Ok(self.open_blob(digest)?.map(|(_, size)| size))
    }

    async fn get(&self, digest: &Digest, range: Option<BlobRange>) -> Result<Option<Blob>, Trouble> {
        let Some((file, size)) = self.open_blob(digest)? else { return Ok(None) };
        if size <= SMALL {
            let whole = read::whole(file, digest, size).await?;
            let bytes = match range {
                Some(range) => slice(&whole, &range),
                None => whole,
            };
            return Ok(Some(Blob { size, bytes: Box::pin(futures::stream::once(async move { Ok(bytes) })) }));
        }
        let sums = match self.sums.get(digest) {
            Some(sums) => sums,
            None => blocking(|| self.load_sums(digest, &file, size))?,
        };
        Ok(Some(Blob { size, bytes: read::stream(file, digest.clone(), size, (sums, self.buffers.clone()), range) }))
    }

    async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble> {
        let Some((file, size)) = self.open_blob(digest)? else { return Ok(None) };
        if size > limit {
            let much = format!("it has {size} bytes, and at most {limit} were expected");
            return Err(Trouble::new(format!("read `{digest}`"), much));
        }
        read::whole(file, digest, size).await.map(Some)
    }

    async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        blocking(|| self.put_blocking(digest, &bytes))
    }

    async fn delete(&self, digest: &Digest) -> Result<bool, Trouble> {
        let path = self.path("blobs", digest);
        self.sums.remove(digest);
        let _ = fs::remove_file(self.path("sums", digest));
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(trouble("remove", &path, error)),
        }
    }

    async fn verify(&self, digest: &Digest) -> Result<Option<bool>, Trouble> {
        let Some((file, _)) = self.open_blob(digest)? else { return Ok(None) };
        blocking(|| read::verify(&file, digest)).map(|sums| Some(sums.is_some()))
    }

    async fn list(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble> {
        self.digests("blobs", after, limit)
    }

    async fn set_aside(&self, digest: &Digest) -> Result<bool, Trouble> {
        let (from, folder) = (self.path("blobs", digest), self.root.join("damaged"));
        self.sums.remove(digest);
        let _ = fs::remove_file(self.path("sums", digest));
        fs::create_dir_all(&folder).map_err(|error| trouble("make", &folder, error))?;
        match fs::rename(&from, folder.join(digest.hex())) {
            Ok(()) => self.sync_folder(from.parent().unwrap_or(&self.root)).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(trouble("set aside", &from, error)),
        }
    }

    fn writable(&self) -> Result<(), String> {
        self.stopped.get().map_or(Ok(()), |reason| Err(reason.clone()))
    }

    async fn begin_upload(&self, owner: &str, algorithm: Algorithm) -> Result<UploadId, Trouble> {
        self.expect_writable()?;
        self.begin(owner, algorithm)
    }

    async fn upload_offset(&self, id: &UploadId) -> Result<u64, UploadError> {
        Ok(self.upload(id)?.size())
    }

    async fn append(&self, id: &UploadId, offset: u64, bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        self.expect_writable()?;
        self.upload(id)?.append(offset, bytes, limit).await
    }

    async fn finish_upload(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        self.expect_writable()?;
        self.finish(id, digest).await
    }

    async fn cancel_upload(&self, id: &UploadId) -> Result<(), UploadError> {
        self.cancel(id).await
    }

    async fn collect_uploads(&self, older_than: Duration) -> Result<usize, Trouble> {
        blocking(|| self.collect_stale(older_than))
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The names in a folder, in order; none if there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>, Trouble> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(trouble("list", folder, error)),
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn trouble(verb: &str, path: &Path, error: io::Error) -> Trouble {
    Trouble::new(format!("{verb} `{}`", path.display()), error)
}

fn damaged(digest: &Digest) -> Trouble {
    Trouble::new(format!("read `{digest}`"), "its bytes on the disk are damaged; `selfsame scrub` lists what is")
}
