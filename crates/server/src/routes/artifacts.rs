//! Evidence.

use api::{Document, EvidenceList, EvidenceQuery, EvidenceRequest, Receipt, SignedEvidenceRequest};
use axum::{Json, extract::State, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::{Command, CustomRoles, Digest, Entry, Event, Key, Permission, ProjectName, Refusal};
use engine::signed::{DOCUMENT_BYTES_MAX as SIGNED_BYTES_MAX, Signed};

use super::{at_size, done, entries::Bytes as File};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::{EvidencePath, ProjectPath},
};

/// How many bytes a document has at most.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// Record evidence about a digest.
#[utoipa::path(
    post, path = "/projects/{project}/evidence", operation_id = "record_evidence", tag = "projects",
    params(ProjectPath),
    request_body = EvidenceRequest,
    responses(
        (status = 201, description = "It is recorded.", body = Receipt),
        (status = 200, description = "All was so already.", body = Receipt),
    ),
)]
pub async fn record_evidence(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(asked): Said<EvidenceRequest>,
) -> Result<Response, Problem> {
    if asked.document.is_some() {
        require_attest(&app, &caller, &project).await?;
    }
    let document = match asked.document {
        None => None,
        Some(Document::Digest(digest)) if app.engine.size_anywhere(&digest).await?.is_some() => Some((digest, None)),
        Some(Document::Digest(_)) => {
            return Err(Problem::malformed("`document`: there is no blob with this digest"));
        }
        Some(Document::Base64(text)) => {
            let (digest, bytes) = store_document(&app, &text).await?;
            Some((digest, Some(bytes)))
        }
    };
    let command = Command::RecordEvidence {
        project,
        subject: asked.subject,
        kind: asked.kind,
        name: asked.name,
        result: asked.result,
        attributes: asked.attributes,
        document: document.as_ref().map(|(digest, _)| digest.clone()),
        statement: None,
    };
    let receipt = app.submit(caller, command).await?;
    // Until now nothing named the bytes.
    match document {
        Some((digest, Some(bytes))) => app.engine.keep_document(&digest, &bytes).await?,
        Some((digest, None)) => drop(app.engine.ensure(&digest).await?),
        None => {}
    }
    Ok(done(receipt))
}

/// Record what a signed statement says about a digest.
#[utoipa::path(
    post, path = "/projects/{project}/evidence/signed", operation_id = "record_signed", tag = "projects",
    params(ProjectPath),
    request_body = SignedEvidenceRequest,
    responses((status = 201, description = "It is recorded.", body = Receipt)),
)]
pub async fn record_signed(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project }): At<ProjectPath>,
    Said(asked): Said<SignedEvidenceRequest>,
) -> Result<Response, Problem> {
    require_attest(&app, &caller, &project).await?;
    let (digest, bytes) = match asked.document {
        Document::Base64(text) => store_document(&app, &text).await?,
        Document::Digest(digest) => {
            app.engine.ensure(&digest).await?;
            let found = app.engine.ports().blobs.read(&digest, DOCUMENT_BYTES_MAX as u64).await?;
            let absent = || Problem::malformed("`document`: there is no blob with this digest");
            (digest, found.ok_or_else(absent)?)
        }
    };
    let Caller { actor, key, .. } = caller;
    let document = (digest.clone(), Signed::Document(bytes.clone()));
    let receipt = app.engine.record_signed((actor, key), project, asked.subject, document).await?;
    app.engine.keep_document(&digest, &bytes).await?;
    Ok(done(receipt))
}

/// Nobody stores bytes here, or learns which are there, who may not attest.
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

async fn store_document(app: &App, text: &str) -> Result<(Digest, Bytes), Problem> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| Problem::malformed(format!("`document` is no base64: {error}")))?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Problem::too_large(format!("`document` has at most {DOCUMENT_BYTES_MAX} bytes")));
    }
    let (digest, bytes) = (Digest::sha256(&bytes), Bytes::from(bytes));
    let stored = app.engine.ports().blobs.put(&digest, bytes.clone()).await;
    stored.map_err(|error| {
        tracing::error!(%error, "A document cannot be stored");
        Problem::broken()
    })?;
    Ok((digest, bytes))
}

/// Get the document of a piece of evidence, as it was handed over.
///
/// Its digest is in the entry.
#[utoipa::path(
    get, path = "/projects/{project}/evidence/{entry}/document", operation_id = "evidence_document", tag = "projects",
    params(EvidencePath),
    responses((status = 200, description = "The document.", content((File = "application/octet-stream")))),
)]
pub async fn document(
    State(app): State<App>,
    caller: Caller,
    At(EvidencePath { project, entry }): At<EvidencePath>,
) -> Result<Response, Problem> {
    app.project(&caller.actor, &project).await?;
    let as_of = app.engine.size();
    let none = || Problem::not_found(format!("entry {entry} records no evidence of `{project}` with a document"));
    let found = app.engine.ports().ledger.read_each(&[entry]).await?;
    let decoded = found.first().and_then(|(_, bytes)| Entry::decode(bytes).ok()).ok_or_else(none)?;
    let digest = match decoded.event {
        Event::EvidenceRecorded { project: of, document: Some(document), .. } if of == project => document,
        _ => return Err(none()),
    };
    app.engine.ensure(&digest).await?;
    let bytes = app.engine.ports().blobs.read(&digest, SIGNED_BYTES_MAX as u64).await?;
    let gone = || Problem::not_found(format!("the document `{digest}` of entry {entry} is not kept any more"));
    let kind = [(http::header::CONTENT_TYPE, "application/octet-stream")];
    Ok(at_size(as_of, (kind, bytes.ok_or_else(gone)?)))
}

/// List the evidence about a digest.
#[utoipa::path(
    get, path = "/projects/{project}/evidence", operation_id = "evidence", tag = "projects",
    params(ProjectPath, EvidenceQuery),
    responses((status = 200, description = "What is known about the digest.", body = EvidenceList)),
)]
pub async fn evidence(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
    Asked(EvidenceQuery { subject }): Asked<EvidenceQuery>,
) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    app.project(&caller.actor, &name).await?;
    let key = Key::Subject(name.clone(), subject.clone());
    let known = app.engine.read(&[key], |state| state.subject(&name, &subject).cloned()).await?;
    let items = known.iter().flat_map(|known| known.evidence.iter().cloned().map(Into::into)).collect();
    Ok(at_size(as_of, Json(EvidenceList { as_of, subject, items })))
}
