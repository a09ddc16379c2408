//! [`Shelf`]: where the audit reads blobs from.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use domain::{Digest, Hasher, RepositoryName};
use engine::{
    manifest::MANIFEST_BYTES_MAX,
    ports::{Blobs, Tier},
};

use crate::{
    context::Context,
    oci::{Reference, Registry},
    outcome::{Failure, Outcome},
};

/// How many bytes are read at once.
const CHUNK: usize = 256 * 1024;

/// Where blobs are read from.
pub enum Shelf {
    /// The folder that holds `blobs/`. It is only read, so whoever has it open is not disturbed, and it may be a copy.
    Files(PathBuf),
    /// Whatever a stopped server keeps them in.
    Stored(Arc<dyn Blobs>),
    /// The registry of a server.
    Server(Box<Context>),
}

/// What became of reading a blob.
pub enum Found<T> {
    /// Its bytes have its digest.
    Intact(T),
    /// They have not, or are not there; this is how.
    Wrong(String),
    /// The server says that it is held, so that nobody gets it.
    Held,
    /// It cannot be read from here; this is why.
    Unread(String),
}

impl Shelf {
    /// The whole of a manifest.
    pub async fn manifest(&self, digest: &Digest, repository: &RepositoryName) -> Outcome<Found<Bytes>> {
        match self {
            Self::Files(root) => Ok(match read_small(&path(root, "blobs", digest)) {
                Ok(Some(bytes)) if Digest::of(digest.algorithm(), &bytes) == *digest => Found::Intact(bytes.into()),
                Ok(Some(_)) => Found::Wrong("is damaged".into()),
                Ok(None) => Found::Wrong("is missing".into()),
                Err(error) => Found::Wrong(format!("cannot be read: {error}")),
            }),
            Self::Stored(blobs) => Ok(match blobs.read(digest, MANIFEST_BYTES_MAX as u64).await {
                Ok(Some(bytes)) => Found::Intact(bytes),
                Ok(None) => Found::Wrong("is missing".into()),
                Err(trouble) => Found::Wrong(format!("cannot be read: {trouble}")),
            }),
            Self::Server(context) => {
                let registry = Registry::new(context, repository.clone())?;
                let fetched = registry.fetch(&Reference::Digest(digest.clone())).await;
                Ok(answered(fetched.map(|fetched| fetched.bytes), repository))
            }
        }
    }

    /// Reads all of a blob, which has `size` bytes.
    pub async fn blob(&self, digest: &Digest, size: u64, repository: &RepositoryName) -> Outcome<Found<()>> {
        match self {
            Self::Files(root) => Ok(file(root, digest)),
            Self::Stored(blobs) => Ok(stored(&**blobs, digest).await),
            Self::Server(context) => {
                let registry = Registry::new(context, repository.clone())?;
                Ok(answered(registry.check_blob(digest, size).await, repository))
            }
        }
    }

    /// Reads all of a document. A server has them in no repository, and hands them out nowhere.
    pub async fn document(&self, digest: &Digest) -> Option<Found<()>> {
        match self {
            Self::Files(root) => Some(file(root, digest)),
            Self::Stored(blobs) => Some(stored(&**blobs, digest).await),
            Self::Server(_) => None,
        }
    }
}

fn file(root: &Path, digest: &Digest) -> Found<()> {
    // What is not at hand may lie in the archive.
    let hashed = match hash(&path(root, "blobs", digest), digest) {
        Ok(None) => hash(&path(root, "archive", digest), digest),
        hashed => hashed,
    };
    match hashed {
        Ok(Some(actual)) if actual == *digest => Found::Intact(()),
        Ok(Some(_)) => Found::Wrong("is damaged".into()),
        Ok(None) => Found::Wrong("is missing".into()),
        Err(error) => Found::Wrong(format!("cannot be read: {error}")),
    }
}

async fn stored(blobs: &dyn Blobs, digest: &Digest) -> Found<()> {
    let verified = match blobs.verify(digest).await {
        Ok(None) => blobs.verify_away(digest, Tier::Archive).await,
        verified => verified,
    };
    match verified {
        Ok(Some(true)) => Found::Intact(()),
        Ok(Some(false)) => Found::Wrong("is damaged".into()),
        Ok(None) => Found::Wrong("is missing".into()),
        Err(trouble) => Found::Wrong(format!("cannot be read: {trouble}")),
    }
}

/// What a server's answer says about the blob.
fn answered<T>(answer: Outcome<T>, repository: &RepositoryName) -> Found<T> {
    match answer {
        Ok(bytes) => Found::Intact(bytes),
        Err(Failure::Refused(problem)) => match problem.code.as_str() {
            "held" => Found::Held,
            "manifest-unknown" | "blob-unknown" | "name-unknown" => {
                Found::Wrong(format!("is not served from `{repository}`"))
            }
            _ => Found::Unread(problem.detail),
        },
        Err(failure) => Found::Wrong(format!("cannot be read: {failure}")),
    }
}

/// The file of a blob: as a data directory lays it out.
fn path(root: &Path, folder: &str, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    root.join(folder).join(digest.algorithm().to_string()).join(&hex[..2]).join(hex)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_small(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    // One byte too many is enough to have another digest.
    file.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn hash(path: &Path, digest: &Digest) -> io::Result<Option<Digest>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let mut hasher = Hasher::new(digest.algorithm());
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hasher.finish())),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
