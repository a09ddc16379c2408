//! Uploads of blobs: whole, in chunks, or mounted from another repository.

use axum::{body::Body, extract::Request, response::Response};
use domain::{Algorithm, Digest, RepositoryName, UnknownAlgorithm};
use engine::ports::{ByteStream, Trouble, UploadId};
use futures::StreamExt;
use http::{StatusCode, header};

use crate::{Registry, blobs::built, error::Failure, mirror, path, range, request::parameter, rights::Rights};

/// How large a blob is at most, in bytes: 100 GiB.
const BLOB_BYTES_MAX: u64 = 100 << 30;

/// `POST`: begins an upload, takes a whole blob, or mounts one.
pub(crate) async fn begin(registry: &Registry, rights: &Rights, request: Request) -> Result<Response, Failure> {
    rights.push()?;
    mirror::refuse_push(registry, rights)?;
    let query = request.uri().query().map(ToOwned::to_owned);
    let query = query.as_deref();
    // Whatever cannot be mounted is uploaded instead, so that no client has to treat a mount as a failure.
    let mount: Option<Digest> = parameter(query, "mount").and_then(|text| text.parse().ok());
    if let Some(digest) = &mount
        && mounted(registry, rights, digest, parameter(query, "from").as_deref()).await?
    {
        return created(rights, digest);
    }
    let whole = parameter(query, "digest").map(|text| path::digest(&text)).transpose()?;
    let algorithm = match parameter(query, "digest-algorithm") {
        Some(text) => algorithm(&text)?,
        None => whole.as_ref().or(mount.as_ref()).map_or(Algorithm::Sha256, Digest::algorithm),
    };
    expect_writable(registry)?;
    let id = registry.engine.ports().blobs.begin_upload(&owner(rights), algorithm).await?;
    match whole {
        None => underway(rights, &id, 0, StatusCode::ACCEPTED),
        Some(digest) => {
            let stored = registry.engine.ports().blobs.append(&id, 0, stream(request), BLOB_BYTES_MAX).await;
            if let Err(error) = stored {
                let _ = registry.engine.ports().blobs.cancel_upload(&id).await;
                return Err(error.into());
            }
            store(registry, rights, &id, &digest).await
        }
    }
}

/// What the client says that it will name the blob by: so its bytes need not be read again to be hashed.
fn algorithm(text: &str) -> Result<Algorithm, Failure> {
    text.parse().map_err(|error: UnknownAlgorithm| Failure::malformed("DIGEST_INVALID", error.to_string()))
}

/// Whether the blob could be taken from a repository that the caller may pull from.
async fn mounted(registry: &Registry, rights: &Rights, digest: &Digest, from: Option<&str>) -> Result<bool, Failure> {
    let catalog = &registry.engine.ports().catalog;
    let sources: Vec<RepositoryName> = match from {
        Some(name) => name.parse().ok().into_iter().collect(),
        None => catalog.blob_anywhere(digest).await?,
    };
    for source in sources {
        let Some(size) = catalog.blob(&source, digest).await? else { continue };
        if registry.engine.size_anywhere(digest).await? != Some(size) {
            continue;
        }
        let there = Rights::of(registry, rights.actor.clone(), source).await?;
        if there.pull(registry, digest).await.is_ok() {
            catalog.link_blob(&rights.repository, digest, size, registry.engine.now()).await?;
            // The other repository may have lost it meanwhile, and with it the bytes.
            return Ok(registry.engine.size_anywhere(digest).await? == Some(size));
        }
    }
    Ok(false)
}

/// `PATCH`: appends bytes.
pub(crate) async fn append(
    registry: &Registry,
    rights: &Rights,
    name: &str,
    request: Request,
) -> Result<Response, Failure> {
    rights.push()?;
    expect_writable(registry)?;
    let id = of_caller(rights, name)?;
    let size = take(registry, &id, request).await?;
    underway(rights, &id, size, StatusCode::ACCEPTED)
}

/// `PUT`: appends the last bytes, if any, and makes the upload a blob.
pub(crate) async fn finish(
    registry: &Registry,
    rights: &Rights,
    name: &str,
    request: Request,
) -> Result<Response, Failure> {
    rights.push()?;
    expect_writable(registry)?;
    let id = of_caller(rights, name)?;
    let digest = parameter(request.uri().query(), "digest");
    let digest = digest.ok_or_else(|| Failure::malformed("DIGEST_INVALID", "`?digest=` is missing"))?;
    let digest = path::digest(&digest)?;
    take(registry, &id, request).await?;
    store(registry, rights, &id, &digest).await
}

