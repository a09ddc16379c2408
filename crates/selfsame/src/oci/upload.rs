//! Sends a blob: in pieces, and from where it stands if the connection breaks.

use std::{io::SeekFrom, path::PathBuf};

use bytes::Bytes;
use domain::Digest;
use futures::TryStreamExt;
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url, header};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{PAUSES, Registry, header_text, is_later, refuse};
use crate::outcome::{Failure, Outcome};

/// How many bytes go into one request: proxies have limits, and this is what is sent again at most.
const CHUNK: u64 = 64 << 20;
/// How many bytes are read from a file at once.
const BUFFER: usize = 256 << 10;

/// Where the bytes of a blob come from.
#[derive(Clone)]
pub enum Source {
    /// From a file.
    File(PathBuf),
    /// From memory.
    Bytes(Bytes),
}

/// Where an upload stands.
struct Upload {
    url: Url,
    offset: u64,
}

impl Registry {
    /// Stores a blob, unless the repository has it. `progress` is told how many of its bytes are there.
    pub async fn put_blob(&self, digest: &Digest, size: u64, source: &Source, progress: impl Fn(u64)) -> Outcome {
        if self.has_blob(digest).await? {
            progress(size);
            return Ok(());
        }
        let mut pauses = PAUSES.into_iter();
        let mut upload = self.begin().await?;
        loop {
            progress(upload.offset);
            let outcome = self.next_piece(&upload, digest, size, source).await;
            let mut is_confused = false;
            let failure = match outcome {
                Ok((response, is_last)) if response.status().is_success() => {
                    if is_last {
                        progress(size);
                        return Ok(());
                    }
                    upload = self.standing(&response, upload.url)?;
                    continue;
                }
                Ok((response, _)) => {
                    is_confused =
                        matches!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::NOT_FOUND);
                    let may_repeat = is_confused || is_later(response.status());
                    let failure =
                        refuse(response).await.err().unwrap_or_else(|| Failure::broken("the upload broke off"));
                    if !may_repeat {
                        return Err(failure);
                    }
                    failure
                }
                Err(failure) => failure,
            };
            let Some(pause) = pauses.next() else { return Err(failure) };
            tokio::time::sleep(pause).await;
            // It may be done, though the answer was lost.
            if self.has_blob(digest).await? {
                progress(size);
                return Ok(());
            }
            upload = if is_confused { self.begin().await? } else { self.resume(upload).await? };
        }
    }

    async fn has_blob(&self, digest: &Digest) -> Outcome<bool> {
        let response = self.send(|| self.ask(Method::HEAD, &["blobs", digest.as_str()])).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            // Whoever may push need not be allowed to pull.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(false),
            _ => refuse(response).await.map(|_| false),
        }
    }

    async fn begin(&self) -> Outcome<Upload> {
        let ask = || self.ask(Method::POST, &["blobs", "uploads", ""]).header(header::CONTENT_LENGTH, 0);
        let response = refuse(self.send(ask).await?).await?;
        self.standing(&response, self.base.clone()).map(|upload| Upload { offset: 0, ..upload })
    }

    /// Asks where an upload stands; begins anew if it is gone.
    async fn resume(&self, upload: Upload) -> Outcome<Upload> {
        let response = self.send(|| self.authorized(self.http.get(upload.url.clone()))).await?;
        if !response.status().is_success() {
            return self.begin().await;
        }
        self.standing(&response, upload.url)
    }

    /// Sends the next chunk; the last one finishes the upload.
    async fn next_piece(
        &self,
        upload: &Upload,
        digest: &Digest,
        size: u64,
        source: &Source,
    ) -> Outcome<(Response, bool)> {
        let left = size.saturating_sub(upload.offset);
        let is_last = left <= CHUNK;
        let length = left.min(CHUNK);
        let mut url = upload.url.clone();
        let method = if is_last {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
            Method::PUT
        } else {
            Method::PATCH
        };
        let request = self.authorized(self.http.request(method, url));
        let request = with_range(request, upload.offset, length).body(body(source, upload.offset, length).await?);
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        Ok((response, is_last))
    }

    /// Where the upload goes on, and how many bytes are there.
    fn standing(&self, response: &Response, before: Url) -> Outcome<Upload> {
        let unclear = || Failure::broken("the registry does not say where the upload goes on");
        let url = match header_text(response, header::LOCATION) {
            Some(location) => self.base.join(location).map_err(|_| unclear())?,
            None => before,
        };
        // The token goes nowhere else.
        if url.origin() != self.base.origin() {
            return Err(Failure::broken(format!(
                "the registry sends the upload to another server, `{url}`: it is not followed"
            )));
        }
        let last = header_text(response, header::RANGE).and_then(|range| range.rsplit('-').next()?.parse::<u64>().ok());
        // `0-0` says one byte, or none: the registry tells no difference, so it is asked to begin at the first.
        let offset = last.filter(|last| *last > 0).map_or(0, |last| last + 1);
        Ok(Upload { url, offset })
    }
}

fn with_range(request: RequestBuilder, offset: u64, length: u64) -> RequestBuilder {
    let request =
        request.header(header::CONTENT_LENGTH, length).header(header::CONTENT_TYPE, "application/octet-stream");
    match length {
        0 => request,
        _ => request.header(header::CONTENT_RANGE, format!("{offset}-{}", offset + length - 1)),
    }
}

async fn body(source: &Source, offset: u64, length: u64) -> Outcome<Body> {
    match source {
        Source::Bytes(bytes) => {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
            Ok(bytes.slice(from..to).into())
        }
        Source::File(path) => {
            let open = async {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(SeekFrom::Start(offset)).await?;
                Ok(file)
            };
            let file = open.await.map_err(|error| Failure::file(path, &error))?;
            let stream = ReaderStream::with_capacity(file.take(length), BUFFER);
            Ok(Body::wrap_stream(stream.into_stream()))
        }
    }
}
