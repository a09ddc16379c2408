//! Attaches receipts to what was promoted, so that the tools of others find them: as referrers, and under cosign's older tags.
//!
//! A receipt that is attached is an artifact like any other: it is pushed by an entry, kept as long as what it is attached to, and delivered with it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{
    Command, Digest, Entry, Event, Key, ProjectName, RepositoryName, StageName, Submission, TagName,
    config::ReceiptForm,
};
use evidence::signed::{bundle::Bundle, summary};
use serde_json::{Value, json};

use super::{Made, Receipts};
use crate::{
    Error,
    engine::itself,
    manifest::{self, MANIFEST_BYTES_MAX},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// By this annotation a receipt that is attached is known, and is not attached once more.
const ENTRY: &str = "selfsame.receipt.entry";
/// How many referrers are looked at for one that is the receipt already.
const REFERRERS_MAX: usize = 1000;
/// How often a tag is written, where somebody else writes it at the same time.
const ATTEMPTS: usize = 5;

impl Receipts {
    /// Attaches the receipts of a promotion in the forms that the stage asks for, unless they are attached; nothing if that entry is no promotion.
    ///
    /// # Errors
    /// As [`Receipts::make`], and if they cannot be stored. What is attached by then stays.
    pub async fn attach(&self, project: &ProjectName, stage: &StageName, index: u64) -> Result<(), Error> {
        let configured = |state: &domain::State| {
            let stage = state.project(project)?.config.stages.get(stage)?;
            Some(stage.receipts.clone())
        };
        let forms = self.engine.read(&[Key::Project(project.clone())], configured).await?.unwrap_or_default();
        if forms.is_empty() {
            return Ok(());
        }
        let _alone = self.attaching.lock().await;
        for made in self.make(project, stage, index).await?.unwrap_or_default() {
            self.attach_one(&made, index, &forms).await?;
        }
        Ok(())
    }

    async fn attach_one(&self, made: &Made, index: u64, forms: &BTreeSet<ReceiptForm>) -> Result<(), Error> {
        let Some(repository) = &made.repository else { return Ok(()) };
        for subject in &made.subjects {
            let Some((media_type, size)) = self.engine.ports().catalog.manifest(repository, subject).await? else {
                continue;
            };
            let subject = json!({"mediaType": media_type, "digest": subject, "size": size});
            for form in forms {
                match form {
                    ReceiptForm::Referrer => self.refer(repository, &subject, made, index).await?,
                    ReceiptForm::Tag => self.tag(repository, &subject, made, index).await?,
                }
            }
        }
        Ok(())
    }

    /// The form of OCI 1.1, as cosign 3 writes it.
    async fn refer(&self, repository: &RepositoryName, subject: &Value, made: &Made, index: u64) -> Result<(), Error> {
        let about = digest_of(subject)?;
        let catalog = &self.engine.ports().catalog;
        let known = catalog.referrers(repository, &about, Some(Bundle::MEDIA_TYPE), None, REFERRERS_MAX).await?;
        let entry = index.to_string();
        if known.iter().any(|one| one.annotations.get(ENTRY) == Some(&entry)) {
            return Ok(());
        }
        let config = self.put_blob(repository, Bytes::from_static(b"{}"), EMPTY).await?;
        let layer = self.put_blob(repository, made.bundle.clone().into(), Bundle::MEDIA_TYPE).await?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": Bundle::MEDIA_TYPE,
            "config": config,
            "layers": [layer],
            "subject": subject,
            "annotations": {
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": summary::PREDICATE_TYPE,
                "org.opencontainers.image.created": made.at.to_string(),
                (ENTRY): entry,
            },
        });
        self.put_manifest(repository, &manifest, None).await.map(drop)
    }

    /// The form before OCI 1.1: a layer more under the subject's tag. What others have put there stays; if somebody writes it at the same time, it
    /// is done again with what is there then.
    async fn tag(&self, repository: &RepositoryName, subject: &Value, made: &Made, index: u64) -> Result<(), Error> {
        let about = digest_of(subject)?;
        let name = format!("{}-{}.att", about.algorithm(), about.hex());
        let tag: TagName = name.parse().map_err(|error| Error::broken("attach a receipt", error))?;
        let mut known: BTreeMap<Digest, Value> = BTreeMap::new();
        let mut order: Vec<Digest> = Vec::new();
        let ours = {
            let mut layer = self.put_blob(repository, made.envelope.clone().into(), ENVELOPE).await?;
            layer["annotations"] = json!({
                "dev.cosignproject.cosign/signature": "",
                "predicateType": summary::PREDICATE_TYPE,
                (ENTRY): index.to_string(),
            });
            layer
        };
        let mut since = None;
        for _ in 0..ATTEMPTS {
            let there = self.layers(repository, &tag).await?;
            let is_there = there.iter().any(|layer| layer["annotations"][ENTRY] == ours["annotations"][ENTRY]);
            if is_there && since.is_none() {
                return Ok(());
            }
            for layer in there.into_iter().chain([ours.clone()]) {
                let digest = digest_of(&layer)?;
                if known.insert(digest.clone(), layer).is_none() {
                    order.push(digest);
                }
            }
            let began = *since.get_or_insert(self.engine.size());
            let layers: Vec<&Value> = order.iter().filter_map(|digest| known.get(digest)).collect();
            let diffs: Vec<&Digest> = order.iter().collect();
            let config = json!({
                "architecture": "", "os": "", "config": {}, "created": "0001-01-01T00:00:00Z",
                "rootfs": {"type": "layers", "diff_ids": diffs},
            });
            let config = self.put_blob(repository, config.to_string().into(), IMAGE_CONFIG).await?;
            let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
            let written = self.put_manifest(repository, &manifest, Some(&tag)).await?;
            let others = self.tagged_by_others(repository, &tag, began, &written).await?;
            if others.is_empty() {
                return Ok(());
            }
            for other in others {
                for layer in self.layers_of(repository, &other).await? {
                    let digest = digest_of(&layer)?;
                    if known.insert(digest.clone(), layer).is_none() {
                        order.push(digest);
                    }
                }
            }
        }
        Err(Error::broken(format!("attach a receipt to `{about}`"), "its tag is written by somebody else all the time"))
    }

    /// What others have put under a tag since the ledger had `from` entries.
    async fn tagged_by_others(
        &self,
        repository: &RepositoryName,
        tag: &TagName,
        from: u64,
        ours: &Digest,
    ) -> Result<Vec<Digest>, Error> {
        let to = self.engine.size();
        let read =
            self.engine.ports().ledger.read(from, usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX));
        let mut others = Vec::new();
        for bytes in read.await? {
            let entry = Entry::decode(&bytes).map_err(|error| Error::broken("read what was tagged", error))?;
            if let Event::ManifestPushed { repository: to, digest, tags, .. } = entry.event
                && to == *repository
                && tags.contains(tag)
                && digest != *ours
            {
                others.push(digest);
            }
        }
        Ok(others)
    }

    async fn layers(&self, repository: &RepositoryName, tag: &TagName) -> Result<Vec<Value>, Error> {
        match self.engine.ports().catalog.tag(repository, tag).await? {
            Some((digest, ..)) => self.layers_of(repository, &digest).await,
            None => Ok(Vec::new()),
        }
    }

    async fn layers_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Value>, Error> {
        let missing = || Error::broken(format!("read `{digest}` of `{repository}`"), "it is not there");
        let bytes = self.engine.ports().blobs.read(digest, MANIFEST_BYTES_MAX as u64).await?.ok_or_else(missing)?;
        let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(manifest["layers"].as_array().cloned().unwrap_or_default())
    }

    /// Stores a blob and links the repository to it; its descriptor.
    async fn put_blob(&self, repository: &RepositoryName, bytes: Bytes, media_type: &str) -> Result<Value, Error> {
        let digest = Digest::sha256(&bytes);
        self.engine.keep_document(&digest, &bytes).await?;
        let (size, now) = (bytes.len() as u64, self.engine.now());
        self.engine.ports().catalog.link_blob(repository, &digest, size, now).await?;
        Ok(json!({"mediaType": media_type, "digest": digest, "size": size}))
    }

    /// Pushes a manifest by the same door as everybody; its digest.
    async fn put_manifest(
        &self,
        repository: &RepositoryName,
        manifest: &Value,
        tag: Option<&TagName>,
    ) -> Result<Digest, Error> {
        let bytes = Bytes::from(manifest.to_string());
        let digest = Digest::sha256(&bytes);
        let record = manifest::parse(repository, &digest, MANIFEST, &bytes)
            .map_err(|error| Error::broken("attach a receipt", error))?;
        self.engine.keep_document(&digest, &bytes).await?;
        let command = Command::PushManifest {
            repository: repository.clone(),
            digest: digest.clone(),
            media_type: record.media_type.clone(),
            size: record.size,
            subject: record.subject.clone(),
            tags: tag.cloned().into_iter().collect(),
        };
        self.engine.submit_manifest(Submission { actor: itself(), key: None, command }, record).await?;
        // Until now nothing named the bytes.
        self.engine.keep_document(&digest, &bytes).await?;
        Ok(digest)
    }
}

fn digest_of(descriptor: &Value) -> Result<Digest, Error> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    digest.parse().map_err(|error| Error::broken("attach a receipt", error))
}
