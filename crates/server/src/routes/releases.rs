//! Releases: creating, listing, comparing them, and the history of stages.

use std::sync::Arc;

use api::{
    CreatedRelease, DiffPart, DiffQuery, DiffSide, Difference, HistoryQuery, Page, PageQuery, ReleaseInStage,
    ReleaseRequest, ReleaseSummary, Transition,
};
use axum::{Json, extract::State, response::Response};
use domain::{Command, Key, Project, ProjectName, Refusal, Release, ReleaseId, StageName};

use engine::ports::HistoryRow;

use super::{at_size, cursor, limit, status, wire};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::{ProjectPath, ReleasePath},
};

/// Create a release.
#[utoipa::path(
    post, path = "/projects/{project}/releases", operation_id = "create_release", tag = "projects",
    params(ProjectPath),
    request_body = ReleaseRequest,
    responses(
        (status = 201, description = "It is created.", body = CreatedRelease),
        (status = 200, description = "It was there already: the same contents are the same release.", body = CreatedRelease),
    ),
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(asked): Said<ReleaseRequest>,
) -> Result<Response, Problem> {
    let (contents, source) = asked.into_parts();
    let release = contents.id();
    let receipt = app.submit(caller, Command::CreateRelease { project, contents, source }).await?;
    let (status, size) = (status(&receipt), receipt.size);
    Ok(at_size(size, (status, Json(CreatedRelease { release, receipt: wire(receipt) }))))
}

/// List the releases, the latest first.
#[utoipa::path(
    get, path = "/projects/{project}/releases", operation_id = "releases", tag = "projects",
    params(ProjectPath, PageQuery),
    responses((status = 200, description = "The releases.", body = Page<ReleaseSummary>)),
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
    Asked(page): Asked<PageQuery>,
) -> Result<Response, Problem> {
    let as_of = app.settle().await?;
    let project = app.project(&caller.actor, &name).await?;
    let limit = limit(page.limit);
    let rows = app.engine.ports().views.releases(&name, cursor(page.cursor.as_deref())?, limit).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|last| last.index.to_string());
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let release = find(&app, &name, &row.release).await?;
        items.push(summary(&project, row.release, &release));
    }
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}

fn summary(project: &Project, id: ReleaseId, release: &Release) -> ReleaseSummary {
    let is_current =
        |stage: &&StageName| project.stage(stage).current.as_ref().is_some_and(|current| current.release == id);
    ReleaseSummary {
        index: release.created.index,
        at: release.created.at,
        by: release.created.by.clone(),
        components: release.contents.components.clone(),
        config: release.contents.config.clone(),
        source: release.source.clone().into(),
        current_in: project.config.stages_in_order().into_iter().filter(is_current).cloned().collect(),
        release: id,
    }
}

/// Show a release, and how it stands in each stage.
#[utoipa::path(
    get, path = "/projects/{project}/releases/{release}", operation_id = "release", tag = "projects",
    params(ReleasePath),
    responses((status = 200, description = "The release.", body = api::Release)),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(ReleasePath { project: name, release: text }): At<ReleasePath>,
) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let project = app.project(&caller.actor, &name).await?;
    let id = app.release(&project, &text).await?;
    let release = find(&app, &name, &id).await?;
    let mut stages = Vec::new();
    for stage in project.config.stages_in_order() {
        let place = app.engine.place(&name, stage, &id, &caller.actor.party, None).await?;
        let open = place.decision.findings.iter().filter(|finding| !finding.status.lets_in());
        let there = release.in_stage(stage);
        let presence = there.and_then(|there| there.presence.as_ref());
        stages.push(ReleaseInStage {
            stage: stage.clone(),
            standing: place.standing.into(),
            missing: open.map(|finding| finding.because.clone()).collect(),
            since: presence.map(|presence| presence.since),
            until: presence.and_then(|presence| presence.left.as_ref()).map(|left| left.at),
            approved_by: there.iter().flat_map(|there| &there.approvals).map(|approval| approval.by.clone()).collect(),
        });
    }
    let answer = api::Release {
        as_of,
        release: id,
        components: release.contents.components.clone(),
        config: release.contents.config.clone(),
        source: release.source.clone().into(),
        created: release.created.clone().into(),
        stages,
    };
    Ok(at_size(as_of, Json(answer)))
}

