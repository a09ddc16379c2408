//! Fetching: each thing once, checked, and what belongs together in the order in which it would be pushed.

use std::{collections::BTreeSet, sync::Arc};

use domain::{Command, Digest, RepositoryName, Span, Submission, TagName};
use engine::{
    manifest,
    ports::{ManifestRecord, PartKind, UpstreamEvidence},
};
use futures::future::BoxFuture;

use super::{ABSENT_SECONDS, DOWN_SECONDS, Mirror, Problem, flights::Landed};
use crate::error::Failure;

/// How large a blob is at most, in bytes: 100 GiB.
const BLOB_BYTES_MAX: u64 = 100 << 30;
/// How many manifests belong together at most.
const MANIFESTS_MAX: usize = 10_000;

fn problem(error: impl std::fmt::Display) -> Problem {
    Problem::from(error.to_string())
}

/// What is remembered of a failure is remembered under this name.
fn failure(repository: &RepositoryName, digest: &Digest) -> String {
    format!("{repository}@{digest}")
}

/// What was filled on the way, so that nothing is filled twice, and all of it ends.
struct Way {
    seen: BTreeSet<Digest>,
}

impl Mirror {
    /// Sees to it that a manifest, and perhaps its tag, comes into the catalog with all that belongs to it. Nobody waits for it.
    pub(super) async fn fill_if_missing(
        self: &Arc<Self>,
        repository: &RepositoryName,
        digest: Option<&Digest>,
        tag: Option<&TagName>,
    ) -> Result<(), Failure> {
        let Some(digest) = digest else { return Ok(()) };
        let catalog = &self.engine.ports().catalog;
        let there = match tag {
            Some(tag) => catalog.tag(repository, tag).await?.is_some_and(|(known, ..)| known == *digest),
            None => catalog.manifest(repository, digest).await?.is_some(),
        };
        let failed = self.memory.is_quiet(&failure(repository, digest), self.engine.now());
        if !there && !failed && self.engine.writable().is_ok() {
            drop(self.fill(repository, digest, tag));
        }
        Ok(())
    }

    /// Fetches a manifest with all that belongs to it.
    pub(super) fn fill(
        self: &Arc<Self>,
        repository: &RepositoryName,
        digest: &Digest,
        tag: Option<&TagName>,
    ) -> impl Future<Output = Landed> + use<> {
        let key = format!("all {repository} {digest} {}", tag.map_or("", TagName::as_str));
        let (mirror, repository, digest, tag) = (self.clone(), repository.clone(), digest.clone(), tag.cloned());
        self.flights.once(key, async move {
            let mut way = Way { seen: BTreeSet::new() };
            let filled = mirror.fill_one(&repository, &digest, tag.as_ref(), &mut way).await;
            if let Err(problem) = &filled {
                tracing::warn!(%repository, %digest, %problem, "A mirror does not have all of a manifest yet");
                mirror.set_failed(&repository, &digest);
            }
            filled
        })
    }

