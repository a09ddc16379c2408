//! Retention: plans, what they take, what comes back, and what is kept by hand.

use api::{
    Heap, Keep, KeepRequest, ReasonQuery, Receipt, RestoreRequest, Restored, RetentionApplyRequest, RetentionPlan,
    RetentionPlanRequest, RetentionProgress, RetentionStatus,
};
use axum::{Json, extract::State, response::Response};
use domain::{Command, Digest, Key, RecordedPlan};
use engine::ports::Tier;
use http::StatusCode;

use super::{at_size, done};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::{KeepPath, ProjectPath},
};

/// How much of a tier is listed at once.
const PAGE: usize = 1000;

/// Show how a project's retention stands.
#[utoipa::path(
    get, path = "/projects/{project}/retention", operation_id = "retention", tag = "retention",
    params(ProjectPath),
    responses((status = 200, description = "The last plan, what is kept, and what lies elsewhere.", body = RetentionStatus)),
)]
pub async fn status(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let project = app.project(&caller.actor, &name).await?;
    let known = app.engine.read(&[Key::Retention(name.clone())], |state| state.retention(&name).cloned()).await?;
    let known = known.unwrap_or_default();
    let everything = App::reads_everything(&caller.actor).is_ok();
    let (archive, trash) = match everything {
        true => (Some(heap(&app, Tier::Archive).await?), Some(heap(&app, Tier::Trash).await?)),
        false => (None, None),
    };
    let keeps = known.keeps.clone().into_iter().map(|(digest, mark)| Keep { digest, mark: mark.into() }).collect();
    let policy = project.config.retention.clone().unwrap_or_default();
    let (now, has_policy) = (app.engine.now(), project.config.retention.is_some());
    let leases = known.leases_at(now).cloned().map(Into::into).collect();
    let running = known.running.into_iter().filter(|seen| now.since(seen.mark.at) < policy.running());
    let running = running.map(Into::into).collect();
    let plan = known.plan.map(progress);
    let status = RetentionStatus { as_of, project: name, has_policy, plan, keeps, running, leases, archive, trash };
    Ok(at_size(as_of, Json(status)))
}

fn progress(recorded: RecordedPlan) -> RetentionProgress {
    RetentionProgress {
        plan: recorded.plan,
        made: recorded.made.into(),
        applied: recorded.applied.map(Into::into),
        ended: recorded.ended.as_ref().map(|ended| ended.at),
        collected: recorded.ended.as_ref().map(|ended| ended.collected),
        saved: recorded.ended.as_ref().map(|ended| ended.saved),
    }
}

async fn heap(app: &App, tier: Tier) -> Result<Heap, Problem> {
    let (mut heap, mut after) = (Heap::default(), None::<Digest>);
    loop {
        let page = app.engine.ports().blobs.list_away(tier, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(heap) };
        after = Some(last.digest.clone());
        heap.count += page.len() as u64;
        heap.bytes += page.iter().map(|away| away.size).sum::<u64>();
    }
}

/// Make a retention plan, and record it unless it is a dry run.
#[utoipa::path(
    post, path = "/projects/{project}/retention/plans", operation_id = "plan_retention", tag = "retention",
    params(ProjectPath),
    request_body = RetentionPlanRequest,
    responses(
        (status = 201, description = "The plan, recorded.", body = RetentionPlan),
        (status = 200, description = "The plan of a dry run.", body = RetentionPlan),
    ),
)]
pub async fn plan(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(asked): Said<RetentionPlanRequest>,
) -> Result<Response, Problem> {
    if asked.dry_run {
        let plan = app.engine.plan_retention(&caller.actor, &project).await?;
        return Ok(at_size(plan.as_of, Json(RetentionPlan::from(plan))));
    }
    // Made again it would be another plan, so there is nothing that a key could make safe.
    let (plan, digest, receipt) = app.engine.record_plan(caller.actor, &project).await?;
    let answer = RetentionPlan { plan: Some(digest), ..plan.into() };
    Ok(at_size(receipt.size, (StatusCode::CREATED, Json(answer))))
}

/// Have a recorded retention plan carried out.
#[utoipa::path(
    post, path = "/projects/{project}/retention/applications", operation_id = "apply_retention", tag = "retention",
    params(ProjectPath),
    request_body = RetentionApplyRequest,
    responses(
        (status = 201, description = "It is being carried out.", body = Receipt),
        (status = 200, description = "It was being carried out already.", body = Receipt),
    ),
)]
pub async fn apply(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(RetentionApplyRequest { plan }): Said<RetentionApplyRequest>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::ApplyRetention { project, plan }).await?))
}

/// Put back what a retention plan has taken.
#[utoipa::path(
    post, path = "/projects/{project}/retention/restorations", operation_id = "restore", tag = "retention",
    params(ProjectPath),
    request_body = RestoreRequest,
    responses((status = 200, description = "It is back, with all that belongs to it.", body = Restored)),
)]
pub async fn restore(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(RestoreRequest { digest }): Said<RestoreRequest>,
) -> Result<Response, Problem> {
    app.project(&caller.actor, &project).await?;
    let restored = app.engine.restore(&caller.actor, &project, &digest).await?;
    let as_of = app.engine.size();
    let manifests = restored.manifests.iter().map(|(repository, digest)| format!("{repository}@{digest}")).collect();
    let answer = Restored { as_of, manifests, moved: restored.moved.into_iter().collect() };
    Ok(at_size(as_of, Json(answer)))
}

/// Keep a digest whatever the policy says: a legal hold.
#[utoipa::path(
    post, path = "/projects/{project}/retention/keeps", operation_id = "keep", tag = "retention",
    params(ProjectPath),
    request_body = KeepRequest,
    responses(
        (status = 201, description = "It is kept.", body = Receipt),
        (status = 200, description = "It was kept already.", body = Receipt),
    ),
)]
pub async fn keep(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(KeepRequest { digest, reason }): Said<KeepRequest>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Keep { project, digest, reason }).await?))
}

/// End a keep.
#[utoipa::path(
    delete, path = "/projects/{project}/retention/keeps/{digest}", operation_id = "unkeep", tag = "retention",
    params(KeepPath, ReasonQuery),
    responses((status = 201, description = "It has ended.", body = Receipt)),
)]
pub async fn unkeep(
    State(app): State<App>,
    caller: Caller,
    At(KeepPath { project, digest }): At<KeepPath>,
    Asked(ReasonQuery { reason }): Asked<ReasonQuery>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unkeep { project, digest, reason }).await?))
}