async fn take(registry: &Registry, id: &UploadId, request: Request) -> Result<u64, Failure> {
    let blobs = &registry.engine.ports().blobs;
    let stands_at = blobs.upload_offset(id).await?;
    let room = BLOB_BYTES_MAX.saturating_sub(stands_at);
    let (begins_at, room) = match request.headers().get(header::CONTENT_RANGE) {
        None => (stands_at, room),
        Some(value) => {
            let chunk = value.to_str().ok().and_then(range::of_chunk);
            let chunk = chunk
                .ok_or_else(|| Failure::malformed("BLOB_UPLOAD_INVALID", "`Content-Range` is not `<first>-<last>`"))?;
            let length = request
                .headers()
                .get(header::CONTENT_LENGTH)
                .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            let up_to_last = chunk.end() - chunk.start();
            if length.is_some_and(|length| length.checked_sub(1) != Some(up_to_last)) {
                return Err(Failure::malformed("SIZE_INVALID", "`Content-Range` and `Content-Length` do not agree"));
            }
            (*chunk.start(), room.min(up_to_last.saturating_add(1)))
        }
    };
    Ok(blobs.append(id, begins_at, stream(request), room).await?)
}

/// `GET`: how far an upload is.
pub(crate) async fn status(registry: &Registry, rights: &Rights, name: &str) -> Result<Response, Failure> {
    rights.push()?;
    let id = of_caller(rights, name)?;
    let size = registry.engine.ports().blobs.upload_offset(&id).await?;
    underway(rights, &id, size, StatusCode::NO_CONTENT)
}

/// `DELETE`: the upload is not wanted any more.
pub(crate) async fn cancel(registry: &Registry, rights: &Rights, name: &str) -> Result<Response, Failure> {
    rights.push()?;
    registry.engine.ports().blobs.cancel_upload(&of_caller(rights, name)?).await?;
    built(Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()))
}

async fn store(registry: &Registry, rights: &Rights, id: &UploadId, digest: &Digest) -> Result<Response, Failure> {
    let ports = registry.engine.ports();
    let size = ports.blobs.finish_upload(id, digest).await?;
    ports.catalog.link_blob(&rights.repository, digest, size, registry.engine.now()).await?;
    // Until now nothing named the bytes.
    if !registry.engine.ensure(digest).await? {
        let message = format!("`{digest}` was taken away while it was stored: send it again");
        return Err(
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message).with(header::RETRY_AFTER, "1")
        );
    }
    created(rights, digest)
}

/// Whose an upload is: nobody else goes on with it, nor does its owner in another repository.
fn owner(rights: &Rights) -> String {
    format!("{} {}", rights.actor.party, rights.repository)
}

fn of_caller(rights: &Rights, name: &str) -> Result<UploadId, Failure> {
    let unknown = |_| Failure::unknown("BLOB_UPLOAD_UNKNOWN", format!("there is no upload `{name}`"));
    UploadId::named(name, &owner(rights)).map_err(unknown)
}

/// Refuses at once what could not be stored in the end.
pub(crate) fn expect_writable(registry: &Registry) -> Result<(), Failure> {
    Ok(registry.engine.writable()?)
}

fn created(rights: &Rights, digest: &Digest) -> Result<Response, Failure> {
    let answer = Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{}/blobs/{digest}", rights.repository))
        .header("docker-content-digest", digest.as_str());
    built(answer.body(Body::empty()))
}

fn underway(rights: &Rights, id: &UploadId, size: u64, status: StatusCode) -> Result<Response, Failure> {
    let answer = Response::builder()
        .status(status)
        .header(header::LOCATION, format!("/v2/{}/blobs/uploads/{id}", rights.repository))
        .header(header::RANGE, format!("0-{}", size.saturating_sub(1)))
        .header("docker-upload-uuid", id.name());
    built(answer.body(Body::empty()))
}

fn stream(request: Request) -> ByteStream {
    let pieces = request.into_body().into_data_stream();
    Box::pin(pieces.map(|piece| piece.map_err(|error| Trouble::new("receive the client's bytes", error))))
}
