//! Manifests and tags.

use std::collections::BTreeSet;

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use domain::{Command, Digest, InvalidName, Submission, TAGS_MAX, TagName};
use engine::{
    manifest::{self, MANIFEST_BYTES_MAX, ManifestError},
    ports::{ManifestRecord, PartKind},
};
use http::{Method, StatusCode, header, request::Parts};

use crate::{
    Registry,
    blobs::{self, built},
    error::Failure,
    lease, mirror,
    path::Reference,
    request::{parameters, whole},
    rights::Rights,
    signed,
    uploads::expect_writable,
};

fn unknown(rights: &Rights, what: &dyn std::fmt::Display) -> Failure {
    Failure::unknown("MANIFEST_UNKNOWN", format!("repository `{}` has no manifest `{what}`", rights.repository))
}

/// `GET` and `HEAD` of a manifest: its exact bytes, under its exact type.
pub(crate) async fn get(
    registry: &Registry,
    rights: &Rights,
    reference: &Reference,
    request: &Parts,
) -> Result<Response, Failure> {
    let mut warning = None;
    let (digest, found) = match reference {
        Reference::Tag(tag) => {
            match request.method {
                Method::HEAD => rights.look_around()?,
                _ => drop(rights.bound_to()?),
            }
            match mirror::tag(registry, rights, tag).await? {
                Some(known) => {
                    warning = known.warning;
                    (known.digest, None)
                }
                None => tagged(registry, rights, tag).await?,
            }
        }
        Reference::NoTag(invalid) => {
            rights.look_around()?;
            return Err(unknown(rights, &invalid.text));
        }
        Reference::Digest(digest) => (digest.clone(), None),
    };
    // What may be pulled is decided before what is there: who may not pull learns nothing about it.
    match request.method {
        Method::HEAD => rights.look(registry, &digest).await?,
        _ => rights.pull(registry, &digest).await?,
    }
    let found = match found {
        None => registry.engine.ports().catalog.manifest(&rights.repository, &digest).await?,
        found => found,
    };
    if found.is_none()
        && let Some(mirrored) = mirror::manifest(registry, rights, &digest).await?
    {
        return mirror::served(&request.method, &digest, mirrored, warning.as_deref());
    }
    let (media_type, size) = found.ok_or_else(|| unknown(rights, &digest))?;
    if request.method == Method::HEAD && !blobs::is_there(registry, &digest, size).await? {
        return Err(unknown(rights, &digest));
    }
    if request.method == Method::GET {
        registry.engine.note_pull(&rights.repository, &digest);
    }
    let etag = format!("\"{digest}\"");
    let answer = Response::builder()
        .header("docker-content-digest", digest.as_str())
        .header(header::ETAG, &etag)
        .header(header::CONTENT_TYPE, media_type);
    let answer = mirror::warned(answer, warning.as_deref());
    let if_none_match = request.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if if_none_match.is_some_and(|known| known.contains(&etag)) {
        return built(answer.status(StatusCode::NOT_MODIFIED).body(Body::empty()));
    }
    let answer = answer.status(StatusCode::OK).header(header::CONTENT_LENGTH, size);
    if request.method == Method::HEAD {
        return built(answer.body(Body::empty()));
    }
    built(answer.body(Body::from(bytes_of(registry, rights, &digest).await?)))
}

/// What a tag points to, with its type and size where they came along: the tag of a stage points to what the stage has.
async fn tagged(
    registry: &Registry,
    rights: &Rights,
    tag: &TagName,
) -> Result<(Digest, Option<(String, u64)>), Failure> {
    match rights.stage_tag(tag.as_str()) {
        Some(Some(digest)) => Ok((digest, None)),
        Some(None) => {
            let message =
                format!("stage `{tag}` has no release for repository `{}` yet: promote one", rights.repository);
            Err(Failure::unknown("MANIFEST_UNKNOWN", message))
        }
        None => {
            let found = registry.engine.ports().catalog.tag(&rights.repository, tag).await?;
            let (digest, media_type, size) = found.ok_or_else(|| unknown(rights, tag))?;
            Ok((digest, Some((media_type, size))))
        }
    }
}

