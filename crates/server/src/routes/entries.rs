//! The ledger itself: entries, published files, and the rows of the state for an audit.

use std::time::Duration;

use api::{EntryAnswer, Events, EventsQuery, Page, StateQuery, StateRow};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{Digest, Entry};
use http::header;
use utoipa::ToSchema;

use super::{at_size, limit};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller},
    paths::{EntryPath, FilePath},
};

/// How long an answer is waited for at most.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// List entries in their order, or wait for one.
#[utoipa::path(
    get, path = "/events", operation_id = "events", tag = "ledger",
    params(EventsQuery),
    responses((status = 200, description = "The entries, none if nothing happened while waiting.", body = Events)),
)]
pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Asked(question): Asked<EventsQuery>,
) -> Result<Response, Problem> {
    match &question.project {
        Some(project) => drop(app.project(&caller.actor, project).await?),
        None => App::reads_everything(&caller.actor)?,
    }
    let from = question.after.map_or(0, |after| after.saturating_add(1));
    if let Some(wait) = question.wait {
        app.engine.wait_past(from, Duration::from_millis(wait.as_millis()).min(WAIT_MAX)).await;
    }
    let before = app.engine.size();
    let mut items = Vec::new();
    let mut next = question.after;
    for (index, bytes) in (from..).zip(app.engine.ports().ledger.read(from, limit(question.limit)).await?) {
        let entry = decode(index, &bytes)?;
        next = Some(index);
        if question.project.is_none() || entry.event.project() == question.project {
            items.push((index, entry).into());
        }
    }
    let as_of = next.map_or(before, |last| before.max(last.saturating_add(1)));
    Ok(at_size(as_of, Json(Events { as_of, items, next })))
}

/// Show one entry, with the bytes that the ledger has of it.
#[utoipa::path(
    get, path = "/ledger/entries/{index}", operation_id = "entry", tag = "ledger",
    params(EntryPath),
    responses((status = 200, description = "The entry.", body = EntryAnswer)),
)]
pub async fn entry(
    State(app): State<App>,
    caller: Caller,
    At(EntryPath { index }): At<EntryPath>,
) -> Result<Response, Problem> {
    let found = app.engine.ports().ledger.read_each(&[index]).await?;
    let as_of = app.engine.size();
    let Some((_, bytes)) = found.first() else {
        return Err(Problem::not_found(format!("the ledger has {as_of} entries, and none with index {index}")));
    };
    let entry = decode(index, bytes)?;
    match entry.event.project() {
        Some(project) => drop(app.project(&caller.actor, &project).await?),
        None => App::reads_everything(&caller.actor)?,
    }
    let leaf =
        app.engine.ports().ledger.leaves(index, index + 1).await?.first().map(ToString::to_string).unwrap_or_default();
    Ok(at_size(as_of, Json(EntryAnswer { as_of, entry: (index, entry).into(), leaf })))
}

fn decode(index: u64, bytes: &[u8]) -> Result<Entry, Problem> {
    let broken = |error: domain::canonical::NotCanonical| engine::Error::Broken {
        doing: format!("read entry {index}"),
        source: error.into(),
    };
    Ok(Entry::decode(bytes).map_err(broken)?)
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Bytes(());

/// Get a published file (C2SP tlog-tiles): immutable but for the checkpoint.
#[utoipa::path(
    get, path = "/ledger/{*path}", operation_id = "ledger_file", tag = "ledger",
    params(FilePath),
    responses((status = 200, description = "The checkpoint, a tile or an entry bundle.", content(
        (String = "text/plain"),
        (Bytes = "application/octet-stream"),
    ))),
)]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    At(FilePath { path }): At<FilePath>,
) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let Some(bytes) = app.engine.ledger_file(&path).await? else {
        return Err(Problem::not_found(format!("the ledger has no file `{path}`")));
    };
    // Only who may read everything gets it, so no shared cache may keep it.
    let (kind, caching) = if path == "checkpoint" {
        ("text/plain; charset=utf-8", "private, no-cache")
    } else {
        ("application/octet-stream", "private, max-age=604800, immutable")
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], bytes).into_response())
}

/// Get the public key of the ledger, as a verifier key (C2SP signed-note).
///
/// Anybody may have it; whoever wants to be sure gets it another way.
#[utoipa::path(
    get, path = "/ledger/key", operation_id = "ledger_key", tag = "ledger", security(()),
    responses((status = 200, description = "The key, in a line.", body = String)),
)]
pub async fn key(State(app): State<App>) -> String {
    format!("{}\n", app.verifier)
}

/// List the rows of the state with their hashes, for an audit.
///
/// All rows of an answer are of the ledger size that it names. Parts of different sizes do not belong together: begin anew.
#[utoipa::path(
    get, path = "/state", operation_id = "state", tag = "ledger",
    params(StateQuery),
    responses((status = 200, description = "The rows, in the order of their keys.", body = Page<StateRow>)),
)]
pub async fn state(
    State(app): State<App>,
    caller: Caller,
    Asked(question): Asked<StateQuery>,
) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let limit = limit(question.limit.or(Some(api::LIMIT_MAX)));
    let (head, rows) = app.engine.ports().ledger.rows_at_head(question.after.as_deref(), limit).await?;
    let as_of = head.frontier.size();
    let next = rows.last().filter(|_| rows.len() == limit).map(|(key, _)| key.clone());
    let row = |(key, value): (String, Vec<u8>)| StateRow { key, sha256: Digest::sha256(&value).hex().to_owned() };
    let items = rows.into_iter().map(row).collect::<Vec<_>>();
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}
