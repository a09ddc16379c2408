//! [`Mirror`]: a static copy of the published ledger, behind any file server.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{StatusCode, Url};
use tlog::Note;

use super::source::FILE_BYTES_MAX;
use crate::outcome::{Failure, Outcome};

/// A folder that holds `checkpoint` and `tile/`, served as it is. No token is ever sent to it.
pub struct Mirror {
    http: reqwest::Client,
    base: Url,
}

impl Mirror {
    /// The static copy at `url`; `None` if there is no checkpoint directly below it, as on a Selfsame server.
    pub async fn at(url: &str) -> Outcome<Option<Self>> {
        let Ok(base) = url.parse::<Url>() else { return Ok(None) };
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Ok(None);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::broken(format!("could not prepare to speak to `{url}`: {error}")))?;
        let mirror = Self { http, base };
        // Whatever is wrong is told by what asks next.
        let checkpoint = mirror.file("checkpoint").await.ok().flatten();
        Ok(checkpoint.is_some_and(|bytes| Note::parse(&bytes).is_ok()).then_some(mirror))
    }

    /// The file at `path`; `None` if there is none.
    pub async fn file(&self, path: &str) -> Outcome<Option<Bytes>> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let broken =
            |error: reqwest::Error| Failure::broken(format!("could not read `{path}` of `{}`: {error}", self.base));
        let mut response = self.http.get(url).send().await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status => return Err(Failure::broken(format!("`{}` answered `{status}` to `{path}`", self.base))),
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            if (bytes.len() + piece.len()) as u64 > FILE_BYTES_MAX {
                return Err(Failure::broken(format!("`{path}` has more than {FILE_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes.into()))
    }
}
