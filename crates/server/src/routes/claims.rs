//! Claims that end by themselves: what was seen running, and leases.

use api::{LeaseRequest, ObservationRequest, Receipt, UnleaseQuery};
use axum::{extract::State, response::Response};
use domain::Command;

use super::done;
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::{KeepPath, ProjectPath, StagePath},
};

/// Say what runs in a stage.
///
/// Retention keeps it for a while, and it takes the place of what the same party said before.
#[utoipa::path(
    post, path = "/projects/{project}/stages/{stage}/observations", operation_id = "observe", tag = "stages",
    params(StagePath),
    request_body = ObservationRequest,
    responses(
        (status = 201, description = "It is recorded.", body = Receipt),
        (status = 200, description = "It was recorded less than an hour ago.", body = Receipt),
    ),
)]
pub async fn observe(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project, stage }): At<StagePath>,
    Said(ObservationRequest { digests }): Said<ObservationRequest>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Observe { project, stage, digests }).await?))
}

/// Lease a digest: until the lease ends it does not go, and stays pullable.
#[utoipa::path(
    post, path = "/projects/{project}/leases", operation_id = "lease", tag = "retention",
    params(ProjectPath),
    request_body = LeaseRequest,
    responses(
        (status = 201, description = "It is leased.", body = Receipt),
        (status = 200, description = "It was leased for as long already.", body = Receipt),
    ),
)]
pub async fn lease(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(LeaseRequest { digest, stage, lasts, reason }): Said<LeaseRequest>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Lease { project, digest, stage, lasts, reason }).await?))
}

/// End leases before their time.
#[utoipa::path(
    delete, path = "/projects/{project}/leases/{digest}", operation_id = "unlease", tag = "retention",
    params(KeepPath, UnleaseQuery),
    responses((status = 201, description = "They have ended.", body = Receipt)),
)]
pub async fn unlease(
    State(app): State<App>,
    caller: Caller,
    At(KeepPath { project, digest }): At<KeepPath>,
    Asked(UnleaseQuery { party }): Asked<UnleaseQuery>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unlease { project, digest, party }).await?))
}
