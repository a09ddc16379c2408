//! What a manifest's own bytes say: OCI image manifests and indexes, and Docker's schema 2 forms of both. Pure.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::{Digest, RepositoryName};
use serde::Deserialize;

use crate::ports::{ManifestRecord, Part, PartKind};

/// How many bytes a manifest has at most: 4 MiB, what every registry accepts at least.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// How many things a manifest names at most.
const PARTS_MAX: usize = 10_000;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Why bytes are no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Too many bytes.
    #[error("a manifest has at most {MANIFEST_BYTES_MAX} bytes, and this one has {0}")]
    TooLarge(usize),
    /// Not JSON of the right form.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// A media type that is not served here.
    #[error(
        "`{0}` is no media type of a manifest that is accepted here: OCI manifests and indexes are, and Docker's schema 2"
    )]
    UnknownType(String),
    /// The header says one type and the body another.
    #[error("the manifest was sent as `{sent}` and says that it is `{says}`")]
    TypeMismatch {
        /// The `Content-Type`.
        sent: String,
        /// The `mediaType`.
        says: String,
    },
    /// Fields of an image and of an index in one: clients would not agree on what it is.
    #[error("the manifest is a `{0}` and has {1} all the same: send an image or an index, not both in one")]
    Ambiguous(String, &'static str),
    /// A text with the character U+0000.
    #[error("{0} of the manifest has the character U+0000, at which databases and clients end a text: leave it out")]
    Null(&'static str),
    /// More parts than a manifest may have.
    #[error("a manifest names at most {PARTS_MAX} things")]
    TooManyParts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    schema_version: u32,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    // Clients written in Go spell an empty list or map as `null`.
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    urls: Option<Vec<String>>,
}

/// Reads a manifest that was sent as `media_type` (empty or `application/octet-stream` where the client did not say).
pub fn parse(
    repository: &RepositoryName,
    digest: &Digest,
    media_type: &str,
    bytes: &[u8],
) -> Result<ManifestRecord, ManifestError> {
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(ManifestError::TooLarge(bytes.len()));
    }
    let mut form: Form = serde_json::from_slice(bytes).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    if form.schema_version != 2 {
        return Err(ManifestError::Unreadable(format!(
            "`schemaVersion` is {}, and only 2 is accepted",
            form.schema_version
        )));
    }
    let media_type = agreed_type(media_type, form.media_type.as_deref())?;
    let (artifact_type, parts) = if matches!(media_type.as_str(), OCI_INDEX | DOCKER_LIST) {
        (None, form.children(&media_type)?)
    } else {
        (form.config.as_ref().map(|config| config.media_type.clone()), form.contents(&media_type)?)
    };
    if parts.len() > PARTS_MAX {
        return Err(ManifestError::TooManyParts);
    }
    let record = ManifestRecord {
        repository: repository.clone(),
        digest: digest.clone(),
        media_type,
        size: bytes.len() as u64,
        subject: form.subject.map(|subject| subject.digest),
        artifact_type: form.artifact_type.filter(|kind| !kind.is_empty()).or(artifact_type),
        annotations: form.annotations.unwrap_or_default(),
        parts,
    };
    refuse_null(&record)?;
    Ok(record)
}

fn refuse_null(record: &ManifestRecord) -> Result<(), ManifestError> {
    let has_null = |text: &String| text.contains('\0');
    let in_annotations = record.annotations.iter().any(|(key, value)| has_null(key) || has_null(value));
    for (what, found) in [
        ("the artifact type", record.artifact_type.as_ref().is_some_and(has_null)),
        ("a media type", record.parts.iter().any(|part| has_null(&part.media_type))),
        ("an annotation", in_annotations),
    ] {
        if found {
            return Err(ManifestError::Null(what));
        }
    }
    Ok(())
}

impl Form {
    /// What an index names.
    fn children(&mut self, media_type: &str) -> Result<Vec<Part>, ManifestError> {
        if self.config.is_some() || self.layers.as_ref().is_some_and(|layers| !layers.is_empty()) {
            return Err(ManifestError::Ambiguous(media_type.into(), "`config` or `layers`"));
        }
        let children = self.manifests.take().unwrap_or_default();
        Ok(children.into_iter().map(|child| child.part(PartKind::Child)).collect())
    }

    /// What an image names, as far as it must be here.
    fn contents(&mut self, media_type: &str) -> Result<Vec<Part>, ManifestError> {
        if self.manifests.as_ref().is_some_and(|manifests| !manifests.is_empty()) {
            return Err(ManifestError::Ambiguous(media_type.into(), "`manifests`"));
        }
        let config = self.config.take().ok_or_else(|| ManifestError::Unreadable("`config` is missing".into()))?;
        let layers = self.layers.take().unwrap_or_default().into_iter().filter(Descriptor::is_kept_here);
        Ok(std::iter::once(config.part(PartKind::Config))
            .chain(layers.map(|layer| layer.part(PartKind::Layer)))
            .collect())
    }
}

impl Descriptor {
    fn part(self, kind: PartKind) -> Part {
        Part { kind, digest: self.digest, size: self.size, media_type: self.media_type }
    }

    /// Layers that may not be distributed, or lie elsewhere, need not be here.
    fn is_kept_here(&self) -> bool {
        self.urls.as_ref().is_none_or(Vec::is_empty)
            && !self.media_type.contains("nondistributable")
            && !self.media_type.contains(".foreign.")
    }
}

fn agreed_type(sent: &str, says: Option<&str>) -> Result<String, ManifestError> {
    let sent = sent.split(';').next().unwrap_or_default().trim();
    let unsaid = matches!(sent, "" | "application/octet-stream");
    let agreed = match (unsaid, says) {
        (true, Some(says)) => says,
        (true, None) => return Err(ManifestError::UnknownType("(none)".into())),
        (false, Some(says)) if says != sent => {
            return Err(ManifestError::TypeMismatch {
                sent: sent.chars().take(200).collect(),
                says: says.chars().take(200).collect(),
            });
        }
        (false, _) => sent,
    };
    if matches!(agreed, OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_LIST) {
        Ok(agreed.to_owned())
    } else {
        Err(ManifestError::UnknownType(agreed.chars().take(200).collect()))
    }
}
