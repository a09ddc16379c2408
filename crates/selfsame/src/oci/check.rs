//! Reads a blob to check it, and keeps nothing of it.

use domain::{Digest, Hasher};
use reqwest::Method;

use super::{Registry, refuse};
use crate::outcome::{Failure, Outcome};

impl Registry {
    /// Pulls a blob of `size` bytes and computes its digest; other bytes, more or fewer are a failure.
    pub async fn check_blob(&self, digest: &Digest, size: u64) -> Outcome {
        let mut response = refuse(self.send(|| self.ask(Method::GET, &["blobs", digest.as_str()])).await?).await?;
        let (mut hasher, mut read) = (Hasher::new(digest.algorithm()), 0);
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| Failure::broken(format!("the download broke off after {read} bytes: {error}")))?
        {
            read += piece.len() as u64;
            if read > size {
                return Err(Failure::broken(format!("more bytes arrived than the {size} that the manifest names")));
            }
            hasher.update(&piece);
        }
        let actual = hasher.finish();
        if actual == *digest { Ok(()) } else { Err(Failure::broken(format!("it arrived with the digest `{actual}`"))) }
    }
}