async fn bytes_of(registry: &Registry, rights: &Rights, digest: &Digest) -> Result<Bytes, Failure> {
    if let Some(bytes) = registry.cache.get(digest) {
        return Ok(bytes);
    }
    let blobs = &registry.engine.ports().blobs;
    let bytes = match blobs.read(digest, MANIFEST_BYTES_MAX as u64).await? {
        None => {
            blobs::recall(registry, digest).await?;
            blobs.read(digest, MANIFEST_BYTES_MAX as u64).await?
        }
        found => found,
    };
    let bytes = bytes.ok_or_else(|| unknown(rights, digest))?;
    registry.cache.put(digest, &bytes);
    Ok(bytes)
}

/// `PUT` of a manifest, under a tag, a digest, or a digest and several tags.
pub(crate) async fn put(
    registry: &Registry,
    rights: Rights,
    reference: &Reference,
    request: Request,
) -> Result<Response, Failure> {
    rights.push()?;
    mirror::refuse_push(registry, &rights)?;
    expect_writable(registry)?;
    let query = request.uri().query().map(ToOwned::to_owned);
    let media_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let bytes = whole(request.into_body(), MANIFEST_BYTES_MAX, too_large).await?;
    let digest = match reference {
        Reference::Tag(_) | Reference::NoTag(_) => Digest::sha256(&bytes),
        Reference::Digest(claimed) => {
            let actual = Digest::of(claimed.algorithm(), &bytes);
            if actual != *claimed {
                return Err(Failure::malformed(
                    "DIGEST_INVALID",
                    format!("the manifest has the digest `{actual}`, not `{claimed}`"),
                ));
            }
            actual
        }
    };
    let tags = tags_of(reference, query.as_deref())?;
    let record = manifest::parse(&rights.repository, &digest, &media_type, &bytes).map_err(|error| match error {
        ManifestError::TooLarge(_) => too_large(),
        other => Failure::malformed("MANIFEST_INVALID", other.to_string()),
    })?;
    let began = registry.engine.now();
    require_same_type(registry, &rights, &record).await?;
    require_parts(registry, &rights, &record).await?;
    let subject = record.subject.clone();
    let already_so = already_so(registry, &rights, &record, &tags).await?;
    if !already_so || !is_intact(registry, &digest).await {
        registry.engine.ports().blobs.put(&digest, bytes.clone()).await?;
    }
    if !already_so {
        let command = Command::PushManifest {
            repository: rights.repository.clone(),
            digest: digest.clone(),
            media_type: record.media_type.clone(),
            size: record.size,
            subject: subject.clone(),
            tags: tags.clone(),
        };
        let submission = Submission { actor: rights.actor.clone(), key: None, command };
        registry.engine.submit_manifest(submission, record.clone()).await?;
        lease::settle(registry, &rights, &record, began).await?;
    }
    // Until now nothing named the bytes.
    registry.engine.keep_document(&digest, &bytes).await?;
    signed::record(registry, &rights, (&record, &bytes), &tags).await;
    let mut answer = Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{}/manifests/{digest}", rights.repository))
        .header("docker-content-digest", digest.as_str());
    if let Some(subject) = subject {
        answer = answer.header("oci-subject", subject.as_str());
    }
    if matches!(reference, Reference::Digest(_)) {
        answer = tags.iter().fold(answer, |answer, tag| answer.header("oci-tag", tag.as_str()));
    }
    built(answer.body(Body::empty()))
}

fn too_large() -> Failure {
    let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", message)
}

fn tags_of(reference: &Reference, query: Option<&str>) -> Result<Vec<TagName>, Failure> {
    match reference {
        Reference::Tag(tag) => Ok(vec![tag.clone()]),
        Reference::NoTag(invalid) => Err(Failure::malformed("MANIFEST_INVALID", invalid.to_string())),
        Reference::Digest(_) => {
            let tags = parameters(query, "tag");
            if tags.len() > TAGS_MAX {
                // Clients know this status: they go on with fewer tags at once.
                let message = format!("one push sets at most {TAGS_MAX} tags, not {}: set some in another", tags.len());
                return Err(Failure::new(StatusCode::URI_TOO_LONG, "UNSUPPORTED", message));
            }
            let invalid = |error: InvalidName| Failure::malformed("MANIFEST_INVALID", error.to_string());
            let tags = tags.iter().map(|tag| tag.parse()).collect::<Result<BTreeSet<_>, _>>();
            Ok(tags.map_err(invalid)?.into_iter().collect())
        }
    }
}

