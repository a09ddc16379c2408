//! Puts back what a plan has taken, as long as the trash has it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Actor, Command, Digest, Entry, Event, ProjectName, Refusal, RepositoryName, Submission, TagName};

use super::Recalled;
use crate::{
    Engine, Error, manifest,
    ports::{ManifestRecord, PartKind},
};

/// How many manifests are put back at once, at most: an index with its children and all that is about them.
const RESTORED_MAX: usize = 1000;
/// How many entries about a digest are looked at, at once.
const PAGE: usize = 100;

/// What was put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The manifests with their repositories, in the order in which they came back.
    pub manifests: Vec<(RepositoryName, Digest)>,
    /// Tags that they had and that point elsewhere by now: those stay where they are.
    pub moved: BTreeSet<TagName>,
}

/// What the ledger says of a manifest that a plan has taken from a repository.
struct Taken {
    media_type: String,
    tags: Vec<TagName>,
    plan: Digest,
}

impl Engine {
    /// Puts `digest` back wherever plans have taken it from within `project`: pushed again by `actor`, with all that it consists of, its
    /// tags where they are free, and what is about it.
    pub async fn restore(&self, actor: &Actor, project: &ProjectName, digest: &Digest) -> Result<Restored, Error> {
        let mut restored = Restored::default();
        let mut waiting: Vec<(RepositoryName, Digest)> =
            self.taken(project, digest).await?.into_keys().map(|repository| (repository, digest.clone())).collect();
        if waiting.is_empty() {
            return Err(Refusal::NotInTrash { digest: digest.clone() }.into());
        }
        while let Some((repository, digest)) = waiting.pop() {
            let Some(taken) = self.taken(project, &digest).await?.remove(&repository) else { continue };
            self.rehearse(actor, &pushed(&repository, &digest)).await?;
            let record = self.readable(&repository, &digest, &taken.media_type).await?;
            let mut missing = Vec::new();
            for child in record.parts.iter().filter(|part| part.kind == PartKind::Child) {
                if self.ports().catalog.manifest(&repository, &child.digest).await?.is_none() {
                    missing.push((repository.clone(), child.digest.clone()));
                }
            }
            if restored.manifests.len() + waiting.len() + missing.len() > RESTORED_MAX {
                let limit = format!("{RESTORED_MAX} manifests");
                return Err(Refusal::LimitReached { what: "what is restored at once", limit }.into());
            }
            if !missing.is_empty() {
                // Parts first. A manifest cannot consist of itself, so this ends.
                self.expect_taken(project, &missing).await?;
                waiting.push((repository, digest));
                waiting.extend(missing);
                continue;
            }
            let about = self.about(&taken.plan, &repository, &digest).await?;
            self.push_again(actor, record, taken.tags, &mut restored).await?;
            waiting.extend(about.into_iter().map(|referrer| (repository.clone(), referrer)));
        }
        Ok(restored)
    }

    async fn expect_taken(&self, project: &ProjectName, manifests: &[(RepositoryName, Digest)]) -> Result<(), Error> {
        for (repository, digest) in manifests {
            if !self.taken(project, digest).await?.contains_key(repository) {
                return Err(Refusal::NotInTrash { digest: digest.clone() }.into());
            }
        }
        Ok(())
    }

