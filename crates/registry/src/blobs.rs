//! Blobs.

use axum::{body::Body, response::Response};
use domain::Digest;
use engine::{Recalled, ports::Unlinked};
use http::{Method, StatusCode, header, request::Parts};

use crate::{
    Registry,
    error::Failure,
    lease, mirror,
    range::{self, Asked},
    rights::Rights,
};

fn unknown(digest: &Digest, rights: &Rights) -> Failure {
    Failure::unknown("BLOB_UNKNOWN", format!("repository `{}` has no blob `{digest}`", rights.repository))
}

/// `GET` and `HEAD` of a blob, or of a part of it.
pub(crate) async fn get(
    registry: &Registry,
    rights: &Rights,
    digest: &Digest,
    request: &Parts,
) -> Result<Response, Failure> {
    match request.method {
        Method::HEAD => rights.look(registry, digest).await?,
        _ => rights.pull(registry, digest).await?,
    }
    let mut known = registry.engine.ports().catalog.blob(&rights.repository, digest).await?;
    if known.is_none() && mirror::blob(registry, rights, digest).await? {
        known = registry.engine.ports().catalog.blob(&rights.repository, digest).await?;
    }
    let size = known.ok_or_else(|| unknown(digest, rights))?;
    if request.method == Method::HEAD {
        // Whoever may push may leave it out of a push, now that he knows of it: so it has to stay until then.
        lease::renew(registry, rights, digest).await?;
    }
    let text = |name: header::HeaderName| request.headers.get(name).and_then(|value| value.to_str().ok());
    if request.method == Method::HEAD && !is_there(registry, digest, size).await? {
        return Err(unknown(digest, rights));
    }
    let etag = format!("\"{digest}\"");
    let answer = Response::builder()
        .header("docker-content-digest", digest.as_str())
        .header(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "private, max-age=31536000, immutable");
    if text(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&etag)) {
        return built(answer.status(StatusCode::NOT_MODIFIED).body(Body::empty()));
    }
    let answer = answer.header(header::CONTENT_TYPE, "application/octet-stream");
    let asked = if request.method == Method::HEAD { Asked::Whole } else { range::asked(text(header::RANGE), size) };
    let (answer, part) = match asked {
        Asked::Whole => (answer.status(StatusCode::OK).header(header::CONTENT_LENGTH, size), None),
        Asked::Part(part) => {
            let length = part.end() - part.start() + 1;
            let says = format!("bytes {}-{}/{size}", part.start(), part.end());
            let answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, says);
            (answer.header(header::CONTENT_LENGTH, length), Some(part))
        }
        Asked::Nothing => {
            let failure =
                Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, "SIZE_INVALID", format!("the blob has {size} bytes"));
            return Err(failure.with(header::CONTENT_RANGE, &format!("bytes */{size}")));
        }
    };
    if request.method == Method::HEAD {
        return built(answer.body(Body::empty()));
    }
    let blobs = &registry.engine.ports().blobs;
    let blob = match blobs.get(digest, part.clone()).await? {
        None => {
            recall(registry, digest).await?;
            blobs.get(digest, part).await?
        }
        found => found,
    };
    built(answer.body(Body::from_stream(blob.ok_or_else(|| unknown(digest, rights))?.bytes)))
}

/// `DELETE` of a blob: the repository has it no longer, unless a manifest of it names it.
pub(crate) async fn delete(registry: &Registry, rights: &Rights, digest: &Digest) -> Result<Response, Failure> {
    rights.push()?;
    match registry.engine.ports().catalog.unlink_blob(&rights.repository, digest).await? {
        Unlinked::Gone => built(Response::builder().status(StatusCode::ACCEPTED).body(Body::empty())),
        Unlinked::NotThere => Err(unknown(digest, rights)),
        Unlinked::Named(manifest) => {
            let message = format!("`{digest}` stays: manifest `{manifest}` names it, so delete that first");
            Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "DENIED", message))
        }
    }
}

/// Brings bytes to hand that lie in the archive, or that a plan has taken too early.
pub(crate) async fn recall(registry: &Registry, digest: &Digest) -> Result<(), Failure> {
    match registry.engine.recall(digest).await? {
        Recalled::AtHand | Recalled::Gone => Ok(()),
        Recalled::Coming => {
            let message = format!("`{digest}` is on its way out of the archive: ask again in a moment");
            let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
            Err(failure.with(header::RETRY_AFTER, "10"))
        }
    }
}

/// Whether the bytes are there, at hand or in the archive, and as many as they should be. If not, the answer that there are none makes clients push them again, and
/// that heals them.
pub(crate) async fn is_there(registry: &Registry, digest: &Digest, size: u64) -> Result<bool, Failure> {
    let found = registry.engine.size_anywhere(digest).await?;
    if found != Some(size) {
        tracing::error!(%digest, size, ?found, "The bytes of a blob are lost: push it again, or restore it from a backup");
    }
    Ok(found == Some(size))
}

/// An answer whose headers were made here, from parsed values.
pub(crate) fn built(answer: Result<Response, http::Error>) -> Result<Response, Failure> {
    answer.map_err(|error| engine::Error::Broken { doing: "build an answer".into(), source: error.into() }.into())
}
