//! One request: who asks, for what, and who answers.

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use domain::Actor;
use futures::StreamExt;
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
    let below = decode_path(request.uri().path().strip_prefix("/v2/").unwrap_or_default());
    // Whoever is not known learns nothing, not even which paths are valid; so the scope is guessed from the path's words.
    let parsed = path::parse(&below);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let actions = if reads { "pull" } else { "pull,push" };
    let scope = parsed.as_ref().ok().map(|(repository, _)| format!("repository:{repository}:{actions}"));
    if reads && auth::is_anonymous(request.headers()) {
        // Who comes without a token gets what anybody may have, and for all else is asked to log in.
        let challenge = auth::challenge(request.headers(), scope.as_deref());
        let log_in = || Failure::unauthorized(&challenge);
        let (repository, target) = parsed.map_err(|_| log_in())?;
        let rights = Rights::of(registry, Actor::anonymous(), repository).await?;
        let answer = of(registry, rights, target, request).await;
        return answer.map_err(|failure| if failure.is_for_others() { log_in() } else { failure });
    }
    let actor = auth::caller(registry, request.headers(), scope.as_deref()).await?;
    let (repository, target) = parsed?;
    let rights = Rights::of(registry, actor, repository).await?;
    of(registry, rights, target, request).await
}

/// What is done for somebody with `rights`.
async fn of(registry: &Registry, rights: Rights, target: Target, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let whole = |body| Request::from_parts(parts.clone(), body);
    match (parts.method.clone(), target) {
        (Method::GET | Method::HEAD, Target::Blob(digest)) => blobs::get(registry, &rights, &digest, &parts).await,
        (Method::DELETE, Target::Blob(digest)) => blobs::delete(registry, &rights, &digest).await,
        (Method::POST, Target::Uploads) => uploads::begin(registry, &rights, whole(body)).await,
        (Method::PATCH, Target::Upload(name)) => uploads::append(registry, &rights, &name, whole(body)).await,
        (Method::PUT, Target::Upload(name)) => uploads::finish(registry, &rights, &name, whole(body)).await,
        (Method::GET, Target::Upload(name)) => uploads::status(registry, &rights, &name).await,
        (Method::DELETE, Target::Upload(name)) => uploads::cancel(registry, &rights, &name).await,
        (Method::GET | Method::HEAD, Target::Manifest(reference)) => {
            manifests::get(registry, &rights, &reference, &parts).await
        }
        (Method::PUT, Target::Manifest(reference)) => manifests::put(registry, rights, &reference, whole(body)).await,
        (Method::DELETE, Target::Manifest(reference)) => manifests::delete(registry, rights, reference).await,
        (Method::GET | Method::HEAD, Target::Tags) => lists::tags(registry, &rights, parts.uri.query()).await,
        (Method::GET | Method::HEAD, Target::Referrers(subject)) => {
            lists::referrers(registry, &rights, &subject, parts.uri.query()).await
        }
        _ => Err(Failure::method()),
    }
}

fn versioned(mut response: Response) -> Response {
    response.headers_mut().insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    response
}

/// The whole of a body of at most `limit` bytes; `too_large` is said of more.
pub(crate) async fn whole(body: Body, limit: usize, too_large: impl Fn() -> Failure) -> Result<Bytes, Failure> {
    // Who says beforehand that it is too much is answered before it is sent.
    if HttpBody::size_hint(&body).lower() > limit as u64 {
        return Err(too_large());
    }
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let broken = |error| Failure::malformed("UNSUPPORTED", format!("the body did not arrive whole: {error}"));
        let piece = piece.map_err(broken)?;
        if piece.len() > limit - whole.len() {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
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
    decode_path(&text.replace('+', " "))
}

/// `text` with its percent-escapes replaced; in a path, a plus sign is a plus sign.
fn decode_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|digit| char::from(*digit).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `text` as the value of a parameter: all but letters, digits and a few signs percent-escaped.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b':');
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::{decode_path, encode, parameter, parameters};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_encoded_is_read_back(text in any::<String>(), query in ".{0,40}") {
            let whole = format!("a=1&kind={}&b=2", encode(&text));
            prop_assert_eq!(parameter(Some(&whole), "kind"), Some(text));
            let _ = (parameters(Some(&query), "kind"), decode_path(&query));
        }
    }

    #[test]
    fn parameters_are_decoded() {
        for (query, name, expected) in [
            ("n=10&last=v1", "last", Some("v1")),
            ("digest=sha256%3Aab", "digest", Some("sha256:ab")),
            ("artifactType=application%2Fx+y%2Bjson", "artifactType", Some("application/x y+json")),
            ("a=%&b=%zz&c=%e", "a", Some("%")),
            ("a=%&b=%zz&c=%e", "b", Some("%zz")),
            ("a=%&b=%zz&c=%+1", "c", Some("% 1")),
            ("a=%ff", "a", Some("\u{fffd}")),
            ("digest", "digest", None),
            ("", "n", None),
        ] {
            assert_eq!(parameter(Some(query), name).as_deref(), expected, "{name} of {query}");
        }
        assert_eq!(parameters(Some("tag=1&x=0&tag=2"), "tag"), ["1", "2"]);
        assert_eq!(parameter(None, "n"), None);
        assert_eq!(decode_path("a+b/manifests/sha256%3Aab"), "a+b/manifests/sha256:ab");
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        for text in ["application/vnd.x+json", "a b&c=d%", "\u{e9}\"<>", ""] {
            let query = format!("kind={}", encode(text));
            assert_eq!(parameter(Some(&query), "kind").as_deref(), Some(text));
            assert!(
                query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>')),
                "{query}"
            );
        }
    }
}
