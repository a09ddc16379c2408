//! Manifests and descriptors, as the OCI image specification has them.

use std::collections::BTreeMap;

use domain::Digest;
use serde::{Deserialize, Serialize};

/// The media type of a manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index: a list of manifests.
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a configuration that says nothing.
pub const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// A configuration that says nothing.
pub const EMPTY_CONFIG: &[u8] = b"{}";
/// The annotation of a layer with the name of its file.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation of a layer with the permissions of its file, in octal digits; only executable files have it.
pub const MODE: &str = "vnd.selfsame.file.mode";

/// What a manifest or index names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: String,
    /// Their digest.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
    /// More about them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A manifest or an index: one has `config` and `layers`, the other `manifests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Which of the two it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What the artifact is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Descriptor>,
    /// The contents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Descriptor>,
    /// The manifests of an index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Descriptor>,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Every blob that it names.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }

    /// Whether it is a set of files: every layer has a name.
    pub fn is_files(&self) -> bool {
        self.manifests.is_empty()
            && !self.layers.is_empty()
            && self.layers.iter().all(|layer| layer.annotations.contains_key(TITLE))
    }
}