    fn fill_one<'a>(
        self: &'a Arc<Self>,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        tag: Option<&'a TagName>,
        way: &'a mut Way,
    ) -> BoxFuture<'a, Landed> {
        Box::pin(async move {
            if !way.seen.insert(digest.clone()) && tag.is_none() {
                return Ok(true);
            }
            if way.seen.len() > MANIFESTS_MAX {
                return Err(Problem::from(format!("more than {MANIFESTS_MAX} manifests belong together")));
            }
            if !self.put(repository, digest, tag, way).await? {
                return Ok(false);
            }
            let UpstreamEvidence { referrers, tags } =
                self.upstream.evidence(repository, digest).await.map_err(problem)?;
            for referrer in &referrers {
                self.fill_one(repository, referrer, None, way).await?;
            }
            for (tag, digest) in &tags {
                self.fill_one(repository, digest, Some(tag), way).await?;
            }
            Ok(true)
        })
    }

    /// Puts a manifest into the catalog, after all that it names.
    async fn put(
        self: &Arc<Self>,
        repository: &RepositoryName,
        digest: &Digest,
        tag: Option<&TagName>,
        way: &mut Way,
    ) -> Landed {
        let ports = self.engine.ports();
        let known = ports.catalog.manifest(repository, digest).await.map_err(problem)?;
        let bytes = match (&known, tag) {
            (Some(_), None) => return Ok(true),
            (Some((media_type, _)), Some(tag)) => {
                let points_to = ports.catalog.tag(repository, tag).await.map_err(problem)?.map(|(digest, ..)| digest);
                if points_to.as_ref() == Some(digest) {
                    return Ok(true);
                }
                let bytes = ports.blobs.read(digest, manifest::MANIFEST_BYTES_MAX as u64).await.map_err(problem)?;
                bytes.map(|bytes| (media_type.clone(), bytes))
            }
            (None, _) => match self.fetch_manifest(repository, digest).await? {
                true => self.memory.manifest(repository, digest),
                false => return Ok(false),
            },
        };
        let Some((media_type, bytes)) = bytes else { return Ok(false) };
        let record = manifest::parse(repository, digest, &media_type, &bytes).map_err(problem)?;
        if known.is_none() {
            for part in &record.parts {
                let there = match part.kind {
                    PartKind::Child => self.fill_one(repository, &part.digest, None, way).await?,
                    PartKind::Config | PartKind::Layer => self.fetch_blob(repository, &part.digest).await?,
                };
                if !there {
                    return Err(Problem::from(format!(
                        "the upstream has `{digest}` and not `{}`, which it names",
                        part.digest
                    )));
                }
            }
            ports.blobs.put(digest, bytes).await.map_err(problem)?;
        }
        self.submit(repository, record, tag).await?;
        self.memory.let_go(repository, digest);
        Ok(true)
    }

    /// The same door as for a push.
    async fn submit(
        &self,
        repository: &RepositoryName,
        record: ManifestRecord,
        tag: Option<&TagName>,
    ) -> Result<(), Problem> {
        let command = Command::PushManifest {
            repository: repository.clone(),
            digest: record.digest.clone(),
            media_type: record.media_type.clone(),
            size: record.size,
            subject: record.subject.clone(),
            tags: tag.cloned().into_iter().collect(),
        };
        let submission = Submission { actor: Self::actor(repository), key: None, command };
        self.engine.submit_manifest(submission, record).await.map(drop).map_err(problem)
    }

    /// Fetches a manifest into memory; whether the upstream has it.
    pub(super) async fn fetch_manifest(self: &Arc<Self>, repository: &RepositoryName, digest: &Digest) -> Landed {
        if self.memory.manifest(repository, digest).is_some() {
            return Ok(true);
        }
        let now = self.engine.now();
        if self.memory.is_absent(repository, digest, now) {
            return Ok(false);
        }
        let (mirror, name, wanted) = (self.clone(), repository.clone(), digest.clone());
        let flight = self.flights.once(format!("manifest {repository} {digest}"), async move {
            match mirror.upstream.manifest(&name, &wanted).await.map_err(problem)? {
                Some((media_type, bytes)) if Digest::of(wanted.algorithm(), &bytes) == wanted => {
                    // What is no manifest is not handed out either.
                    let record = manifest::parse(&name, &wanted, &media_type, &bytes).map_err(problem)?;
                    mirror.memory.hold(&name, &wanted, record.media_type, bytes);
                    Ok(true)
                }
                Some(_) => Err(Problem::from(format!("the upstream has other bytes than those of `{wanted}`"))),
                None => {
                    mirror.memory.set_absent(&name, &wanted, mirror.engine.now() + Span::from_secs(ABSENT_SECONDS));
                    Ok(false)
                }
            }
        });
        flight.await
    }

    /// Fetches a blob and stores it; whether the upstream has it.
    pub(super) async fn fetch_blob(self: &Arc<Self>, repository: &RepositoryName, digest: &Digest) -> Landed {
        if self.engine.ports().catalog.blob(repository, digest).await.map_err(problem)?.is_some() {
            return Ok(true);
        }
        if self.memory.is_absent(repository, digest, self.engine.now()) {
            return Ok(false);
        }
        if self.memory.is_quiet(&failure(repository, digest), self.engine.now()) {
            return Err(Problem::from(format!("fetching `{digest}` failed just now")));
        }
        let (mirror, name, wanted) = (self.clone(), repository.clone(), digest.clone());
        let flight = self.flights.once(format!("blob {repository} {digest}"), async move {
            let stored = mirror.store_blob(&name, &wanted).await;
            if stored.is_err() {
                mirror.set_failed(&name, &wanted);
            }
            stored
        });
        flight.await
    }

    /// What failed is left alone for a while, whoever asks for it.
    fn set_failed(&self, repository: &RepositoryName, digest: &Digest) {
        self.memory.set_quiet(&failure(repository, digest), self.engine.now() + Span::from_secs(DOWN_SECONDS));
    }

    async fn store_blob(&self, repository: &RepositoryName, digest: &Digest) -> Landed {
        self.engine.writable().map_err(problem)?;
        let Some(bytes) = self.upstream.blob(repository, digest).await.map_err(problem)? else {
            self.memory.set_absent(repository, digest, self.engine.now() + Span::from_secs(ABSENT_SECONDS));
            return Ok(false);
        };
        let ports = self.engine.ports();
        let owner = format!("machine:mirror {repository}");
        let id = ports.blobs.begin_upload(&owner, digest.algorithm()).await.map_err(problem)?;
        if let Err(error) = ports.blobs.append(&id, 0, bytes, BLOB_BYTES_MAX).await {
            let _ = ports.blobs.cancel_upload(&id).await;
            return Err(problem(error));
        }
        // The store hashes, too, and keeps nothing under a wrong name.
        let size = ports.blobs.finish_upload(&id, digest).await.map_err(problem)?;
        ports.catalog.link_blob(repository, digest, size, self.engine.now()).await.map_err(problem)?;
        Ok(true)
    }
}