async fn find(app: &App, name: &ProjectName, id: &ReleaseId) -> Result<Arc<Release>, Problem> {
    let key = Key::Release(name.clone(), id.clone());
    let found = app.engine.read(&[key], |state| state.release(name, id).cloned()).await?;
    found.ok_or_else(|| Refusal::ReleaseUnknown { project: name.clone(), release: id.clone() }.into())
}

/// List what the stages have had, the latest first.
#[utoipa::path(
    get, path = "/projects/{project}/history", operation_id = "history", tag = "projects",
    params(ProjectPath, HistoryQuery),
    responses((status = 200, description = "The transitions.", body = Page<Transition>)),
)]
pub async fn history(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
    Asked(question): Asked<HistoryQuery>,
) -> Result<Response, Problem> {
    let as_of = app.settle().await?;
    let project = app.project(&caller.actor, &name).await?;
    let views = &app.engine.ports().views;
    let (before, limit) = (cursor(question.cursor.as_deref())?, limit(question.limit));
    let mut rows = Vec::new();
    match question.at {
        None => rows = views.history(&name, question.stage.as_ref(), before, None, limit).await?,
        Some(at) => {
            let asked = |stage: &&StageName| question.stage.as_ref().is_none_or(|only| only == *stage);
            for stage in project.config.stages_in_order().into_iter().filter(asked) {
                rows.extend(views.history(&name, Some(stage), None, Some(at), 1).await?);
            }
        }
    }
    let is_full = question.at.is_none() && rows.len() == limit;
    let next = rows.last().filter(|_| is_full).map(|last| last.index.to_string());
    let unsettled = |row: &HistoryRow| {
        let mut recent = project.stage(&row.stage).recent();
        recent.any(|tenure| tenure.mark.index == row.index && tenure.unsettled)
    };
    let items = rows.into_iter().map(|row| Transition {
        unsettled: unsettled(&row),
        index: row.index,
        at: row.at,
        stage: row.stage,
        release: row.release,
        rolled_back: row.rolled_back,
        by: row.by,
        reason: row.reason,
    });
    let items = items.collect::<Vec<_>>();
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}

/// Compare two releases, or what two stages have.
#[utoipa::path(
    get, path = "/projects/{project}/diff", operation_id = "diff", tag = "projects",
    params(ProjectPath, DiffQuery),
    responses((status = 200, description = "What is different.", body = Difference)),
)]
pub async fn diff(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
    Asked(question): Asked<DiffQuery>,
) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let project = app.project(&caller.actor, &name).await?;
    let mut sides = Vec::with_capacity(2);
    for text in [&question.from, &question.to] {
        let release = app.release(&project, text).await?;
        let stage = project.config.stages.keys().find(|stage| stage.as_str() == text).cloned();
        let found = find(&app, &name, &release).await?;
        sides.push((DiffSide { stage, release, source: found.source.clone().into() }, found));
    }
    let (Some((to, after)), Some((from, before))) = (sides.pop(), sides.pop()) else { return Err(Problem::broken()) };
    let (old, new) = (&before.contents, &after.contents);
    let names: std::collections::BTreeSet<_> = old.components.keys().chain(new.components.keys()).collect();
    let parts = names.into_iter().map(|name| DiffPart {
        component: Some(name.clone()),
        from: old.components.get(name).cloned(),
        to: new.components.get(name).cloned(),
    });
    let components = parts.filter(|part| part.from != part.to).collect();
    let config = DiffPart { component: None, from: old.config.clone(), to: new.config.clone() };
    let config = Some(config).filter(|part| part.from != part.to);
    Ok(at_size(as_of, Json(Difference { as_of, from, to, components, config })))
}