    /// The repositories that a plan has taken `digest` from, and that nobody has pushed it to since.
    async fn taken(&self, project: &ProjectName, digest: &Digest) -> Result<BTreeMap<RepositoryName, Taken>, Error> {
        if !self.wait_for(self.size(), std::time::Duration::from_secs(10)).await {
            return Err(Error::broken("look for what was collected", "the views trail the ledger"));
        }
        let (mut types, mut taken) = (BTreeMap::new(), BTreeMap::new());
        let mut from = 0;
        loop {
            let indices = self.ports().views.about(digest, from, PAGE).await?;
            let Some(last) = indices.last() else { return Ok(taken) };
            from = last + 1;
            for (index, bytes) in self.ports().ledger.read_each(&indices).await? {
                let entry =
                    Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
                match entry.event {
                    Event::ManifestPushed { repository, digest: pushed, media_type, .. } if pushed == *digest => {
                        taken.remove(&repository);
                        types.insert(repository, media_type);
                    }
                    Event::ManifestDeleted { repository, .. } => drop(taken.remove(&repository)),
                    Event::ManifestCollected { repository, plan, tags, .. } => {
                        let here = repository.project().as_ref() == Some(project);
                        if let Some(media_type) = types.get(&repository).cloned().filter(|_| here) {
                            taken.insert(repository, Taken { media_type, tags, plan });
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// The manifest, once its bytes and all the blobs that it names are at hand.
    async fn readable(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        media_type: &str,
    ) -> Result<ManifestRecord, Error> {
        self.expect(digest).await?;
        let read = self.ports().blobs.read(digest, manifest::MANIFEST_BYTES_MAX as u64).await?;
        let bytes = read.ok_or_else(|| Refusal::NotInTrash { digest: digest.clone() })?;
        let parsed = manifest::parse(repository, digest, media_type, &bytes);
        let record = parsed.map_err(|error| Error::broken(format!("read the manifest `{digest}`"), error))?;
        for part in record.parts.iter().filter(|part| part.kind != PartKind::Child) {
            // Named first, so that nothing takes the bytes once they are here.
            let gone = || Refusal::NotInTrash { digest: part.digest.clone() };
            // What the manifest says of its size may be wrong.
            let size = self.size_anywhere(&part.digest).await?.ok_or_else(gone)?;
            self.ports().catalog.link_blob(repository, &part.digest, size, self.now()).await?;
            self.expect(&part.digest).await?;
        }
        Ok(record)
    }

    async fn expect(&self, digest: &Digest) -> Result<(), Error> {
        if self.ports().blobs.size(digest).await?.is_some() {
            return Ok(());
        }
        match self.recall(digest).await? {
            Recalled::AtHand => Ok(()),
            Recalled::Coming => Err(Error::Busy { waiting: 1 }),
            Recalled::Gone => Err(Refusal::NotInTrash { digest: digest.clone() }.into()),
        }
    }

    async fn push_again(
        &self,
        actor: &Actor,
        record: ManifestRecord,
        tags: Vec<TagName>,
        restored: &mut Restored,
    ) -> Result<(), Error> {
        let mut free = Vec::new();
        for tag in tags {
            match self.ports().catalog.tag(&record.repository, &tag).await? {
                None => free.push(tag),
                Some(_) => drop(restored.moved.insert(tag)),
            }
        }
        let command = Command::PushManifest {
            repository: record.repository.clone(),
            digest: record.digest.clone(),
            media_type: record.media_type.clone(),
            size: record.size,
            subject: record.subject.clone(),
            tags: free,
        };
        let place = (record.repository.clone(), record.digest.clone());
        self.submit_manifest(Submission { actor: actor.clone(), key: None, command }, record).await?;
        self.expect(&place.1).await?;
        restored.manifests.push(place);
        Ok(())
    }

    /// What the plan took from the repository that was about `digest`.
    async fn about(&self, plan: &Digest, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Digest>, Error> {
        let plan = self.recorded_plan(plan).await?;
        let about = plan.items.into_iter().filter(|item| item.repository == *repository && item.about.contains(digest));
        Ok(about.map(|item| item.digest).collect())
    }
}

/// The push of a manifest, as far as the rules need to know before anything is put back for it.
fn pushed(repository: &RepositoryName, digest: &Digest) -> Command {
    let (repository, digest) = (repository.clone(), digest.clone());
    let (media_type, size, subject, tags) = Default::default();
    Command::PushManifest { repository, digest, media_type, size, subject, tags }
}
