//! Evidence and holds.

use api::{Document, EvidenceList, EvidenceRequest, Hold, HoldRequest, Page, PageQuery};
use axum::{Json, extract::State, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Command, CustomRoles, Digest, Key, Permission, ProjectName, Refusal};
use serde::Deserialize;

use super::{at_size, done};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
};

/// How many bytes a document has at most.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

pub async fn record_evidence(
    State(app): State<App>,
    caller: Caller,
    At(project): At<ProjectName>,
    Said(asked): Said<EvidenceRequest>,
) -> Result<Response, Problem> {
    let document = match asked.document {
        None => None,
        Some(Document::Digest(digest)) => {
            let there = app.engine.ports().blobs.size(&digest).await?.is_some();
            Some(digest)
                .filter(|_| there)
                .ok_or_else(|| Problem::malformed("`document`: there is no blob with this digest"))?
                .into()
        }
        Some(Document::Base64(text)) => {
            require_attest(&app, &caller, &project).await?;
            Some(store_document(&app, &text).await?)
        }
    };
    let command = Command::RecordEvidence {
        project,
        subject: asked.subject,
        kind: asked.kind,
        name: asked.name,
        result: asked.result,
        attributes: asked.attributes,
        document,
    };
    Ok(done(app.submit(caller, command).await?))
}

/// Nobody stores bytes here who may not attest.
async fn require_attest(app: &App, caller: &Caller, project: &ProjectName) -> Result<(), Problem> {
    let known = app.engine.read(&[Key::Project(project.clone())], |state| state.project(project).cloned()).await?;
    let none = CustomRoles::new();
    let custom = known.as_ref().map_or(&none, |project| &project.config.roles);
    if caller.actor.may(Permission::Attest, project, None, custom) {
        return Ok(());
    }
    Err(Refusal::PermissionMissing { permission: Permission::Attest, project: Some(project.clone()), stage: None }
        .into())
}

async fn store_document(app: &App, text: &str) -> Result<Digest, Problem> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| Problem::malformed(format!("`document` is no base64: {error}")))?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Problem::too_large(format!("`document` has at most {DOCUMENT_BYTES_MAX} bytes")));
    }
    let digest = Digest::sha256(&bytes);
    let stored = app.engine.ports().blobs.put(&digest, bytes.into()).await;
    stored.map_err(|error| {
        tracing::error!(%error, "A document cannot be stored");
        Problem::broken()
    })?;
    Ok(digest)
}

/// What evidence is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceQuestion {
    subject: Digest,
}

pub async fn evidence(
    State(app): State<App>,
    caller: Caller,
    At(name): At<ProjectName>,
    Asked(question): Asked<EvidenceQuestion>,
) -> Result<Response, Problem> {
    app.project(&caller.actor, &name).await?;
    let subject = question.subject;
    let key = Key::Subject(name.clone(), subject.clone());
    let known = app.engine.read(&[key], |state| state.subject(&name, &subject).cloned()).await?;
    let items = known.iter().flat_map(|known| known.evidence.iter().cloned().map(Into::into)).collect();
    let as_of = app.engine.size();
    Ok(at_size(as_of, Json(EvidenceList { as_of, subject, items })))
}

pub async fn holds(State(app): State<App>, caller: Caller, Asked(_): Asked<PageQuery>) -> Result<Response, Problem> {
    App::reads_everything(&caller.actor)?;
    let items = app
        .engine
        .read(&[], |state| state.system().holds.iter().flat_map(|(digest, holds)| wire(digest, holds)).collect())
        .await?;
    let as_of = app.engine.size();
    Ok(at_size(as_of, Json(Page::<Hold> { as_of, items, next: None })))
}

pub(super) fn wire(digest: &Digest, holds: &[domain::Hold]) -> Vec<Hold> {
    let one = |hold: &domain::Hold| Hold {
        digest: digest.clone(),
        project: hold.project.clone(),
        mark: hold.mark.clone().into(),
    };
    holds.iter().map(one).collect()
}

pub async fn hold(State(app): State<App>, caller: Caller, Said(asked): Said<HoldRequest>) -> Result<Response, Problem> {
    let command = Command::Hold { digest: asked.digest, project: asked.project, reason: asked.reason };
    Ok(done(app.submit(caller, command).await?))
}

/// Which hold ends, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    project: Option<ProjectName>,
    #[serde(default)]
    reason: String,
}

pub async fn unhold(
    State(app): State<App>,
    caller: Caller,
    At(digest): At<Digest>,
    Asked(why): Asked<Why>,
) -> Result<Response, Problem> {
    Ok(done(app.submit(caller, Command::Unhold { digest, project: why.project, reason: why.reason }).await?))
}
