//! What happens to a release in a stage.

use api::{
    ApprovalRequest, GateAnswer, GateQuery, HealthRequest, PromotionRequest, ReasonQuery, Receipt, RollbackRequest,
    SteeringRequest, VetoRequest,
};
use axum::{Json, extract::State, response::Response};
use domain::Command;

use super::{at_size, done};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::{StagePath, VetoPath},
};

/// Ask a gate, and explain each requirement.
#[utoipa::path(
    get, path = "/projects/{project}/stages/{stage}/gate", operation_id = "gate", tag = "stages",
    params(StagePath, GateQuery),
    responses(
        (status = 200, description = "The gate's answer, open or closed.", body = GateAnswer),
    ),
)]
pub async fn gate(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project: name, stage }): At<StagePath>,
    Asked(question): Asked<GateQuery>,
) -> Result<Response, Problem> {
    let project = app.project(&caller.actor, &name).await?;
    let release = app.release(&project, &question.release).await?;
    if question.at.is_some() {
        app.settle().await?;
    }
    let asker = question.asker.unwrap_or(caller.actor.party);
    let answer: GateAnswer = app.engine.place(&name, &stage, &release, &asker, question.at).await?.into();
    Ok(at_size(answer.as_of, Json(answer)))
}

/// Move a release into a stage, if the gate lets it in; or only say whether it would.
///
/// A dry run is refused as it would be in earnest.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/promotions", operation_id = "promote", tag = "stages",
    params(StagePath),
    request_body = PromotionRequest,
    responses(
        (status = 201, description = "It is in the stage.", body = Receipt),
        (status = 200, description = "With `dry_run`: it would enter. What would be refused is refused.", body = GateAnswer),
    ),
)]
pub async fn promote(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<PromotionRequest>,
) -> Result<Response, Problem> {
    let PromotionRequest { release, reason, dry_run } = asked;
    let command = Command::Promote { project: project.clone(), stage: stage.clone(), release: release.clone(), reason };
    if dry_run {
        app.engine.rehearse(&caller.actor, &command).await?;
        let place = app.engine.place(&project, &stage, &release, &caller.actor.party, None).await?;
        let answer: GateAnswer = place.into();
        return Ok(at_size(answer.as_of, Json(answer)));
    }
    Ok(done(app.submit(caller, command).await?))
}

/// Say yes to a release for a stage.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/approvals", operation_id = "approve", tag = "stages",
    params(StagePath),
    request_body = ApprovalRequest,
    responses(
        (status = 201, description = "It is approved.", body = Receipt),
    ),
)]
pub async fn approve(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<ApprovalRequest>,
) -> Result<Response, Problem> {
    let command = Command::Approve { project, stage, release: asked.release, gate: asked.gate, comment: asked.comment };
    Ok(done(app.submit(caller, command).await?))
}

/// Put an earlier release of a stage back.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/rollbacks", operation_id = "roll_back", tag = "stages",
    params(StagePath),
    request_body = RollbackRequest,
    responses(
        (status = 201, description = "It is back.", body = Receipt),
    ),
)]
pub async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<RollbackRequest>,
) -> Result<Response, Problem> {
    let command = Command::RollBack { project, stage, from: asked.from, to: asked.to, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// Never let a release into a stage.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/vetoes", operation_id = "veto", tag = "stages",
    params(StagePath),
    request_body = VetoRequest,
    responses(
        (status = 201, description = "It is vetoed.", body = Receipt),
        (status = 200, description = "It was vetoed already.", body = Receipt),
    ),
)]
pub async fn veto(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<VetoRequest>,
) -> Result<Response, Problem> {
    let command = Command::Veto { project, stage, release: asked.release, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// Lift a veto.
#[utoipa::path(
    delete, path = "/projects/{project}/stages/{stage}/vetoes/{release}", operation_id = "unveto", tag = "stages",
    params(VetoPath, ReasonQuery),
    responses(
        (status = 201, description = "It is lifted.", body = Receipt),
    ),
)]
pub async fn unveto(
    State(app): State<App>,
    caller: Caller,
    At(VetoPath { project, stage, release }): At<VetoPath>,
    Asked(why): Asked<ReasonQuery>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unveto { project, stage, release, reason: why.reason }).await?))
}

/// Pin, unpin, pause or resume a stage.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/steering", operation_id = "steer", tag = "stages",
    params(StagePath),
    request_body = SteeringRequest,
    responses(
        (status = 201, description = "It is so.", body = Receipt),
        (status = 200, description = "It was so already.", body = Receipt),
    ),
)]
pub async fn steer(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<SteeringRequest>,
) -> Result<Response, Problem> {
    let command = Command::Steer { project, stage, change: asked.change, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// Report how the current release of a stage does.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/health", operation_id = "report_health", tag = "stages",
    params(StagePath),
    request_body = HealthRequest,
    responses(
        (status = 201, description = "It is reported.", body = Receipt),
        (status = 200, description = "It was reported so already.", body = Receipt),
    ),
)]
pub async fn report_health(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(asked): Said<HealthRequest>,
) -> Result<Response, Problem> {
    let HealthRequest { release, healthy, reason } = asked;
    let command = Command::ReportHealth { project, stage, release, healthy, reason };
    Ok(done(app.submit(caller, command).await?))
}
