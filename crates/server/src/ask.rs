//! Extractors: who asks, and what, parsed; each failure is a [`Problem`].

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use domain::{Actor, CommandKey, TokenId};
use futures::StreamExt;
use http::{header, request::Parts};
use serde::de::DeserializeOwned;

use crate::{App, Problem, token};

/// How large a request's body is at most: 2 MiB, for a document of 1 MiB in base64 and what surrounds it.
const BODY_BYTES_MAX: usize = 2 << 20;

/// Who asks, and the key that makes asking twice safe.
pub struct Caller {
    pub actor: Actor,
    pub token: TokenId,
    pub key: Option<CommandKey>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = token::authenticate(&app.engine, parts.headers.get(header::AUTHORIZATION)).await?;
        let (token, actor) = actor.ok_or_else(Problem::unauthenticated)?;
        let key = match parts.headers.get(api::IDEMPOTENCY_KEY_HEADER) {
            None => None,
            Some(value) => {
                let text = value.to_str().map_err(|_| Problem::malformed("`Idempotency-Key` is not visible ASCII"))?;
                Some(text.parse().map_err(|invalid: domain::InvalidName| Problem::malformed(invalid.to_string()))?)
            }
        };
        Ok(Self { actor, token, key })
    }
}

/// The parts of the path.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let found = Path::<T>::from_request_parts(parts, app).await;
        found.map(|Path(found)| Self(found)).map_err(|rejection| Problem::malformed(rejection.body_text()))
    }
}

/// The query.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let found = Query::<T>::from_request_parts(parts, app).await;
        found.map(|Query(found)| Self(found)).map_err(|rejection| Problem::malformed(rejection.body_text()))
    }
}

/// The body, JSON.
pub struct Said<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<App> for Said<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Problem::unsupported(format!("the body must be `application/json`, not `{kind}`")));
        }
        let bytes = whole(request.into_body()).await?;
        let said = serde_json::from_slice(&bytes);
        said.map(Self).map_err(|error| Problem::malformed(format!("the body cannot be read: {error}")))
    }
}

/// All of the body.
async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut pieces = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Problem::malformed(format!("the body did not come whole: {error}")))?;
        if bytes.len() + piece.len() > BODY_BYTES_MAX {
            return Err(Problem::too_large(format!("the body has more than {BODY_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
