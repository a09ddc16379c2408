//! Uploads: files that grow, hashed while they do.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use domain::{Algorithm, Digest, Hasher};
use engine::ports::{ByteStream, Trouble, UploadError, UploadId};
use futures::StreamExt;
use tokio::sync::{Mutex, MutexGuard, watch};

use super::{
    Directory,
    read::{Hashed, hash_file},
    trouble,
};
use crate::waiting::blocking;

/// An upload. No file is open between two appends, so there may be many of them.
pub(super) struct Upload {
    id: UploadId,
    path: PathBuf,
    /// What its bytes are hashed by while they come.
    algorithm: Algorithm,
    /// How many bytes there are; to be read while an append waits for its client.
    size: AtomicU64,
    progress: Mutex<Progress>,
    /// How many requests came for it: each waits for those before it, and the last need not wait for one that stalls.
    came: watch::Sender<u64>,
}

#[derive(Default)]
struct Progress {
    /// What the file has, hashed; `None` if only the file itself can tell.
    hashed: Option<Hashed>,
    /// Whether it was finished, cancelled or collected.
    ended: bool,
}

/// How long a request may go without a byte while another waits for it.
const STALLED: Duration = Duration::from_secs(1);

/// An upload whose name nobody else has.
pub(crate) fn new_id(owner: &str) -> Result<UploadId, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Trouble::new("draw a random name", error))?;
    Ok(UploadId::new(bytes, owner))
}

impl Upload {
    fn new(id: UploadId, path: PathBuf, algorithm: Algorithm, size: u64) -> Self {
        let (size, progress, came) = (AtomicU64::new(size), Mutex::default(), watch::Sender::new(0));
        Self { id, path, algorithm, size, progress, came }
    }

    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub async fn append(&self, offset: u64, mut bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        // Asked for without the lock, too: an earlier append may wait long for a client that is gone.
        self.expect_at(offset)?;
        let (number, mut progress) = self.turn().await;
        let mut file = blocking(|| self.open(&mut progress))?;
        self.expect_at(offset)?;
        let mut left = limit;
        loop {
            let piece = tokio::select! {
                biased;
                piece = bytes.next() => piece,
                () = self.superseded(number) => {
                    return Err(UploadError::Interrupted("no bytes came, and another request goes on with it".into()));
                }
            };
            let Some(piece) = piece else { break };
            let piece = piece.map_err(|error| UploadError::Interrupted(error.to_string()))?;
            let over = || UploadError::Interrupted(format!("there are more than {limit} bytes"));
            left = left.checked_sub(piece.len() as u64).ok_or_else(over)?;
            if let Err(error) = blocking(|| self.write(&mut progress, &mut file, &piece)) {
                self.take_back(&mut progress, &file, offset);
                return Err(self.trouble("write", error).into());
            }
        }
        Ok(self.size())
    }

    /// Waits for the requests before this one; its number, and what they came to.
    async fn turn(&self) -> (u64, MutexGuard<'_, Progress>) {
        let mut number = 0;
        self.came.send_modify(|came| {
            *came += 1;
            number = *came;
        });
        (number, self.progress.lock().await)
    }

    /// Ready once another request waits and has given this one time.
    async fn superseded(&self, number: u64) {
        let _ = self.came.subscribe().wait_for(|came| *came > number).await;
        tokio::time::sleep(STALLED).await;
    }

    fn expect_at(&self, offset: u64) -> Result<(), UploadError> {
        let stands_at = self.size();
        if offset == stands_at { Ok(()) } else { Err(UploadError::OutOfOrder { stands_at, begins_at: offset }) }
    }

    /// Opens the file, and makes sure that what is known of it is what it has.
    fn open(&self, progress: &mut Progress) -> Result<File, UploadError> {
        if progress.ended {
            return Err(UploadError::Unknown(self.id.clone()));
        }
        let file = File::options().read(true).append(true).open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => UploadError::Unknown(self.id.clone()),
            _ => self.trouble("open", error).into(),
        })?;
        let size = file.metadata().map_err(|error| self.trouble("open", error))?.len();
        if progress.hashed.as_ref().is_none_or(|hashed| hashed.size != size) {
            let hashed = hash_file(&file, Hasher::new(self.algorithm)).map_err(|error| self.trouble("read", error))?;
            self.size.store(hashed.size, Ordering::Release);
            progress.hashed = Some(hashed);
        }
        Ok(file)
    }

    /// Gives back what an append took that the disk could not hold, so that a full disk does not stay full of halves.
    fn take_back(&self, progress: &mut Progress, file: &File, offset: u64) {
        progress.hashed = None;
        if file.set_len(offset).is_ok() {
            self.size.store(offset, Ordering::Release);
        }
    }

    /// Writes a piece.
    fn write(&self, progress: &mut Progress, file: &mut File, piece: &[u8]) -> io::Result<()> {
        // Taken out, and put back only if file and hash agree.
        let hashed = progress.hashed.take();
        file.write_all(piece)?;
        if let Some(mut hashed) = hashed {
            hashed.update(piece);
            self.size.store(hashed.size, Ordering::Release);
            progress.hashed = Some(hashed);
        }
        Ok(())
    }

    fn trouble(&self, verb: &str, error: io::Error) -> Trouble {
        trouble(verb, &self.path, error)
    }
}

