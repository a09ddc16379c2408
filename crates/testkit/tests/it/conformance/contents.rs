//! [`Contents`]: what is pushed, with all that it is made of.

use std::collections::BTreeMap;

use domain::{Algorithm, Digest};
use serde_json::{Value, json};

pub(super) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(super) const KIND: &str = "application/vnd.example.kind.v1";
pub(super) const OTHER_KIND: &str = "application/vnd.example.kind.v2";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Blobs, and manifests in the order in which they are pushed: what a manifest names comes before it.
pub(super) struct Contents {
    pub name: String,
    pub algorithm: Algorithm,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    pub manifests: Vec<Manifest>,
}

/// A manifest, and what must be known of it once it is pushed.
pub(super) struct Manifest {
    pub digest: Digest,
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub tags: Vec<String>,
    pub subject: Option<Digest>,
    /// The row of a list of referrers.
    pub descriptor: Value,
}

impl Contents {
    pub fn new(name: &str, algorithm: Algorithm) -> Self {
        Self { name: name.to_owned(), algorithm, blobs: BTreeMap::new(), manifests: Vec::new() }
    }

    /// The descriptor of a blob with these bytes.
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(self.algorithm, bytes);
        self.blobs.insert(digest.clone(), bytes.to_vec());
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// A blob that no other contents have.
    pub fn new_blob(&mut self, media_type: &str) -> Value {
        let bytes = format!("{} of {} {}", self.blobs.len(), self.name, self.algorithm);
        self.blob(media_type, bytes.as_bytes())
    }

    /// An image with so many layers; not a manifest until it is added.
    pub fn image(&mut self, layers: usize) -> Value {
        let layers: Vec<_> = (0..layers).map(|_| self.new_blob(LAYER)).collect();
        json!({"schemaVersion": 2, "mediaType": IMAGE, "config": self.new_blob(CONFIG), "layers": layers})
    }

    /// An artifact of a kind, with the empty configuration and one blob.
    pub fn artifact(&mut self, kind: &str) -> Value {
        let (config, layer) = (self.blob(EMPTY, b"{}"), self.new_blob(kind));
        json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind, "config": config, "layers": [layer],
            "annotations": {"org.example.said": format!("{} blobs", self.blobs.len())},
        })
    }

    /// Adds a manifest; its descriptor.
    pub fn add(&mut self, body: &Value) -> Value {
        let (bytes, media_type) =
            (body.to_string().into_bytes(), body["mediaType"].as_str().expect("a type").to_owned());
        let digest = Digest::of(self.algorithm, &bytes);
        let named = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        let mut descriptor = named.clone();
        // The specification's words: its own artifact type, or else the configuration's media type.
        let kind = [&body["artifactType"], &body["config"]["mediaType"]].into_iter().find(|kind| kind.is_string());
        for (field, value) in [("artifactType", kind), ("annotations", body.get("annotations"))] {
            if let Some(value) = value {
                descriptor[field] = value.clone();
            }
        }
        let subject = body["subject"]["digest"].as_str().map(|digest| digest.parse().expect("a digest"));
        self.manifests.push(Manifest { digest, media_type, bytes, tags: Vec::new(), subject, descriptor });
        named
    }

    /// Adds an image of two layers; its descriptor.
    pub fn add_image(&mut self) -> Value {
        let image = self.image(2);
        self.add(&image)
    }

    /// Adds an index of these; its descriptor.
    pub fn add_index(&mut self, manifests: &[Value]) -> Value {
        self.add(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))
    }

    /// The manifest that was added last gets a tag.
    pub fn tag(&mut self, tag: &str) {
        self.manifests.last_mut().expect("a manifest").tags.push(tag.to_owned());
    }

    /// Every tag with its manifest.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &Manifest)> {
        self.manifests.iter().flat_map(|manifest| manifest.tags.iter().map(move |tag| (tag.as_str(), manifest)))
    }
}
