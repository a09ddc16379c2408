//! What is pushed as attached to an artifact and is signed counts as evidence about it, if the project trusts who signed it.
//!
//! A client that attaches a signed statement need not know that there is more here than a registry. What is not signed by anybody whom the
//! project trusts stays what it is: something attached.

use domain::{About, Digest};
use engine::{
    ports::{ManifestRecord, PartKind},
    signed::DOCUMENT_BYTES_MAX,
};

use crate::{Registry, rights::Rights};

/// How many documents of one manifest are looked at: cosign keeps adding them to one.
const DOCUMENTS_MAX: usize = 32;

const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// Records what the documents in a manifest say about what it is attached to. The push stands, whatever becomes of that.
pub(crate) async fn record(registry: &Registry, rights: &Rights, record: &ManifestRecord, tags: &[domain::TagName]) {
    let Some(project) = &rights.project else { return };
    let trust = &project.config.trust;
    if trust.is_nothing() {
        return;
    }
    let Some(subject) = subject(record, tags) else { return };
    let is_signed = |media_type: &str| media_type == ENVELOPE || media_type.starts_with(BUNDLE);
    let documents = record.parts.iter().filter(|part| part.kind == PartKind::Layer && is_signed(&part.media_type));
    for part in documents.take(DOCUMENTS_MAX) {
        if let Err(problem) = record_one(registry, rights, &subject, &part.digest).await {
            tracing::info!(repository = %rights.repository, document = %part.digest, problem, "What is attached does not count as evidence");
        }
    }
}

/// What a manifest is attached to, by its own word or by cosign's name of a tag.
fn subject(record: &ManifestRecord, tags: &[domain::TagName]) -> Option<Digest> {
    let by_tag = || {
        tags.iter().find_map(|tag| match tag.about()? {
            About::Digest(digest) => Some(digest),
            About::Beginning(_) => None,
        })
    };
    record.subject.clone().or_else(by_tag)
}

async fn record_one(registry: &Registry, rights: &Rights, subject: &Digest, document: &Digest) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let Some(project) = rights.repository.project() else { return Ok(()) };
    let blobs = &registry.engine.ports().blobs;
    let bytes = blobs.read(document, DOCUMENT_BYTES_MAX as u64).await.map_err(|error| said(&error))?;
    let bytes = bytes.ok_or_else(|| format!("it is not there, or has more than {DOCUMENT_BYTES_MAX} bytes"))?;
    // Whoever pushes it again, as clients do whose push was cut off, records it once.
    let once = Digest::sha256(format!("{project} {subject} {document}").as_bytes());
    let who = (rights.actor.clone(), format!("attached:{}", once.hex()).parse().ok());
    let recorded = registry.engine.record_signed(who, project, subject.clone(), (document.clone(), &bytes)).await;
    recorded.map(drop).map_err(|error| said(&error))
}
