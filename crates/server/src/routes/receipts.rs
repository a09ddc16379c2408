//! Receipts of promotions, for whoever does not trust this server.

use api::{ComponentReceipt, PromotionReceipts, ReceiptKey, ReceiptsQuery};
use axum::{Json, extract::State, response::Response};
use domain::{Project, StageName};
use engine::receipts::Made;

use super::at_size;
use crate::{
    App, Problem,
    ask::{Asked, At, Caller},
    paths::StagePath,
};

/// How far back the promotion of what was put back by a rollback is looked for, in transitions of the stage.
const BACK_MAX: usize = 1000;

/// Get the receipts of a promotion, which others verify offline.
///
/// There is one for each component: a signed SLSA verification summary with the ledger's proof, in a Sigstore bundle.
/// A rollback leaves none: what it puts back was promoted before.
#[utoipa::path(
    get, path = "/projects/{project}/stages/{stage}/receipts", operation_id = "receipts", tag = "stages",
    params(StagePath, ReceiptsQuery),
    responses((status = 200, description = "The receipts.", body = PromotionReceipts)),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(StagePath { project: name, stage }): At<StagePath>,
    Asked(question): Asked<ReceiptsQuery>,
) -> Result<Response, Problem> {
    let project = app.project(&caller.actor, &name).await?;
    let receipts = app.receipts()?;
    let promotion = match question.promotion {
        Some(promotion) => promotion,
        None => latest(&app, &project, &stage).await?,
    };
    let none =
        || Problem::not_found(format!("entry {promotion} is no promotion into `{stage}` of `{name}`: see its history"));
    let release = receipts.release(&name, &stage, promotion).await?.ok_or_else(none)?;
    let made = receipts.make(&name, &stage, promotion).await?.ok_or_else(none)?;
    let at = made.first().map(|made| made.at).ok_or_else(none)?;
    let as_of = app.engine.size();
    let receipts = made.into_iter().map(wire).collect::<Result<_, _>>()?;
    let answer = PromotionReceipts { as_of, project: name, stage, release, promotion, at, receipts };
    Ok(at_size(as_of, Json(answer)))
}

/// The last promotion of what the stage has.
async fn latest(app: &App, project: &Project, stage: &StageName) -> Result<u64, Problem> {
    let name = &project.config.project;
    let known = project.config.stages.keys().cloned().collect();
    if !project.config.stages.contains_key(stage) {
        let (project, stage) = (name.clone(), stage.clone());
        return Err(domain::Refusal::StageUnknown { project, stage, known }.into());
    }
    let current = project.stage(stage).current.as_ref();
    let current = current.ok_or_else(|| domain::Refusal::StageEmpty { stage: stage.clone() })?;
    app.settle().await?;
    let rows = app.engine.ports().views.history(name, Some(stage), None, None, BACK_MAX).await?;
    let promoted = rows.iter().find(|row| !row.rolled_back && row.release == current.release);
    promoted.map(|row| row.index).ok_or_else(|| {
        Problem::not_found(format!(
            "`{stage}` has its release by a rollback, and its promotion is long ago: name its entry"
        ))
    })
}

fn wire(made: Made) -> Result<ComponentReceipt, Problem> {
    let bundle = serde_json::from_str(&made.bundle)
        .map_err(|error| engine::Error::Broken { doing: "write a receipt".into(), source: error.into() })?;
    Ok(ComponentReceipt { component: made.component, subjects: made.subjects, bundle })
}

/// Get the public key that verifies receipts.
///
/// Anybody may have it; whoever wants to be sure gets it another way.
#[utoipa::path(
    get, path = "/receipts/key", operation_id = "receipt_key", tag = "stages", security(()),
    responses((status = 200, description = "The key.", body = ReceiptKey)),
)]
pub async fn key(State(app): State<App>) -> Result<Response, Problem> {
    let (as_of, key) = (app.engine.size(), app.receipts()?.public_pem().to_owned());
    Ok(at_size(as_of, Json(ReceiptKey { as_of, key })))
}
