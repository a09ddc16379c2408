//! The board: what each stage has, and what stops the latest releases.

use api::{Board, BoardStage, Candidate};
use axum::{Json, extract::State, response::Response};
use domain::{Key, Project, ReleaseId, StageName, Standing};

use super::{at_size, deliveries};
use crate::{
    App, Problem,
    ask::{At, Caller},
    paths::ProjectPath,
};

/// How many of the latest releases are looked at for each stage.
const LATEST: usize = 5;

/// Show what each stage has, and what could enter it next.
#[utoipa::path(
    get, path = "/projects/{project}/board", operation_id = "board", tag = "projects",
    params(ProjectPath),
    responses((status = 200, description = "The stages, each after its upstream stages.", body = Board)),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
) -> Result<Response, Problem> {
    let as_of = app.settle().await?;
    let project = app.project(&caller.actor, &name).await?;
    let latest: Vec<_> =
        app.engine.ports().views.releases(&name, None, LATEST).await?.into_iter().map(|row| row.release).collect();
    let mut stages = Vec::new();
    for stage in project.config.stages_in_order() {
        stages.push(of_stage(&app, &caller, &project, stage, &latest).await?);
    }
    Ok(at_size(as_of, Json(Board { as_of, project: name, config: project.config.digest(), stages })))
}

async fn of_stage(
    app: &App,
    caller: &Caller,
    project: &Project,
    stage: &StageName,
    latest: &[ReleaseId],
) -> Result<BoardStage, Problem> {
    let there = project.stage(stage);
    let mut waiting = Vec::new();
    for release in latest {
        waiting.extend(candidate(app, caller, project, stage, release).await?);
    }
    Ok(BoardStage {
        stage: stage.clone(),
        after: project
            .config
            .stages
            .get(stage)
            .map(|configured| configured.upstream().stages().cloned().collect())
            .unwrap_or_default(),
        current: there.current.clone().map(Into::into),
        deliveries: deliveries::of_stage(app, project, stage),
        previous: there.previous().cloned().map(Into::into),
        health: there.health.clone().map(Into::into),
        pinned: there.pinned.clone().map(Into::into),
        paused: there.paused.clone().map(Into::into),
        waiting,
    })
}

/// The release, if it has not been in the stage and may still come.
async fn candidate(
    app: &App,
    caller: &Caller,
    project: &Project,
    stage: &StageName,
    id: &ReleaseId,
) -> Result<Option<Candidate>, Problem> {
    let name = &project.config.project;
    let place = app.engine.place(name, stage, id, &caller.actor.party, None).await?;
    if !matches!(place.standing, Standing::Eligible | Standing::Blocked | Standing::Held | Standing::Vetoed) {
        return Ok(None);
    }
    let key = Key::Release(name.clone(), id.clone());
    let created = app.engine.read(&[key], |state| state.release(name, id).map(|release| release.created.at)).await?;
    let open = || place.decision.findings.iter().filter(|finding| !finding.status.lets_in());
    Ok(Some(Candidate {
        release: id.clone(),
        created: created.unwrap_or_default(),
        standing: place.standing.into(),
        missing: open().map(|finding| finding.because.clone()).collect(),
        next_steps: open().filter_map(|finding| finding.next_step.clone()).collect(),
        opens_at: place.decision.opens_at(),
    }))
}
