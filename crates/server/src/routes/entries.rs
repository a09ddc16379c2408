//! The ledger itself: entries, published files, and the rows of the state for an audit.

use std::time::Duration;

use api::{EntryAnswer, Events, Page, StateRow};
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::{Digest, Entry, ProjectName, Span};
use http::header;
use serde::Deserialize;

use super::at_size;
use crate::{
    App, Problem,
    ask::{Asked, At, Caller},
};

/// How many rows a page has at most.
const PAGE_MAX: usize = 1000;
/// How long an answer is waited for at most.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Which entries are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuestion {
    /// Entries behind this index; from the first one on unless it says so.
    after: Option<u64>,
    project: Option<ProjectName>,
    limit: Option<u32>,
    /// How long to wait if there is none yet.
    wait: Option<Span>,
}

pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Asked(question): Asked<EventsQuestion>,
) -> Result<Response, Problem> {
    match &question.project {
        Some(project) => drop(app.project(&caller.actor, project).await?),
        None => App::reads_everything(&caller.actor)?,
    }
    let from = question.after.map_or(0, |after| after.saturating_add(1));
    if let Some(wait) = question.wait {
        app.engine.wait_past(from, Duration::from_millis(wait.as_millis()).min(WAIT_MAX)).await;
    }
    let limit = question.limit.map_or(100, |limit| limit as usize).clamp(1, PAGE_MAX);
    let mut items = Vec::new();
    let mut next = question.after;
    for (index, bytes) in (from..).zip(app.engine.ports().ledger.read(from, limit).await?) {
        let entry = decode(index, &bytes)?;
        next = Some(index);
        if question.project.is_none() || entry.event.project() == question.project {
            items.push((index, entry).into());
        }
    }
    let as_of = app.engine.size();
    Ok(at_size(as_of, Json(Events { as_of, items, next })))
}

pub async fn entry(State(app): State<App>, caller: Caller, At(index): At<u64>) -> Result<Response, Problem> {
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

/// A published file: immutable but for the checkpoint.
pub async fn file(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let Some(bytes) = app.engine.ledger_file(&path).await? else {
        return Err(Problem::not_found(format!("the ledger has no file `{path}`")));
    };
    let (kind, caching) = if path == "checkpoint" {
        ("text/plain; charset=utf-8", "no-cache")
    } else {
        ("application/octet-stream", "public, max-age=604800, immutable")
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)], bytes).into_response())
}

/// The public key of the ledger, as a verifier key. Anybody may have it; whoever wants to be sure gets it another way.
pub async fn key(State(app): State<App>) -> String {
    format!("{}\n", app.verifier)
}

/// A page of the rows of the state.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsQuestion {
    after: Option<String>,
    limit: Option<u32>,
}

pub async fn state(
    State(app): State<App>,
    caller: Caller,
    Asked(question): Asked<RowsQuestion>,
) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let limit = question.limit.map_or(PAGE_MAX, |limit| limit as usize).clamp(1, PAGE_MAX);
    let as_of = app.engine.size();
    let rows = app.engine.ports().ledger.all_rows(question.after.as_deref(), limit).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|(key, _)| key.clone());
    let row = |(key, value): (String, Vec<u8>)| StateRow { key, sha256: Digest::sha256(&value).hex().to_owned() };
    let items = rows.into_iter().map(row).collect::<Vec<_>>();
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}
