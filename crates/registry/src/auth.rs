//! Who asks, and the token flow that docker, podman and the others expect.

use std::time::Duration;

use async_trait::async_trait;
use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::Actor;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::{
    Registry,
    error::Failure,
    request::{parameter, parameters, whole},
    rights::Rights,
};

/// How long a client may keep what the token endpoint gave it before it asks again, in seconds.
const EXPIRES: u32 = 3600;
/// How large the form of a token request is at most, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// How many scopes of a token request without a token are looked at.
const SCOPES_MAX: usize = 20;
/// How long it may take to arrive.
const FORM_PATIENCE: Duration = Duration::from_secs(10);

/// What those send as a bearer token who have none. It opens what anybody may have, as no header at all does.
const ANONYMOUS: &str = "anonymous";

/// Knows who comes with an `Authorization` header.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// Who acts with this header, be it `Basic` (any user name, the token as password) or `Bearer`; `None` for nobody.
    async fn authenticate(&self, authorization: Option<&HeaderValue>) -> Result<Option<Actor>, engine::Error>;
}

/// Who asks; a failure carries the challenge that makes clients fetch a token.
pub(crate) async fn caller(registry: &Registry, headers: &HeaderMap, scope: Option<&str>) -> Result<Actor, Failure> {
    let actor = registry.authority.authenticate(headers.get(header::AUTHORIZATION)).await?;
    actor.ok_or_else(|| Failure::unauthorized(&challenge(headers, scope)))
}

/// What makes a client fetch a token.
pub(crate) fn challenge(headers: &HeaderMap, scope: Option<&str>) -> String {
    // Behind several proxies, the first of a list is what the client said.
    let first = |text: &'_ str| text.split(',').next().unwrap_or_default().trim().to_owned();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(first);
    let scheme = text("x-forwarded-proto").filter(|scheme| scheme == "https").unwrap_or_else(|| "http".into());
    let plain = |host: &String| !host.is_empty() && !host.contains(['"', '\\', ' ']);
    let host = text("x-forwarded-host").or_else(|| text("host")).filter(plain).unwrap_or_else(|| "localhost".into());
    let scope = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
    format!("Bearer realm=\"{scheme}://{host}/v2/token\",service=\"selfsame\"{scope}")
}

/// Whether somebody comes without a token, or with what the token endpoint gives those who have none.
pub(crate) fn is_anonymous(headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION);
    authorization.is_none_or(|authorization| secret_of(authorization).as_deref() == Some(ANONYMOUS))
}

