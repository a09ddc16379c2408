//! Puts a blob into another registry: mounted where that is possible, else streamed from its source, and gone on with where it broke off.

use bytes::Bytes;
use domain::{Digest, RepositoryName};
use futures::{SinkExt, channel::mpsc};
use reqwest::{
    Body, Method, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};

use crate::{
    Download, Error, Remote, Sources,
    client::{Answer, Ask, expect, is_later},
    copy::Placed,
    remote::{Access, header_text},
};

/// How many bytes go into one request: proxies have limits, and this is what is sent again at most.
const CHUNK: u64 = 64 << 20;
/// How many bytes go into one request once a registry said that it was too much.
const CHUNK_SMALL: u64 = 4 << 20;
/// How large a chunk a registry may insist on.
const CHUNK_LEAST_MAX: u64 = 1 << 30;
/// How often an upload is gone on with, where nothing came in between.
const STALLS_MAX: u32 = 6;

/// Where an upload stands.
struct Session {
    url: Url,
    offset: u64,
    /// How small a chunk may be.
    least: u64,
}

/// What became of one request.
enum Sent {
    /// The blob is there.
    Done,
    /// The upload goes on.
    On(Session),
    /// It was too much at once.
    TooLarge,
    /// The registry does not know where it stands, or does not know the upload.
    Confused,
}

