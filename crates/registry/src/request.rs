//! One request: who asks, for what, and who answers.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode};

use crate::{
    Registry, auth, blobs,
    error::Failure,
    lists, manifests,
    path::{self, Target},
    rights::Rights,
    uploads,
};

/// `GET /v2/`: clients decide from the answer how to log in.
pub(crate) async fn ping(State(registry): State<Registry>, request: Request) -> Result<Response, Failure> {
    auth::caller(&registry, request.headers(), None).await?;
    Ok(versioned((StatusCode::OK, "{}").into_response()))
}

/// Everything below a repository.
pub(crate) async fn dispatch(State(registry): State<Registry>, request: Request) -> Response {
    versioned(answer(&registry, request).await.unwrap_or_else(IntoResponse::into_response))
}

async fn answer(registry: &Registry, request: Request) -> Result<Response, Failure> {
    let below = request.uri().path().strip_prefix("/v2/").unwrap_or_default().to_owned();
    // Whoever is not known learns nothing, not even which paths are valid; so the scope is guessed from the path's words.
    let parsed = path::parse(&below);
    let actions = if matches!(*request.method(), Method::GET | Method::HEAD) { "pull" } else { "pull,push" };
    let scope = parsed.as_ref().ok().map(|(repository, _)| format!("repository:{repository}:{actions}"));
    let actor = auth::caller(registry, request.headers(), scope.as_deref()).await?;
    let (repository, target) = parsed?;
    let rights = Rights::of(registry, actor, repository).await?;
    let (parts, body) = request.into_parts();
    let whole = |body| Request::from_parts(parts.clone(), body);
    match (parts.method.clone(), target) {
        (Method::GET | Method::HEAD, Target::Blob(digest)) => blobs::get(registry, &rights, &digest, &parts).await,
        (Method::DELETE, Target::Blob(digest)) => blobs::delete(registry, &rights, &digest).await,
        (Method::POST, Target::Uploads) => uploads::begin(registry, &rights, whole(body)).await,
        (Method::PATCH, Target::Upload(id)) => uploads::append(registry, &rights, &id, whole(body)).await,
        (Method::PUT, Target::Upload(id)) => uploads::finish(registry, &rights, &id, whole(body)).await,
        (Method::GET, Target::Upload(id)) => uploads::status(registry, &rights, &id).await,
        (Method::DELETE, Target::Upload(id)) => uploads::cancel(registry, &rights, &id).await,
        (Method::GET | Method::HEAD, Target::Manifest(reference)) => manifests::get(registry, &rights, &reference, &parts).await,
        (Method::PUT, Target::Manifest(reference)) => manifests::put(registry, rights, &reference, whole(body)).await,
        (Method::DELETE, Target::Manifest(reference)) => manifests::delete(registry, rights, reference).await,
        (Method::GET, Target::Tags) => lists::tags(registry, &rights, parts.uri.query()).await,
        (Method::GET, Target::Referrers(subject)) => lists::referrers(registry, &rights, &subject, parts.uri.query()).await,
        _ => Err(Failure::method()),
    }
}

fn versioned(mut response: Response) -> Response {
    response.headers_mut().insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    response
}

/// The value of a parameter of the query, percent-decoded.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    parameters(query, name).into_iter().next()
}

/// Every value of a parameter of the query, percent-decoded.
pub(crate) fn parameters(query: Option<&str>, name: &str) -> Vec<String> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())).flatten();
        match escaped {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
