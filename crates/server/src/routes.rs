//! The routes of `/v1` and of the published ledger.

mod artifacts;
mod board;
mod claims;
mod deliveries;
mod entries;
mod holds;
mod projects;
mod receipts;
mod releases;
mod retention;
mod stages;
mod tokens;
mod trace;

use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use engine::Receipt;
use http::{HeaderValue, Method, StatusCode};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, Problem, ask::Caller, layer::layer, openapi};

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let registry = registry::Registry::new(app.engine.clone(), std::sync::Arc::new(app.clone()));
    let registry = registry::routes(registry.mirroring(app.upstream.clone()));
    let (described, _) = documented().split_for_parts();
    described
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(app.clone(), layer))
        .with_state(app)
        .merge(registry)
}

/// The routes of `/v1` and `/ledger`, each with its part of the OpenAPI document: there is no other way to add one.
pub(crate) fn documented() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(scrub))
        .routes(routes!(openapi::show))
        .routes(routes!(tokens::whoami))
        .routes(routes!(tokens::roles))
        .routes(routes!(tokens::issue))
        .routes(routes!(tokens::revoke))
        .routes(routes!(projects::list))
        .routes(routes!(projects::show))
        .routes(routes!(projects::apply))
        .routes(routes!(board::show))
        .routes(routes!(artifacts::evidence, artifacts::record_evidence))
        .routes(routes!(artifacts::record_signed))
        .routes(routes!(artifacts::document))
        .routes(routes!(releases::list, releases::create))
        .routes(routes!(releases::show))
        .routes(routes!(releases::history))
        .routes(routes!(releases::diff))
        .routes(routes!(stages::gate))
        .routes(routes!(stages::promote))
        .routes(routes!(stages::approve))
        .routes(routes!(stages::roll_back))
        .routes(routes!(receipts::show))
        .routes(routes!(receipts::key))
        .routes(routes!(stages::veto))
        .routes(routes!(stages::unveto))
        .routes(routes!(stages::steer))
        .routes(routes!(stages::report_health))
        .routes(routes!(holds::list, holds::hold))
        .routes(routes!(holds::unhold))
        .routes(routes!(retention::status))
        .routes(routes!(retention::plan))
        .routes(routes!(retention::apply))
        .routes(routes!(retention::restore))
        .routes(routes!(retention::keep))
        .routes(routes!(retention::unkeep))
        .routes(routes!(claims::observe))
        .routes(routes!(claims::lease))
        .routes(routes!(claims::unlease))
        .routes(routes!(trace::show))
        .routes(routes!(entries::events))
        .routes(routes!(entries::entry))
        .routes(routes!(entries::state));
    OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .nest("/v1", v1)
        .routes(routes!(entries::key))
        .routes(routes!(entries::file))
}

async fn nothing() -> Problem {
    Problem::not_found("there is nothing at this address; `/v1`, `/v2` and `/ledger` are served")
}

async fn wrong_method(method: Method) -> Problem {
    Problem::wrong_method(&method)
}

/// Say that the server is up.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "server", security(()),
    responses((status = 200, description = "It is up.", body = api::Live)),
)]
async fn alive(State(app): State<App>) -> Response {
    let as_of = app.engine.size();
    at_size(as_of, Json(api::Live { as_of, version: env!("CARGO_PKG_VERSION").into() }))
}

/// Say whether the server does its work.
#[utoipa::path(
    get, path = "/ready", operation_id = "ready", tag = "server", security(()),
    responses(
        (status = 200, description = "Commands are taken.", body = api::Ready),
        (
            status = 503, body = api::Ready,
            description = "No command is taken: the ledger cannot be reached, or could not be written, and reads go on until a restart.",
        ),
    ),
)]
async fn ready(State(app): State<App>) -> Response {
    let as_of = app.engine.size();
    // Where others write, a ledger that was not heard of for a while is asked.
    let reached = app.engine.read(&[], |_| ()).await.is_ok();
    let writable = reached && app.engine.writable().is_ok();
    let status = if writable { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (viewed, published) = (app.engine.viewed(), app.engine.published());
    let damaged = app.scrub.borrow().damaged.len() as u64;
    let ready = api::Ready { as_of, writable, viewed, published, damaged };
    at_size(as_of, (status, Json(ready)))
}

/// Say what was found when the server read again what it stores.
#[utoipa::path(
    get, path = "/scrub", operation_id = "scrub", tag = "server",
    responses((status = 200, description = "How far it is, and what is damaged.", body = api::Scrub)),
)]
async fn scrub(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let as_of = app.engine.size();
    let scrub = api::Scrub { as_of, ..app.scrub.borrow().clone() };
    Ok(at_size(as_of, Json(scrub)))
}

/// The answer to a command: 201 if it made entries or had made them, 200 if all was so already.
fn done(receipt: Receipt) -> Response {
    let (status, size) = (status(&receipt), receipt.size);
    at_size(size, (status, Json(wire(receipt))))
}

fn status(receipt: &Receipt) -> StatusCode {
    if receipt.count > 0 { StatusCode::CREATED } else { StatusCode::OK }
}

fn wire(receipt: Receipt) -> api::Receipt {
    let events = receipt.events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect();
    api::Receipt {
        as_of: receipt.size,
        index: receipt.index,
        count: receipt.count,
        at: receipt.at,
        repeated: receipt.repeated,
        events,
    }
}

/// Says in a header of which size of the ledger an answer speaks.
fn at_size(size: u64, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(api::LEDGER_SIZE_HEADER, HeaderValue::from(size));
    response
}

/// How many items a page has, from what was asked.
fn limit(asked: Option<u32>) -> usize {
    asked.unwrap_or(api::LIMIT_DEFAULT).clamp(1, api::LIMIT_MAX) as usize
}

/// The cursor of a page, as the page before gave it.
fn cursor<T: std::str::FromStr>(asked: Option<&str>) -> Result<Option<T>, Problem> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Problem::malformed(format!("`cursor={text}` came from no page of this list")))
    };
    asked.map(parse).transpose()
}