impl Directory {
    pub(super) fn begin(&self, owner: &str, algorithm: Algorithm) -> Result<UploadId, Trouble> {
        let id = new_id(owner)?;
        let path = self.upload_path(&id);
        File::create_new(&path).map_err(|error| trouble("make", &path, error))?;
        let upload = Arc::new(Upload::new(id.clone(), path, algorithm, 0));
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), upload);
        Ok(id)
    }

    /// The upload `id`: as it is known, or from its file.
    pub(super) fn upload(&self, id: &UploadId) -> Result<Arc<Upload>, UploadError> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upload) = uploads.get(id) {
            return Ok(upload.clone());
        }
        let path = self.upload_path(id);
        let size = fs::metadata(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => UploadError::Unknown(id.clone()),
            _ => trouble("open", &path, error).into(),
        })?;
        // What it was begun with is forgotten in a restart; most are SHA-256.
        let upload = Arc::new(Upload::new(id.clone(), path, Algorithm::Sha256, size.len()));
        uploads.insert(id.clone(), upload.clone());
        Ok(upload)
    }

    pub(super) async fn finish(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        let upload = self.upload(id)?;
        let (_, mut progress) = upload.turn().await;
        let finished = blocking(|| self.make_blob(&upload, &mut progress, digest));
        // What could not be synced is lost, whatever a second sync would say.
        let over = matches!(finished, Ok(_) | Err(UploadError::DigestMismatch { .. }));
        if over || self.expect_writable().is_err() {
            self.forget(&upload, &mut progress);
        }
        finished
    }

    fn make_blob(&self, upload: &Upload, progress: &mut Progress, digest: &Digest) -> Result<u64, UploadError> {
        let file = upload.open(progress)?;
        let hashed = match &progress.hashed {
            Some(hashed) if upload.algorithm == digest.algorithm() => hashed.clone(),
            _ => hash_file(&file, Hasher::new(digest.algorithm())).map_err(|error| upload.trouble("read", error))?,
        };
        let (actual, sums, size) = hashed.finish();
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        file.sync_data().map_err(|error| self.stop(&upload.path, error))?;
        self.adopt(&upload.path, digest, size, &sums)?;
        Ok(size)
    }

    pub(super) async fn cancel(&self, id: &UploadId) -> Result<(), UploadError> {
        let upload = self.upload(id)?;
        let (_, mut progress) = upload.turn().await;
        if progress.ended {
            return Err(UploadError::Unknown(id.clone()));
        }
        self.forget(&upload, &mut progress);
        Ok(())
    }

    /// Discards what is left of an upload.
    fn forget(&self, upload: &Upload, progress: &mut Progress) {
        progress.ended = true;
        // The file first: whoever asks in between finds the upload, and that it has ended.
        let _ = fs::remove_file(&upload.path);
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&upload.id);
    }

    pub(super) fn collect_stale(&self, older_than: Duration) -> Result<usize, Trouble> {
        let folder = self.root.join("uploads");
        let mut collected = 0;
        for entry in fs::read_dir(&folder).map_err(|error| trouble("list", &folder, error))? {
            let path = entry.map_err(|error| trouble("list", &folder, error))?.path();
            let touched = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = touched.ok().and_then(|touched| SystemTime::now().duration_since(touched).ok());
            if age.is_some_and(|age| age >= older_than) && self.collect(&path) {
                collected += 1;
            }
        }
        Ok(collected)
    }

    /// Discards one, unless somebody is at work on it.
    fn collect(&self, path: &std::path::Path) -> bool {
        let id = path.file_name().and_then(|name| name.to_str()?.parse::<UploadId>().ok());
        let Some(upload) = id.and_then(|id| self.upload(&id).ok()) else { return fs::remove_file(path).is_ok() };
        let Ok(mut progress) = upload.progress.try_lock() else { return false };
        self.forget(&upload, &mut progress);
        true
    }
}
