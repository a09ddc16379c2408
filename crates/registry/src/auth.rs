//! Who asks, and the token flow that docker, podman and the others expect.

use async_trait::async_trait;
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::Actor;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::json;

use crate::{Registry, error::Failure};

/// How long a client may keep what the token endpoint gave it before it asks again, in seconds.
const EXPIRES: u32 = 3600;
/// How large the form of a token request is at most, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

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

fn challenge(headers: &HeaderMap, scope: Option<&str>) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    let plain = |host: &&str| !host.contains(['"', '\\', ' ']);
    let host = text("x-forwarded-host").or_else(|| text("host")).filter(plain).unwrap_or("localhost");
    let scope = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
    format!("Bearer realm=\"{scheme}://{host}/v2/token\",service=\"selfsame\"{scope}")
}

/// Gives a client, for its credentials, what it is to send as a bearer token: the same access token, which needs no second kind.
pub(crate) async fn token(State(registry): State<Registry>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let authorization = match parts.method {
        Method::GET => parts.headers.get(header::AUTHORIZATION).cloned(),
        Method::POST => {
            let form = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
            let form = form.map_err(|error| Failure::malformed("UNSUPPORTED", format!("the form cannot be read: {error}")))?;
            secret_in_form(&form)
        }
        _ => return Err(Failure::method()),
    };
    let actor = registry.authority.authenticate(authorization.as_ref()).await?;
    if actor.is_none() {
        return Err(Failure::unauthorized("Basic realm=\"selfsame\""));
    }
    let secret = authorization.as_ref().and_then(secret_of).unwrap_or_default();
    let issued_at = registry.engine.now().to_string();
    let answer = json!({
        "token": secret, "access_token": secret, "refresh_token": secret, "token_type": "Bearer",
        "expires_in": EXPIRES, "issued_at": issued_at,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn secret_of(authorization: &HeaderValue) -> Option<String> {
    let (scheme, rest) = authorization.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// The password or refresh token of an OAuth 2 form, as a header that says the same. Tokens need no percent-decoding.
fn secret_in_form(form: &[u8]) -> Option<HeaderValue> {
    let form = std::str::from_utf8(form).ok()?;
    let field = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let secret = match field("grant_type")? {
        "password" => field("password")?,
        "refresh_token" => field("refresh_token")?,
        _ => return None,
    };
    HeaderValue::from_str(&format!("Bearer {secret}")).ok()
}
