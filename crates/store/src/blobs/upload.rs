//! Uploads: files that grow, hashed while they do.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use domain::{Algorithm, Digest};
use engine::ports::{ByteStream, Trouble, UploadError, UploadId};
use futures::StreamExt;
use tokio::sync::Mutex;

use super::{
    Directory,
    read::{Hasher, hash_file},
    sums::Chunks,
    trouble,
};

/// An upload, with the hash of what it has so far.
pub(super) struct Upload {
    path: PathBuf,
    file: File,
    size: u64,
    hasher: Hasher,
    chunks: Chunks,
}

/// A name that nobody else has.
pub(super) fn new_id() -> Result<UploadId, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Trouble::new("draw a random name", error))?;
    Ok(UploadId::from_random(bytes))
}

impl Upload {
    /// Goes on with a file, hashing what it has.
    fn resume(path: PathBuf) -> io::Result<Self> {
        let file = File::options().read(true).append(true).open(&path)?;
        let (hasher, chunks, size) = hash_file(&file, Hasher::new(Algorithm::Sha256))?;
        Ok(Self { path, file, size, hasher, chunks })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn append(&mut self, offset: u64, mut bytes: ByteStream, limit: u64) -> Result<u64, UploadError> {
        if offset != self.size {
            return Err(UploadError::OutOfOrder { stands_at: self.size, begins_at: offset });
        }
        let mut taken = 0;
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|error| UploadError::Interrupted(error.to_string()))?;
            taken += piece.len() as u64;
            if taken > limit {
                return Err(UploadError::Interrupted(format!("there are more than {limit} bytes")));
            }
            tokio::task::block_in_place(|| self.write(&piece)).map_err(|error| trouble("write", &self.path, error))?;
        }
        Ok(self.size)
    }

    /// Writes a piece whole; if that fails, the upload is as long as it was before.
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(piece) {
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.hasher.update(piece);
        self.chunks.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }

    fn digest(&self, algorithm: Algorithm) -> io::Result<Digest> {
        match algorithm {
            Algorithm::Sha256 => Ok(self.hasher.clone().finish()),
            Algorithm::Sha512 => hash_file(&self.file, Hasher::new(algorithm)).map(|(hasher, ..)| hasher.finish()),
        }
    }
}

impl Directory {
    pub(super) fn begin(&self) -> Result<UploadId, Trouble> {
        let id = new_id()?;
        let path = self.upload_path(&id);
        let made = File::create_new(&path).and_then(|_| Upload::resume(path.clone()));
        let upload = made.map_err(|error| trouble("make", &path, error))?;
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Arc::new(Mutex::new(upload)));
        Ok(id)
    }

    /// The upload `id`: as it is known, or from its file after a restart.
    pub(super) fn upload(&self, id: &UploadId) -> Result<Arc<Mutex<Upload>>, UploadError> {
        if let Some(upload) = self.uploads.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(upload.clone());
        }
        let path = self.upload_path(id);
        let resumed = tokio::task::block_in_place(|| Upload::resume(path.clone()));
        let upload = resumed.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => UploadError::Unknown(id.clone()),
            _ => trouble("open", &path, error).into(),
        })?;
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(uploads.entry(id.clone()).or_insert_with(|| Arc::new(Mutex::new(upload))).clone())
    }

    pub(super) fn finish(&self, upload: &mut Upload, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        if !upload.path.exists() {
            // Whoever held the upload before has finished or cancelled it.
            return Err(UploadError::Unknown(id.clone()));
        }
        let actual = upload.digest(digest.algorithm()).map_err(|error| trouble("read", &upload.path, error))?;
        if actual != *digest {
            return Err(UploadError::DigestMismatch { claimed: digest.clone(), actual });
        }
        let finish = || {
            upload.file.sync_data()?;
            self.adopt(&upload.path, digest, upload.size, &upload.chunks.clone().finish())
        };
        finish().map_err(|error| trouble("finish", &upload.path, error))?;
        Ok(upload.size)
    }

    /// Discards what is left of an upload.
    pub(super) fn forget(&self, id: &UploadId) {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let _ = fs::remove_file(self.upload_path(id));
    }
}
