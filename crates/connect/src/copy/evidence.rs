//! Evidence at the destination: what would be lost there, and how it is listed where the registry does not list it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{Digest, TagName};
use serde_json::{Value, json};

use super::Copy;
use crate::{Error, Journal, Manifest, Plan, Reference, graph, graph::Node};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// How often the list of a subject is written, where somebody else writes it at the same time.
const ATTEMPTS: u32 = 5;

impl Copy {
    /// Refuses tags that would move and must not, and evidence at the destination that the source does not have.
    pub(super) async fn refuse_losses(&self, plan: &Plan) -> Result<(), Error> {
        let mut conflicts = Vec::new();
        if !self.moves_tags {
            for (tag, digest) in &plan.tags {
                let there = self.destination.digest_of(&Reference::Tag(tag.clone())).await?;
                if let Some(there) = there.filter(|there| there != digest) {
                    let place = self.destination.place();
                    conflicts
                        .push(format!("tag `{tag}` of `{place}` points to `{there}`, and would move to `{digest}`"));
                }
            }
        }
        for (tag, digest) in &plan.evidence_tags {
            if self.would_lose(tag, digest).await? {
                let place = self.destination.place();
                conflicts.push(format!(
                    "tag `{tag}` of `{place}` holds evidence that the source does not have: copy it to the source first"
                ));
            }
        }
        if conflicts.is_empty() { Ok(()) } else { Err(Error::Conflict(conflicts.join("\n"))) }
    }

    /// Whether the destination's evidence under `tag` has something that the source's has not.
    async fn would_lose(&self, tag: &TagName, digest: &Digest) -> Result<bool, Error> {
        let Some(there) = self.destination.manifest(&Reference::Tag(tag.clone())).await? else { return Ok(false) };
        if there.digest == *digest {
            return Ok(false);
        }
        let here = self.sources.manifest(digest).await?;
        let (Ok(there), Ok(here)) = (graph::read(&self.sources, &there), graph::read(&self.sources, &here)) else {
            return Ok(true);
        };
        let contents = |node: &Node| -> BTreeSet<Digest> {
            // The first blob is the configuration, which says nothing.
            node.blobs.iter().skip(1).map(|(digest, _)| digest.clone()).chain(node.children.iter().cloned()).collect()
        };
        Ok(!contents(&there).is_subset(&contents(&here)))
    }

    /// Where the destination does not list referrers, the tag that the specification has for that lists them.
    pub(super) async fn list_referrers(&self, plan: &Plan, journal: &Journal) -> Result<(), Error> {
        let mut unlisted: BTreeMap<&Digest, Vec<&Node>> = BTreeMap::new();
        for node in &plan.manifests {
            if let Some(subject) = &node.subject
                && !journal.is_done(&format!("listed {}", node.digest))
            {
                unlisted.entry(subject).or_default().push(node);
            }
        }
        for (subject, nodes) in unlisted {
            let mut descriptors = Vec::new();
            for node in &nodes {
                let manifest = self.sources.manifest(&node.digest).await?;
                descriptors.push(descriptor(&manifest));
            }
            self.list(subject, &descriptors).await?;
            for node in nodes {
                journal.done(format!("listed {}", node.digest))?;
            }
        }
        Ok(())
    }

    /// Adds descriptors to the list of what refers to `subject`, and looks whether they stay there.
    async fn list(&self, subject: &Digest, descriptors: &[Value]) -> Result<(), Error> {
        let tag = Reference::Tag(subject.referrers_tag());
        for _ in 0..ATTEMPTS {
            let there = self.destination.manifest(&tag).await?;
            let index: Value =
                there.as_ref().and_then(|there| serde_json::from_slice(&there.bytes).ok()).unwrap_or_default();
            let mut manifests = index["manifests"].as_array().cloned().unwrap_or_default();
            let before = manifests.len();
            for descriptor in descriptors {
                if !manifests.iter().any(|known| known["digest"] == descriptor["digest"]) {
                    manifests.push(descriptor.clone());
                }
            }
            if manifests.len() == before && before > 0 {
                return Ok(());
            }
            let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests});
            let bytes = Bytes::from(index.to_string());
            let manifest = Manifest { digest: Digest::sha256(&bytes), media_type: INDEX_TYPE.into(), bytes };
            self.destination.put_manifest(&tag, &manifest).await?;
        }
        Err(self
            .destination
            .senseless(&format!("its list of what refers to `{subject}` does not stay as it is written")))
    }
}

/// How a list names a referrer, with its annotations: some tools read nothing else.
fn descriptor(manifest: &Manifest) -> Value {
    let body: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let mut descriptor =
        json!({"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.bytes.len()});
    let kind = [&body["artifactType"], &body["config"]["mediaType"]]
        .into_iter()
        .find(|kind| kind.as_str().is_some_and(|kind| !kind.is_empty()));
    if let Some(kind) = kind {
        descriptor["artifactType"] = kind.clone();
    }
    if body["annotations"].as_object().is_some_and(|annotations| !annotations.is_empty()) {
        descriptor["annotations"] = body["annotations"].clone();
    }
    descriptor
}