/// Refuses a manifest that is here as something else: whoever pulls it by its digest relies on its type, too.
async fn require_same_type(registry: &Registry, rights: &Rights, record: &ManifestRecord) -> Result<(), Failure> {
    let known = registry.engine.ports().catalog.manifest(&rights.repository, &record.digest).await?;
    match known {
        Some((media_type, _)) if media_type != record.media_type => {
            let ManifestRecord { digest, media_type: sent, .. } = record;
            let message = format!("`{digest}` was pushed as `{media_type}` and is sent as `{sent}`: send it as it is");
            Err(Failure::malformed("MANIFEST_INVALID", message))
        }
        _ => Ok(()),
    }
}

/// Refuses a manifest that names something which the repository does not have.
async fn require_parts(registry: &Registry, rights: &Rights, record: &ManifestRecord) -> Result<(), Failure> {
    let catalog = &registry.engine.ports().catalog;
    for part in &record.parts {
        let there = match part.kind {
            PartKind::Child => catalog.manifest(&rights.repository, &part.digest).await?.is_some(),
            PartKind::Config | PartKind::Layer => lease::renew(registry, rights, &part.digest).await?,
        };
        if !there {
            let message =
                format!("the manifest names `{}`, which was not pushed to `{}`", part.digest, rights.repository);
            return Err(Failure::unknown("MANIFEST_BLOB_UNKNOWN", message));
        }
    }
    Ok(())
}

/// Whether the repository has the manifest already, and every tag points to it: then nothing changes, and no entry is made.
async fn already_so(
    registry: &Registry,
    rights: &Rights,
    record: &ManifestRecord,
    tags: &[TagName],
) -> Result<bool, Failure> {
    if tags.iter().any(|tag| rights.stage_tag(tag.as_str()).is_some()) {
        // A tag from before the stage may say so, but it is the stage's now: let the rules refuse it.
        return Ok(false);
    }
    let catalog = &registry.engine.ports().catalog;
    if catalog.manifest(&rights.repository, &record.digest).await?.is_none() {
        return Ok(false);
    }
    for tag in tags {
        let points_to = catalog.tag(&rights.repository, tag).await?.map(|(digest, ..)| digest);
        if points_to.as_ref() != Some(&record.digest) {
            return Ok(false);
        }
    }
    // Whoever pushes it again wants it to stay: retention has to know.
    lease::is_recent(registry, rights, &record.digest).await
}

/// Whether the bytes are there and what they should be; if not, pushing them again heals them.
async fn is_intact(registry: &Registry, digest: &Digest) -> bool {
    let read = registry.engine.ports().blobs.read(digest, MANIFEST_BYTES_MAX as u64).await;
    matches!(read, Ok(Some(_)))
}

/// `DELETE` of a manifest or a tag.
pub(crate) async fn delete(registry: &Registry, rights: Rights, reference: Reference) -> Result<Response, Failure> {
    rights.push()?;
    let catalog = &registry.engine.ports().catalog;
    let repository = rights.repository.clone();
    let command = match reference {
        Reference::Digest(digest) => {
            catalog.manifest(&repository, &digest).await?.ok_or_else(|| unknown(&rights, &digest))?;
            Command::DeleteManifest { repository, digest }
        }
        Reference::Tag(tag) => {
            if rights.stage_tag(tag.as_str()).is_none() {
                catalog.tag(&repository, &tag).await?.ok_or_else(|| unknown(&rights, &tag))?;
            }
            Command::DeleteTag { repository, tag }
        }
        Reference::NoTag(invalid) => return Err(unknown(&rights, &invalid.text)),
    };
    registry.engine.submit(Submission { actor: rights.actor, key: None, command }).await?;
    built(Response::builder().status(StatusCode::ACCEPTED).body(Body::empty()))
}
