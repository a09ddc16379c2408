//! The routes of `/v1` and of the published ledger.

mod artifacts;
mod board;
mod entries;
mod projects;
mod releases;
mod stages;
mod tokens;
mod trace;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use engine::Receipt;
use http::{HeaderValue, StatusCode};

use crate::{App, Problem};

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let in_stage = Router::new()
        .route("/gate", get(stages::gate))
        .route("/promotions", post(stages::promote))
        .route("/approvals", post(stages::approve))
        .route("/rollbacks", post(stages::roll_back))
        .route("/vetoes", post(stages::veto))
        .route("/vetoes/{release}", delete(stages::unveto))
        .route("/steering", post(stages::steer))
        .route("/health", post(stages::report_health));
    let in_project = Router::new()
        .route("/", get(projects::show))
        .route("/config", post(projects::apply))
        .route("/board", get(board::show))
        .route("/evidence", get(artifacts::evidence).post(artifacts::record_evidence))
        .route("/releases", get(releases::list).post(releases::create))
        .route("/releases/{release}", get(releases::show))
        .route("/history", get(releases::history))
        .route("/diff", get(releases::diff))
        .nest("/stages/{stage}", in_stage);
    let v1 = Router::new()
        .route("/health", get(alive))
        .route("/ready", get(ready))
        .route("/whoami", get(tokens::whoami))
        .route("/roles", get(tokens::roles))
        .route("/tokens", post(tokens::issue))
        .route("/tokens/{token}", delete(tokens::revoke))
        .route("/projects", get(projects::list))
        .nest("/projects/{project}", in_project)
        .route("/holds", get(artifacts::holds).post(artifacts::hold))
        .route("/holds/{digest}", delete(artifacts::unhold))
        .route("/trace/{digest}", get(trace::show))
        .route("/events", get(entries::events))
        .route("/ledger/entries/{index}", get(entries::entry))
        .route("/state", get(entries::state));
    let registry = registry::routes(registry::Registry::new(app.engine.clone(), std::sync::Arc::new(app.clone())));
    Router::new()
        .nest("/v1", v1)
        .route("/ledger/key", get(entries::key))
        .route("/ledger/{*path}", get(entries::file))
        .fallback(nothing)
        .with_state(app)
        .merge(registry)
}

async fn nothing() -> Problem {
    Problem::not_found("there is nothing at this address; `/v1`, `/v2` and `/ledger` are served")
}

async fn alive(State(app): State<App>) -> Response {
    let as_of = app.engine.size();
    at_size(as_of, Json(api::Live { as_of, version: env!("CARGO_PKG_VERSION").into() }))
}

async fn ready(State(app): State<App>) -> Response {
    let as_of = app.engine.size();
    let writable = app.engine.writable().is_ok();
    let status = if writable { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ready = api::Ready { as_of, writable, viewed: app.engine.viewed(), published: app.engine.published() };
    at_size(as_of, (status, Json(ready)))
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

/// How many rows a page has, from what was asked.
fn limit(page: &api::PageQuery) -> usize {
    page.limit.map_or(50, |limit| limit.clamp(1, 1000) as usize)
}

/// The cursor of a page that goes by entries.
fn cursor(page: &api::PageQuery) -> Result<Option<u64>, Problem> {
    let parse = |text: &String| {
        text.parse().map_err(|_| Problem::malformed(format!("`cursor={text}` came from no page of this list")))
    };
    page.cursor.as_ref().map(parse).transpose()
}
