//! What is pushed as attached to an artifact and is signed counts as evidence about it, if the project trusts who signed it.
//!
//! A client that attaches a signed statement need not know that there is more here than a registry. What is not signed by anybody whom the
//! project trusts stays what it is: something attached.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{About, Digest, TagName};
use engine::{
    ports::ManifestRecord,
    signed::{DOCUMENT_BYTES_MAX, Signed},
};
use serde::Deserialize;

use crate::{Registry, rights::Rights};

/// How many documents of one manifest are looked at: cosign keeps adding them to one.
const DOCUMENTS_MAX: usize = 32;

const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// What of a manifest is needed here: its layers with their annotations.
#[derive(Deserialize)]
struct Layers {
    layers: Option<Vec<Layer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: Digest,
    annotations: Option<BTreeMap<String, String>>,
}

/// How a layer is signed.
enum Form {
    Document,
    /// With the signature beside it.
    Image(String),
}

impl Layer {
    fn form(&self) -> Option<Form> {
        if self.media_type == ENVELOPE || self.media_type.starts_with(BUNDLE) {
            return Some(Form::Document);
        }
        let signature = self.annotations.as_ref()?.get(SIGNATURE)?;
        (self.media_type == SIMPLE_SIGNING).then(|| Form::Image(signature.clone()))
    }
}

/// Records what the signed layers of a manifest say about what it is attached to. The push stands, whatever becomes of that.
pub(crate) async fn record(
    registry: &Registry,
    rights: &Rights,
    (record, bytes): (&ManifestRecord, &Bytes),
    tags: &[TagName],
) {
    if rights.project.as_ref().is_none_or(|project| project.config.trust.is_nothing()) {
        return;
    }
    let Some(subject) = subject(record, tags) else { return };
    let layers = serde_json::from_slice::<Layers>(bytes).ok().and_then(|manifest| manifest.layers).unwrap_or_default();
    let signed = layers.iter().filter_map(|layer| Some((layer, layer.form()?)));
    for (layer, form) in signed.take(DOCUMENTS_MAX) {
        if let Err(problem) = record_one(registry, rights, &subject, (record, layer, form)).await {
            let repository = &rights.repository;
            tracing::info!(%repository, document = %layer.digest, problem, "What is attached does not count as evidence");
        }
    }
}

/// What a manifest is attached to, by its own word or by cosign's name of a tag.
fn subject(record: &ManifestRecord, tags: &[TagName]) -> Option<Digest> {
    let by_tag = || {
        tags.iter().find_map(|tag| match tag.about()? {
            About::Digest(digest) => Some(digest),
            About::Beginning(_) => None,
        })
    };
    record.subject.clone().or_else(by_tag)
}

async fn record_one(
    registry: &Registry,
    rights: &Rights,
    subject: &Digest,
    (manifest, layer, form): (&ManifestRecord, &Layer, Form),
) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let Some(project) = rights.repository.project() else { return Ok(()) };
    let blobs = &registry.engine.ports().blobs;
    let bytes = blobs.read(&layer.digest, DOCUMENT_BYTES_MAX as u64).await.map_err(|error| said(&error))?;
    let bytes = bytes.ok_or_else(|| format!("it is not there, or has more than {DOCUMENT_BYTES_MAX} bytes"))?;
    let signed = match form {
        Form::Document => (layer.digest.clone(), Signed::Document(bytes)),
        // The signature is in the manifest.
        Form::Image(signature) => (manifest.digest.clone(), Signed::Image(bytes, signature)),
    };
    let who = (rights.actor.clone(), None);
    let recorded = registry.engine.record_signed(who, project, subject.clone(), signed).await;
    recorded.map(drop).map_err(|error| said(&error))
}
