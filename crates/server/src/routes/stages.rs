//! What happens to a release in a stage.

use api::{
    ApprovalRequest, GateAnswer, HealthRequest, PromotionRequest, RollbackRequest, SteeringRequest, VetoRequest,
};
use axum::{Json, extract::State, response::Response};
use domain::{Command, Party, ProjectName, ReleaseId, StageName, Timestamp};
use serde::Deserialize;

use super::{at_size, done};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
};

type InStage = At<(ProjectName, StageName)>;

/// What is asked of a gate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateQuestion {
    release: String,
    at: Option<Timestamp>,
    #[serde(rename = "as")]
    asker: Option<Party>,
}

pub async fn gate(
    State(app): State<App>,
    caller: Caller,
    At((name, stage)): InStage,
    Asked(question): Asked<GateQuestion>,
) -> Result<Response, Problem> {
    let project = app.project(&caller.actor, &name).await?;
    let release = app.release(&project, &question.release).await?;
    if question.at.is_some() {
        app.settle().await;
    }
    let asker = question.asker.unwrap_or(caller.actor.party);
    let answer: GateAnswer = app.engine.place(&name, &stage, &release, &asker, question.at).await?.into();
    Ok(at_size(answer.as_of, Json(answer)))
}

pub async fn promote(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<PromotionRequest>,
) -> Result<Response, Problem> {
    if asked.dry_run {
        app.project(&caller.actor, &project).await?;
        let place = app.engine.place(&project, &stage, &asked.release, &caller.actor.party, None).await?;
        let answer: GateAnswer = place.into();
        return Ok(at_size(answer.as_of, Json(answer)));
    }
    let command = Command::Promote { project, stage, release: asked.release, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

pub async fn approve(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<ApprovalRequest>,
) -> Result<Response, Problem> {
    let command = Command::Approve { project, stage, release: asked.release, gate: asked.gate, comment: asked.comment };
    Ok(done(app.submit(caller, command).await?))
}

pub async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<RollbackRequest>,
) -> Result<Response, Problem> {
    let command = Command::RollBack { project, stage, from: asked.from, to: asked.to, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

pub async fn veto(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<VetoRequest>,
) -> Result<Response, Problem> {
    let command = Command::Veto { project, stage, release: asked.release, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// Why something is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

pub async fn unveto(
    State(app): State<App>,
    caller: Caller,
    At((project, stage, release)): At<(ProjectName, StageName, ReleaseId)>,
    Asked(why): Asked<Why>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unveto { project, stage, release, reason: why.reason }).await?))
}

pub async fn steer(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<SteeringRequest>,
) -> Result<Response, Problem> {
    let command = Command::Steer { project, stage, change: asked.change, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

pub async fn report_health(
    State(app): State<App>,
    caller: Caller,
    At((project, stage)): InStage,
    Said(asked): Said<HealthRequest>,
) -> Result<Response, Problem> {
    let HealthRequest { release, healthy, reason } = asked;
    let command = Command::ReportHealth { project, stage, release, healthy, reason };
    Ok(done(app.submit(caller, command).await?))
}