impl Remote {
    /// Puts a blob, unless it is there. `near` is a repository of the same registry that has it. `sent` is told of bytes as they go.
    pub(crate) async fn put_blob(
        &self,
        digest: &Digest,
        size: u64,
        from: &Sources,
        near: Option<&RepositoryName>,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Placed, Error> {
        if self.has_blob_for(digest, size, Access::Push).await? {
            return Ok(Placed::There);
        }
        let near = near.filter(|near| **near != self.place.repository);
        let mut session = match near {
            None => Some(self.begin().await?),
            Some(near) => match self.mount(digest, near).await? {
                None => return Ok(Placed::Mounted),
                session => session,
            },
        };
        let mut download = from.blob(digest, Some(size));
        let (mut chunk, mut stalls) = (CHUNK, 0);
        loop {
            let at = match session.take() {
                Some(session) => session,
                None => {
                    download.restart();
                    self.begin().await?
                }
            };
            let before = download.offset();
            let outcome = self.send_piece(&at, &mut download, digest, size, chunk.max(at.least), sent).await;
            if download.offset() > before && outcome.is_ok() {
                stalls = 0;
            }
            match outcome {
                Ok(Sent::Done) => return Ok(Placed::Copied),
                Ok(Sent::On(next)) => {
                    download.mark();
                    session = Some(next);
                    continue;
                }
                Ok(Sent::TooLarge) if chunk > CHUNK_SMALL => {
                    chunk = CHUNK_SMALL;
                    continue;
                }
                Ok(Sent::TooLarge) => {
                    return Err(self.senseless(&format!("it takes no more than {CHUNK_SMALL} bytes at once")));
                }
                Ok(Sent::Confused) => {}
                Err(error @ Error::Corrupt { .. }) => {
                    if !download.from_another() {
                        return Err(error);
                    }
                }
                Err(error) if !error.passes() => return Err(error),
                Err(error) => {
                    stalls += 1;
                    let pace = self.client.pace(&self.place.host);
                    let Some(pause) = pace.pause(stalls, None).filter(|_| stalls < STALLS_MAX) else {
                        return Err(error);
                    };
                    tokio::time::sleep(pause).await;
                    session = self.standing(&at).await?;
                }
            }
            stalls += 1;
            if stalls > STALLS_MAX {
                return Err(self.senseless("it loses track of uploads"));
            }
            // It may be done, though the answer was lost.
            if self.has_blob_for(digest, size, Access::Push).await? {
                return Ok(Placed::Copied);
            }
            if session.is_some() {
                download.rewind();
            }
        }
    }

    async fn begin(&self) -> Result<Session, Error> {
        let answer = self.post(None).await?;
        let answer = expect(&self.place, "an upload", answer).await?;
        self.session(&answer, &self.place.host.base(), 0)
    }

    /// Asks for a blob that the registry has elsewhere; where it does not give it, an upload has begun.
    async fn mount(&self, digest: &Digest, near: &RepositoryName) -> Result<Option<Session>, Error> {
        let answer = self.post(Some((digest, near))).await?;
        match answer.response.status() {
            StatusCode::CREATED => Ok(None),
            StatusCode::ACCEPTED => self.session(&answer, &self.place.host.base(), 0).map(Some),
            // Some registries answer a mount that they do not do with a failure.
            _ => {
                drop(answer);
                self.begin().await.map(Some)
            }
        }
    }

    async fn post(&self, mount: Option<(&Digest, &RepositoryName)>) -> Result<Answer, Error> {
        let mut url = self.url(&["blobs", "uploads", ""]);
        if let Some((digest, near)) = mount {
            url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", near.as_str());
        }
        let scope = self.scope(Access::Push, mount.map(|(_, near)| near));
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(0))]);
        let ask = Ask { method: Method::POST, url, scope: &scope, headers, body: None, attempts: self.attempts() };
        self.client.ask(&self.place, &ask).await
    }

    /// Sends the next piece; the last one ends the upload.
    async fn send_piece(
        &self,
        at: &Session,
        download: &mut Download,
        digest: &Digest,
        size: u64,
        chunk: u64,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Sent, Error> {
        // What the registry has already was hashed, or is now.
        while download.offset() < at.offset {
            let Some(_) = download.next(at.offset - download.offset()).await? else { return Ok(Sent::Confused) };
        }
        if download.offset() != at.offset {
            return Ok(Sent::Confused);
        }
        let left = size - at.offset;
        let (length, is_last) = (left.min(chunk), left <= chunk);
        let mut url = at.url.clone();
        if is_last {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
        }
        let method = if is_last { Method::PUT } else { Method::PATCH };
        let (answer, fed) = self.stream(method, url, at.offset, length, download, sent, is_last).await;
        // What went wrong at the source says more than that its bytes did not arrive.
        fed?;
        let answer = answer?;
        let status = answer.response.status();
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Ok(Sent::TooLarge),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::NOT_FOUND => Ok(Sent::Confused),
            // The token ended while the bytes were sent: whoever asks next gets a new one.
            StatusCode::UNAUTHORIZED => {
                Err(Error::Unreachable { host: self.place.host.name().into(), problem: "it wants a new token".into() })
            }
            _ => {
                let answer = expect(&self.place, &format!("blob `{digest}`"), answer).await?;
                match is_last {
                    true => Ok(Sent::Done),
                    false => self.session(&answer, &at.url, at.offset + length).map(Sent::On),
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what one request is made of; nothing of it is remembered")]
    async fn stream(
        &self,
        method: Method,
        url: Url,
        offset: u64,
        length: u64,
        download: &mut Download,
        sent: &(dyn Fn(u64) + Sync),
        is_last: bool,
    ) -> (Result<Answer, Error>, Result<(), Error>) {
        let mut headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
        ]);
        // Whole in one request, it is no part of anything.
        if length > 0 && !(is_last && offset == 0) {
            let range = HeaderValue::from_str(&format!("{offset}-{}", offset + length - 1));
            headers.insert(header::CONTENT_RANGE, range.expect("digits are a header"));
        }
        let scope = self.scope(Access::Push, None);
        let ask = Ask { method, url, scope: &scope, headers, body: None, attempts: 1 };
        let (pieces, body) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let feed = feed(download, pieces, length, sent);
        let send = self.client.send(&self.place, &ask, Body::wrap_stream(body));
        futures::join!(send, feed)
    }

    /// Where the upload stands; nothing if the registry does not know it any more.
    async fn standing(&self, at: &Session) -> Result<Option<Session>, Error> {
        let answer = self.ask(Method::GET, at.url.clone(), Access::Push, HeaderMap::new(), None).await?;
        if !answer.response.status().is_success() {
            return Ok(None);
        }
        let range = header_text(&answer, header::RANGE).and_then(|range| range.rsplit('-').next()?.parse::<u64>().ok());
        // `0-0` says one byte, or none: then it begins anew.
        match range.filter(|last| *last > 0) {
            Some(last) => self.session(&answer, &at.url, last + 1).map(Some),
            None => Ok(None),
        }
    }

    fn session(&self, answer: &Answer, base: &Url, offset: u64) -> Result<Session, Error> {
        let location = header_text(answer, header::LOCATION);
        let location = location.ok_or_else(|| self.senseless("it does not say where the upload goes on"))?;
        let least = answer.response.headers().get("oci-chunk-min-length");
        let least: u64 = least.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        debug_assert!(!is_later(answer.response.status()), "an answer that says nothing is no session");
        Ok(Session { url: self.own(base, location)?, offset, least: least.min(CHUNK_LEAST_MAX) })
    }
}

/// Hands `length` bytes to a request that is on its way. A request that ends early takes no more, and its answer says why.
async fn feed(
    download: &mut Download,
    mut pieces: mpsc::Sender<Result<Bytes, std::io::Error>>,
    length: u64,
    sent: &(dyn Fn(u64) + Sync),
) -> Result<(), Error> {
    let mut left = length;
    loop {
        let piece = match download.next(left.max(1)).await {
            Ok(Some(piece)) => piece,
            // The end is looked for also after the last byte: only then it is known that all of them are right.
            Ok(None) => return Ok(()),
            Err(error) => {
                let _ = pieces.send(Err(std::io::Error::other("the source broke off"))).await;
                return Err(error);
            }
        };
        left -= piece.len() as u64;
        sent(piece.len() as u64);
        if pieces.send(Ok(piece)).await.is_err() || left == 0 {
            return Ok(());
        }
    }
}
