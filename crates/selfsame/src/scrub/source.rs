//! [`Source`]: where sound bytes may be found for a blob that is damaged here. Nothing that comes from there is believed: it becomes the blob only
//! if it has the digest.

use std::{fmt, io, path::PathBuf, str::FromStr, time::Duration};

use domain::{Digest, RepositoryName};
use engine::ports::{ByteStream, Trouble};
use futures::StreamExt;
use reqwest::{StatusCode, Url, header};
use tokio_util::io::ReaderStream;

/// How many bytes are read from a file at once.
const BUFFER: usize = 256 << 10;
/// What manifests may be, as a registry is asked for them.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";

/// Where sound bytes may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A data directory or a copy of one, or any folder that has `blobs/sha256/...`, such as an OCI layout.
    Folder(PathBuf),
    /// A registry with the same repositories.
    Registry(Url),
}

/// Where a digest is known here, and so may be there.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Repositories that have it as a blob.
    pub blobs: Vec<RepositoryName>,
    /// Repositories that have it as a manifest.
    pub manifests: Vec<RepositoryName>,
}

/// Asks sources for bytes.
pub struct Fetcher {
    http: reqwest::Client,
    token: Option<String>,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::Folder(text.into()));
        }
        let url: Url = text.parse().map_err(|error| format!("`{text}` is no address: {error}"))?;
        match url.scheme() {
            "http" | "https" if !url.cannot_be_a_base() && url.username().is_empty() && url.password().is_none() => {
                Ok(Self::Registry(url))
            }
            "http" | "https" => Err("name no user in the address: the token comes from --repair-token-file".into()),
            _ => Err(format!("`{text}` is no source: write a folder, or `https://HOST` of a registry")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Registry(url) => write!(f, "{url}"),
        }
    }
}

impl Fetcher {
    /// One that shows registries `token`.
    pub fn new(token: Option<String>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            // Registries send one elsewhere for blobs. What comes from there is checked like all else, and the token does not go along.
            .redirect(reqwest::redirect::Policy::limited(5))
            .build()?;
        Ok(Self { http, token })
    }

    /// What `source` gives for `digest`; `None` if it has nothing of that name.
    pub async fn fetch(
        &self,
        source: &Source,
        digest: &Digest,
        places: &Places,
    ) -> Result<Option<ByteStream>, Trouble> {
        match source {
            Source::Folder(folder) => in_folder(folder, digest).await,
            Source::Registry(base) => {
                let blobs = places.blobs.iter().map(|name| (name, "blobs"));
                let manifests = places.manifests.iter().map(|name| (name, "manifests"));
                for (repository, kind) in manifests.chain(blobs) {
                    if let Some(bytes) = self.in_registry(base, repository, kind, digest).await? {
                        return Ok(Some(bytes));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn in_registry(
        &self,
        base: &Url,
        repository: &RepositoryName,
        kind: &str,
        digest: &Digest,
    ) -> Result<Option<ByteStream>, Trouble> {
        let trouble = |error: reqwest::Error| Trouble::new(format!("ask `{base}` for `{digest}`"), error);
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let repository = repository.as_str().split('/');
            segments.pop_if_empty().push("v2").extend(repository).extend([kind, digest.as_str()]);
        }
        let request = self.http.get(url).header(header::ACCEPT, if kind == "manifests" { MANIFESTS } else { "*/*" });
        let request = match &self.token {
            Some(token) => request.basic_auth("selfsame", Some(token)),
            None => request,
        };
        let response = request.send().await.map_err(trouble)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => {
                return Err(Trouble::new(format!("ask `{base}` for `{digest}`"), format!("it answered `{status}`")));
            }
        }
        let base = base.clone();
        let broken = move |error| Trouble::new(format!("read from `{base}`"), error);
        Ok(Some(Box::pin(response.bytes_stream().map(move |piece| piece.map_err(&broken)))))
    }
}

async fn in_folder(folder: &std::path::Path, digest: &Digest) -> Result<Option<ByteStream>, Trouble> {
    let hex = digest.hex();
    let below = folder.join("blobs").join(digest.algorithm().to_string());
    // As a data directory has it, and as an OCI layout has it.
    for file in [below.join(&hex[..2]).join(hex), below.join(hex)] {
        match tokio::fs::File::open(&file).await {
            Ok(opened) => {
                let broken = move |error: io::Error| Trouble::new(format!("read `{}`", file.display()), error);
                let pieces = ReaderStream::with_capacity(opened, BUFFER);
                return Ok(Some(Box::pin(pieces.map(move |piece| piece.map_err(&broken)))));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Trouble::new(format!("read `{}`", file.display()), error)),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_source_is_a_folder_or_a_registry() {
        for (text, expected) in [
            ("/srv/backup", "folder /srv/backup"),
            ("backup", "folder backup"),
            ("https://mirror.example", "registry https://mirror.example/"),
            ("http://127.0.0.1:5000/prefix", "registry http://127.0.0.1:5000/prefix"),
            ("https://ada:secret@mirror.example", "name no user in the address"),
            ("ftp://mirror.example", "`ftp://mirror.example` is no source"),
            ("https://", "`https://` is no address"),
        ] {
            let found = match text.parse() {
                Ok(Source::Folder(folder)) => format!("folder {}", folder.display()),
                Ok(Source::Registry(url)) => format!("registry {url}"),
                Err(problem) => problem,
            };
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }
}
