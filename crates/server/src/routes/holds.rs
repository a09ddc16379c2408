//! Holds.

use std::{collections::BTreeMap, str::FromStr};

use api::{Hold, HoldRequest, Page, PageQuery, Receipt, UnholdQuery};
use axum::{Json, extract::State, response::Response};
use domain::{Command, Digest, ProjectName};

use super::{at_size, cursor, done, limit};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::DigestPath,
};

/// List the holds in force, by digest.
#[utoipa::path(
    get, path = "/holds", operation_id = "holds", tag = "digests",
    params(PageQuery),
    responses((status = 200, description = "Holds everywhere and in projects.", body = Page<Hold>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, Asked(page): Asked<PageQuery>) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let as_of = app.engine.size();
    let (after, limit) = (cursor::<Place>(page.cursor.as_deref())?, limit(page.limit));
    // One more than asked for shows whether there is more.
    let mut items = app.engine.read(&[], |state| part(&state.system().holds, after.as_ref(), limit + 1)).await?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more).map(|last| Place::of(last).to_string());
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}

/// At most `limit` holds behind the place `after`, in the order of their places.
fn part(holds: &BTreeMap<Digest, Vec<domain::Hold>>, after: Option<&Place>, limit: usize) -> Vec<Hold> {
    let of_digest = |(digest, holds): (&Digest, &Vec<domain::Hold>)| {
        let mut holds = wire(digest, holds);
        holds.sort_by_key(Place::of);
        holds
    };
    let places = match after {
        Some(after) => holds.range(after.0.clone()..),
        None => holds.range::<Digest, _>(..),
    };
    let is_behind = |hold: &Hold| after.is_none_or(|after| Place::of(hold) > *after);
    places.flat_map(of_digest).filter(is_behind).take(limit).collect()
}

/// Where a hold stands in the list: its digest, and its project unless it holds everywhere. Written `DIGEST` or `DIGEST/PROJECT`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place(Digest, Option<ProjectName>);

impl Place {
    fn of(hold: &Hold) -> Self {
        Self(hold.digest.clone(), hold.project.clone())
    }
}

impl FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let not_understood = || Problem::malformed("no place in the list of holds");
        let (digest, project) = text.split_once('/').map_or((text, None), |(digest, project)| (digest, Some(project)));
        let project = project.map(str::parse).transpose().map_err(|_| not_understood())?;
        Ok(Self(digest.parse().map_err(|_| not_understood())?, project))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.1 {
            Some(project) => write!(f, "{}/{project}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

pub(super) fn wire(digest: &Digest, holds: &[domain::Hold]) -> Vec<Hold> {
    let one = |hold: &domain::Hold| Hold {
        digest: digest.clone(),
        project: hold.project.clone(),
        mark: hold.mark.clone().into(),
    };
    holds.iter().map(one).collect()
}

/// Hold a digest: nobody may use it.
#[utoipa::path(
    post, path = "/holds", operation_id = "hold", tag = "digests",
    request_body = HoldRequest,
    responses(
        (status = 201, description = "It is held.", body = Receipt),
        (status = 200, description = "It was held already.", body = Receipt),
    ),
)]
pub async fn hold(State(app): State<App>, caller: Caller, Said(asked): Said<HoldRequest>) -> Result<Response, Problem> {
    let command = Command::Hold { digest: asked.digest, project: asked.project, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// End a hold.
#[utoipa::path(
    delete, path = "/holds/{digest}", operation_id = "unhold", tag = "digests",
    params(DigestPath, UnholdQuery),
    responses((status = 201, description = "It has ended.", body = Receipt)),
)]
pub async fn unhold(
    State(app): State<App>,
    caller: Caller,
    At(DigestPath { digest }): At<DigestPath>,
    Asked(asked): Asked<UnholdQuery>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unhold { digest, project: asked.project, reason: asked.reason }).await?))
}