/// Gives a client, for its credentials, what it is to send as a bearer token: the same access token, which needs no second kind. Who
/// has no credentials gets a word that opens what anybody may pull, where there is such a thing.
pub(crate) async fn token(State(registry): State<Registry>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let (authorization, scopes) = match parts.method {
        Method::GET => (parts.headers.get(header::AUTHORIZATION).cloned(), parameters(parts.uri.query(), "scope")),
        Method::POST => of_form(&form(body).await?),
        _ => return Err(Failure::method()),
    };
    let actor = registry.authority.authenticate(authorization.as_ref()).await?;
    let secret = match (&actor, &authorization) {
        (Some(_), Some(authorization)) => secret_of(authorization).unwrap_or_default(),
        (None, None) if any_public(&registry, &scopes).await? => ANONYMOUS.to_owned(),
        _ => return Err(Failure::unauthorized("Basic realm=\"selfsame\"")),
    };
    let issued_at = registry.engine.now().to_string();
    let mut answer = json!({
        "token": secret, "access_token": secret, "token_type": "Bearer", "expires_in": EXPIRES, "issued_at": issued_at,
    });
    let wants_to_refresh =
        parts.method == Method::POST || parameter(parts.uri.query(), "offline_token").as_deref() == Some("true");
    if actor.is_some() && wants_to_refresh {
        answer["refresh_token"] = json!(secret);
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Whether there is something that anybody may pull where one of these scopes is. Several can stand in one text.
async fn any_public(registry: &Registry, scopes: &[String]) -> Result<bool, Failure> {
    for scope in scopes.iter().flat_map(|scopes| scopes.split(' ')).take(SCOPES_MAX) {
        let name = scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':')?.0.parse().ok());
        let Some(repository) = name else { continue };
        if Rights::of(registry, Actor::anonymous(), repository).await?.has_something_public() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The form of a token request. Nobody is known yet who sends it, so it has to come soon.
async fn form(body: Body) -> Result<Bytes, Failure> {
    let too_large = || Failure::malformed("UNSUPPORTED", format!("a form has at most {FORM_BYTES_MAX} bytes"));
    let too_slow = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "UNSUPPORTED", "the form did not come in time");
    tokio::time::timeout(FORM_PATIENCE, whole(body, FORM_BYTES_MAX, too_large)).await.map_err(too_slow)?
}

fn secret_of(authorization: &HeaderValue) -> Option<String> {
    let (scheme, rest) = authorization.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// What a form says as a header, and its scopes. A secret that is sent in a way that is not understood opens nothing, but is one: nobody becomes
/// anonymous by it.
fn of_form(form: &[u8]) -> (Option<HeaderValue>, Vec<String>) {
    let text = std::str::from_utf8(form).ok();
    let has_secret = ["password", "refresh_token"].iter().any(|name| parameter(text, name).is_some());
    let authorization = has_secret.then(|| secret_in_form(form).unwrap_or(HeaderValue::from_static("")));
    (authorization, parameters(text, "scope"))
}

/// The password or refresh token of an OAuth 2 form, as a header that says the same.
fn secret_in_form(form: &[u8]) -> Option<HeaderValue> {
    let form = std::str::from_utf8(form).ok();
    let secret = match parameter(form, "grant_type")?.as_str() {
        "password" => parameter(form, "password")?,
        "refresh_token" => parameter(form, "refresh_token")?,
        _ => return None,
    };
    HeaderValue::from_str(&format!("Bearer {secret}")).ok()
}

#[cfg(test)]
mod tests {
    use super::{Body, Bytes, challenge, form, secret_in_form, secret_of};
    use futures::{StreamExt, stream};
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_challenge_names_the_address_that_the_client_used() {
        for (lines, scope, expected) in [
            (&[("host", "r.example:5000")][..], None, "http://r.example:5000/v2/token"),
            (&[("host", "r.example"), ("x-forwarded-proto", "https")], None, "https://r.example/v2/token"),
            (&[("host", "r.example"), ("x-forwarded-proto", "https, http")], None, "https://r.example/v2/token"),
            (&[("host", "r.example"), ("x-forwarded-proto", "gopher")], None, "http://r.example/v2/token"),
            (&[("host", "inner"), ("x-forwarded-host", "outer")], Some("repository:a/b:pull"), "http://outer/v2/token"),
            (&[("host", "a\"b")], None, "http://localhost/v2/token"),
            (&[], None, "http://localhost/v2/token"),
        ] {
            let scope_part = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
            let expected = format!("Bearer realm=\"{expected}\",service=\"selfsame\"{scope_part}");
            assert_eq!(challenge(&headers(lines), scope), expected, "{lines:?}");
        }
    }

    /// Time stands still here unless everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_form_that_does_not_end_is_not_waited_for() {
        let dribble = stream::unfold((), async |()| {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"a")), ()))
        });
        let pieces = |text: &'static str| Body::from_stream(stream::iter([Ok::<_, std::io::Error>(text)]));
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        for (body, expected) in [
            (pieces("grant_type=password"), "200"),
            (Body::from_stream(dribble.boxed()), "408"),
            (silent, "408"),
            (Body::from(vec![b'x'; 20_000]), "400"),
        ] {
            let found = match form(body).await {
                Ok(_) => "200".to_owned(),
                Err(failure) => axum::response::IntoResponse::into_response(failure).status().as_str().to_owned(),
            };
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn secrets_are_found_in_headers_and_forms() {
        for (header, expected) in [
            ("Bearer ss_1", Some("ss_1")),
            ("bearer  ss_1", Some("ss_1")),
            ("Basic dXNlcjpzc18x", Some("ss_1")),
            ("Basic dXNlcg==", None),
            ("Basic ???", None),
            ("ss_1", None),
        ] {
            assert_eq!(secret_of(&HeaderValue::from_static(header)).as_deref(), expected, "{header}");
        }
        for (form, expected) in [
            ("grant_type=password&username=u&password=ss_1-x", Some("Bearer ss_1-x")),
            ("service=s&grant_type=refresh_token&refresh_token=ss%5F1", Some("Bearer ss_1")),
            ("grant_type=password&refresh_token=ss_1", None),
            ("grant_type=other&password=ss_1", None),
            ("grant_type=password&password=a%0D%0Ab", None),
            ("password=ss_1", None),
        ] {
            let found = secret_in_form(form.as_bytes());
            assert_eq!(found.as_ref().and_then(|found| found.to_str().ok()), expected, "{form}");
        }
    }
}
