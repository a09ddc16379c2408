//! Fetches a blob into a file: its digest is computed while it is written, and only the right bytes get the file's name.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use domain::{Digest, Hasher};
use reqwest::{Method, Response, StatusCode, header};

use super::{Descriptor, PAUSES, Registry, is_later, refuse};
use crate::outcome::{Failure, Outcome};

/// A file that is being written, and vanishes unless it is kept.
struct Partial {
    path: PathBuf,
    file: fs::File,
    hasher: Hasher,
    written: u64,
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Registry {
    /// Fetches a blob into the file `target`. `progress` is told how many bytes are there.
    pub async fn fetch_blob(&self, blob: &Descriptor, target: &Path, mode: u32, progress: impl Fn(u64)) -> Outcome {
        let mut partial = Partial::create(target, mode, &blob.digest).map_err(|error| Failure::file(target, &error))?;
        let mut pauses = PAUSES.into_iter();
        while partial.written < blob.size || blob.size == 0 {
            let before = partial.written;
            match self.fetch_rest(blob, &mut partial, &progress).await {
                Ok(()) => break,
                Err((failure, may_repeat)) => {
                    let Some(pause) = pauses.next().filter(|_| may_repeat) else { return Err(failure) };
                    // Whoever comes forward may go on for as long as it takes.
                    if partial.written > before {
                        pauses = PAUSES.into_iter();
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
        partial.keep(blob, target)
    }

    async fn fetch_rest(
        &self,
        blob: &Descriptor,
        partial: &mut Partial,
        progress: &impl Fn(u64),
    ) -> Result<(), (Failure, bool)> {
        let request = self.ask(Method::GET, &["blobs", blob.digest.as_str()]);
        let request = match partial.written {
            0 => request,
            from => request.header(header::RANGE, format!("bytes={from}-")),
        };
        let response = request.send().await.map_err(|error| (self.broken(&error), true))?;
        let may_repeat = is_later(response.status());
        let ranged = response.status() == StatusCode::PARTIAL_CONTENT;
        let response = refuse(response).await.map_err(|failure| (failure, may_repeat))?;
        if partial.written > 0 && !ranged {
            return Err((Failure::broken("the registry cannot go on where the download broke off"), false));
        }
        partial.take(response, blob.size, progress).await
    }
}

impl Partial {
    fn create(target: &Path, mode: u32, digest: &Digest) -> io::Result<Self> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let path = folder.join(format!(".{}-{}.part", digest.short(), std::process::id()));
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path)?;
        Ok(Self { path, file, hasher: Hasher::new(digest.algorithm()), written: 0 })
    }

    async fn take(
        &mut self,
        mut response: Response,
        size: u64,
        progress: &impl Fn(u64),
    ) -> Result<(), (Failure, bool)> {
        loop {
            let piece = response.chunk().await;
            let piece = piece.map_err(|error| {
                (Failure::broken(format!("the download broke off after {} bytes: {error}", self.written)), true)
            })?;
            let Some(piece) = piece else { break };
            self.written += piece.len() as u64;
            if self.written > size {
                return Err((
                    Failure::broken(format!("more bytes arrived than the {size} that the manifest names")),
                    false,
                ));
            }
            self.hasher.update(&piece);
            self.file.write_all(&piece).map_err(|error| (Failure::file(&self.path, &error), false))?;
            progress(self.written);
        }
        if self.written < size {
            return Err((Failure::broken(format!("the download ended after {} of {size} bytes", self.written)), true));
        }
        Ok(())
    }

    /// Gives the file its name, if its bytes are those of the digest.
    fn keep(self, blob: &Descriptor, target: &Path) -> Outcome {
        let digest = self.hasher.clone().finish();
        if digest != blob.digest {
            return Err(Failure::broken(format!(
                "`{}` arrived with the digest `{digest}`: it is refused",
                blob.digest
            )));
        }
        let kept = self.file.sync_all().and_then(|()| fs::rename(&self.path, target));
        kept.map_err(|error| Failure::file(target, &error))
    }
}
