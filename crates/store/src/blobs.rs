//! [`Directory`]: bytes by digest, as files.
//!
//! ```text
//! data/
//!   blobs/sha256/ab/<64 digits>    the bytes, and nothing else: `sha256sum` gives the name
//!   blobs/sha512/cd/<128 digits>
//!   sums/sha256/ab/<64 digits>     the checksums of its 256 KiB chunks, derived; none for small blobs
//!   uploads/<32 digits>            an upload on its way
//! ```
//!
//! A blob is written to `uploads/`, synced, renamed into place, and its folder synced. So what stands under a digest is whole.
//!
//! Reading checks every byte before it is handed out. A full SHA-256 for each pull would cost more than all the rest of it, so chunks are
//! checked with XXH3 against the sums that were taken while the blob was written and its digest was verified; see
//! `docs/decisions/0004-verified-reads.md`.

mod read;
mod sums;
#[cfg(test)]
mod tests;
mod upload;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest};
use engine::ports::{Blob, BlobRange, Blobs, ByteStream, Trouble, UploadError, UploadId};

use sums::{Chunks, SumCache};
use upload::Upload;

/// How many bytes are checked, and read, at once.
const CHUNK: usize = 256 * 1024;
/// Blobs up to this size have no sums: their digest is computed at each read.
const SMALL: u64 = 64 * 1024;

/// Blobs in a directory.
pub struct Directory {
    root: PathBuf,
    uploads: Mutex<BTreeMap<UploadId, Arc<tokio::sync::Mutex<Upload>>>>,
    sums: SumCache,
}

impl Directory {
    /// Opens the directory below `root`, making it if needed.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        for folder in ["blobs/sha256", "blobs/sha512", "sums/sha256", "sums/sha512", "uploads"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(|error| trouble("make", &folder, error))?;
        }
        Ok(Self { root: root.to_owned(), uploads: Mutex::default(), sums: SumCache::default() })
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

    /// The sums of a blob: from the cache, from its file, or taken anew while its whole digest is verified.
    fn sums_of(&self, digest: &Digest, file: &File, size: u64) -> Result<Arc<Vec<u64>>, Trouble> {
        if let Some(sums) = self.sums.get(digest) {
            return Ok(sums);
        }
        let path = self.path("sums", digest);
        let stored = fs::read(&path).ok().and_then(|bytes| sums::decode(&bytes, size));
        let sums = match stored {
            Some(sums) => sums,
            None => {
                let sums = read::verify_whole(file, digest)?.ok_or_else(|| damaged(digest))?;
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

    fn keep_sums(&self, digest: &Digest, size: u64, sums: &[u64]) -> io::Result<()> {
        let path = self.path("sums", digest);
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        let temporary = path.with_extension("new");
        fs::write(&temporary, sums::encode(size, sums))?;
        fs::rename(&temporary, &path)
    }

    /// Puts a synced file under its digest.
    fn adopt(&self, from: &Path, digest: &Digest, size: u64, sums: &[u64]) -> io::Result<()> {
        let to = self.path("blobs", digest);
        let folder = to.parent().unwrap_or(&self.root);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            File::open(folder.parent().unwrap_or(&self.root))?.sync_all()?;
        }
        if size > SMALL {
            self.keep_sums(digest, size, sums)?;
        }
        fs::rename(from, &to)?;
        File::open(folder)?.sync_all()
    }

    /// Discards uploads that nobody has touched for `older_than`; answers with how many.
    pub fn collect_uploads(&self, older_than: Duration) -> Result<usize, Trouble> {
        let folder = self.root.join("uploads");
        let mut collected = 0;
        for entry in fs::read_dir(&folder).map_err(|error| trouble("list", &folder, error))? {
            let path = entry.map_err(|error| trouble("list", &folder, error))?.path();
            let touched = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = touched.ok().and_then(|touched| SystemTime::now().duration_since(touched).ok());
            if age.is_some_and(|age| age >= older_than) && fs::remove_file(&path).is_ok() {
                let id = path.file_name().and_then(|name| name.to_str()?.parse().ok());
                id.and_then(|id: UploadId| self.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&id));
                collected += 1;
            }
        }
        Ok(collected)
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
            let whole = tokio::task::block_in_place(|| read::small(&file, digest, size))?;
            let bytes = match range {
                Some(range) => read::slice(&whole, &range),
                None => whole,
            };
            return Ok(Some(Blob { size, bytes: Box::pin(futures::stream::once(async move { Ok(bytes) })) }));
        }
        let sums = tokio::task::block_in_place(|| self.sums_of(digest, &file, size))?;
        Ok(Some(Blob { size, bytes: read::stream(file, digest.clone(), size, sums, range) }))
    }

    async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble> {
        let Some((file, size)) = self.open_blob(digest)? else { return Ok(None) };
        if size > limit {
            return Err(Trouble::new(
                format!("read `{digest}`"),
                format!("it has {size} bytes, and at most {limit} were expected"),
            ));
        }
        tokio::task::block_in_place(|| read::small(&file, digest, size)).map(Some)
    }

    async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError> {
        let actual = Digest::of(digest.algorithm(), &bytes);
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        if self.open_blob(digest)?.is_some() {
            return Ok(());
        }
        let path = self.upload_path(&upload::new_id()?);
        tokio::task::block_in_place(|| {
            let mut chunks = Chunks::default();
            chunks.update(&bytes);
            let mut file = File::create(&path)?;
            file.write_all(&bytes)?;
            file.sync_data()?;
            self.adopt(&path, digest, bytes.len() as u64, &chunks.finish())
        })
        .map_err(|error| {
            let _ = fs::remove_file(&path);
            trouble("write", &path, error).into()
        })
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
        tokio::task::block_in_place(|| read::verify_whole(&file, digest)).map(|sums| Some(sums.is_some()))
    }

    async fn list(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble> {
        let mut found = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let folder = self.root.join("blobs").join(algorithm.to_string());
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

    async fn begin_upload(&self) -> Result<UploadId, Trouble> {
        self.begin()
    }

    async fn upload_offset(&self, id: &UploadId) -> Result<u64, UploadError> {
        let upload = self.upload(id)?;
        let upload = upload.lock().await;
        Ok(upload.size())
    }

    async fn append(&self, id: &UploadId, offset: u64, bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        let upload = self.upload(id)?;
        let mut upload = upload.lock().await;
        upload.append(offset, bytes, limit).await
    }

    async fn finish_upload(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        let upload = self.upload(id)?;
        let mut upload = upload.lock().await;
        let finished = tokio::task::block_in_place(|| self.finish(&mut upload, id, digest));
        if matches!(finished, Ok(_) | Err(UploadError::DigestMismatch { .. })) {
            self.forget(id);
        }
        finished
    }

    async fn cancel_upload(&self, id: &UploadId) -> Result<(), UploadError> {
        let upload = self.upload(id)?;
        let _last = upload.lock().await;
        self.forget(id);
        Ok(())
    }
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
