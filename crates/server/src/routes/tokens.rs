//! Access tokens and roles.

use api::{IssuedToken, ReasonQuery, Receipt, Role, Roles, TokenRequest, Whoami};
use axum::{Json, extract::State, response::Response};
use domain::{BUILT_IN_ROLES, Command, Digest, Key};
use http::StatusCode;

use super::{at_size, done};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::TokenPath,
    token,
};

/// Say who the token makes one.
#[utoipa::path(
    get, path = "/whoami", operation_id = "whoami", tag = "server",
    responses((status = 200, description = "The caller.", body = Whoami)),
)]
pub async fn whoami(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let id = caller.token;
    let expires =
        app.engine.read(&[Key::Token(id.clone())], |state| state.token(&id).map(|token| token.expires)).await?;
    let answer = Whoami {
        as_of,
        party: caller.actor.party,
        grants: caller.actor.grants,
        token: id,
        expires: expires.unwrap_or_default(),
    };
    Ok(at_size(as_of, Json(answer)))
}

/// List the built-in roles.
#[utoipa::path(
    get, path = "/roles", operation_id = "roles", tag = "server",
    responses((status = 200, description = "The roles with their permissions.", body = Roles)),
)]
pub async fn roles(State(app): State<App>, _: Caller) -> Response {
    let as_of = app.engine.size();
    let roles = BUILT_IN_ROLES.iter().filter_map(|(role, permissions, about)| {
        Some(Role { role: role.parse().ok()?, permissions: permissions.to_vec(), about: (*about).to_owned() })
    });
    at_size(as_of, Json(Roles { as_of, roles: roles.collect() }))
}

/// Issue a token.
///
/// Asking twice issues two: its secret is shown once, so this takes no idempotency key.
#[utoipa::path(
    post, path = "/tokens", operation_id = "issue_token", tag = "server",
    request_body = TokenRequest,
    responses((status = 201, description = "The token with its secret.", body = IssuedToken)),
)]
pub async fn issue(
    State(app): State<App>,
    mut caller: Caller,
    Said(asked): Said<TokenRequest>,
) -> Result<Response, Problem> {
    // The secret is drawn here, so each asking makes another token: a key would promise what cannot be kept.
    caller.key = None;
    let secret = token::generate();
    let Some(id) = token::id_of(&secret) else { return Err(Problem::broken()) };
    let expires = asked.expires.at(app.engine.now());
    let command = Command::IssueToken {
        token: id.clone(),
        hash: Digest::sha256(secret.as_bytes()),
        party: asked.party.clone(),
        grants: asked.grants.clone(),
        expires,
    };
    let receipt = app.submit(caller, command).await?;
    let answer = IssuedToken {
        as_of: receipt.size,
        index: receipt.index,
        id,
        token: secret,
        party: asked.party,
        grants: asked.grants,
        expires,
    };
    Ok(at_size(receipt.size, (StatusCode::CREATED, Json(answer))))
}

/// Revoke a token.
#[utoipa::path(
    delete, path = "/tokens/{token}", operation_id = "revoke_token", tag = "server",
    params(TokenPath, ReasonQuery),
    responses(
        (status = 201, description = "It is revoked.", body = Receipt),
        (status = 200, description = "It was revoked already.", body = Receipt),
    ),
)]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    At(TokenPath { token }): At<TokenPath>,
    Asked(why): Asked<ReasonQuery>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::RevokeToken { token, reason: why.reason }).await?))
}
