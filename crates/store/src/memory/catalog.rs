//! The [`Catalog`] port.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::{Digest, ProjectName, RepositoryName, TagName, Timestamp};
use engine::ports::{
    Catalog, CatalogChange, Closure, Link, ManifestRecord, PULLS_KNOWN, Part, PartKind, Referrer, Trouble, Unlinked,
};

use super::{Memory, locked};

#[derive(Debug, Default)]
pub(super) struct Kept {
    manifests: BTreeMap<(RepositoryName, Digest), ManifestRecord>,
    tags: BTreeMap<(RepositoryName, TagName), Digest>,
    blobs: BTreeMap<(RepositoryName, Digest), Link>,
    pulls: BTreeMap<(RepositoryName, Digest), Timestamp>,
}

impl Kept {
    pub fn change(&mut self, change: CatalogChange) {
        match change {
            CatalogChange::Put { manifest, tags } => {
                let (repository, digest) = (manifest.repository.clone(), manifest.digest.clone());
                for tag in tags {
                    self.tags.insert((repository.clone(), tag), digest.clone());
                }
                self.manifests.insert((repository, digest), *manifest);
            }
            CatalogChange::Delete { repository, digest } => {
                self.tags.retain(|(place, _), target| *place != repository || *target != digest);
                self.manifests.remove(&(repository, digest));
            }
            CatalogChange::Untag { repository, tag } => drop(self.tags.remove(&(repository, tag))),
        }
    }

    /// Forgets what follows from entries.
    pub fn clear(&mut self) {
        let (blobs, pulls) = (std::mem::take(&mut self.blobs), std::mem::take(&mut self.pulls));
        *self = Self { blobs, pulls, ..Self::default() };
    }

    fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Option<&ManifestRecord> {
        self.manifests.get(&(repository.clone(), digest.clone()))
    }

    /// The manifests of the repository that name `digest` as a part.
    fn holders(&self, repository: &RepositoryName, digest: &Digest) -> impl Iterator<Item = &ManifestRecord> {
        self.manifests_of(repository).filter(move |manifest| manifest.parts.iter().any(|part| part.digest == *digest))
    }

    fn tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Vec<TagName> {
        let here = self.tags.iter().filter(|((place, _), target)| place == repository && *target == digest);
        here.map(|((_, tag), _)| tag.clone()).collect()
    }

    fn manifests_of(&self, repository: &RepositoryName) -> impl Iterator<Item = &ManifestRecord> {
        self.manifests.values().filter(move |manifest| manifest.repository == *repository)
    }
}

#[async_trait]
impl Catalog for Memory {
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, u64)>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        Ok(kept.manifest(repository, digest).map(|manifest| (manifest.media_type.clone(), manifest.size)))
    }

    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<(Digest, String, u64)>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let target = kept.tags.get(&(repository.clone(), tag.clone()));
        let manifest = target.and_then(|digest| kept.manifest(repository, digest));
        Ok(manifest.map(|manifest| (manifest.digest.clone(), manifest.media_type.clone(), manifest.size)))
    }

    async fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<TagName>>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let has_blob = kept.blobs.keys().any(|(place, _)| place == repository);
        if !has_blob && kept.manifests_of(repository).next().is_none() {
            return Ok(None);
        }
        let tags = kept.tags.keys().filter(|(place, _)| place == repository).map(|(_, tag)| tag);
        let beyond = tags.filter(|tag| after.is_none_or(|after| tag.as_str() > after));
        Ok(Some(beyond.take(limit).cloned().collect()))
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let wanted = |manifest: &&ManifestRecord| {
            manifest.subject.as_ref() == Some(subject)
                && artifact_type.is_none_or(|wanted| manifest.artifact_type.as_deref() == Some(wanted))
                && after.is_none_or(|after| manifest.digest > *after)
        };
        Ok(kept.manifests_of(repository).filter(wanted).take(limit).map(referrer).collect())
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let names: BTreeSet<&RepositoryName> = kept.manifests.keys().map(|(repository, _)| repository).collect();
        let beyond = names.into_iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
        Ok(beyond.take(limit).cloned().collect())
    }

    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Trouble> {
        Ok(locked(&self.ledger).catalog.blobs.get(&(repository.clone(), digest.clone())).map(|link| link.size))
    }

    async fn blob_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let places = kept.blobs.keys().filter(|(_, blob)| blob == digest);
        Ok(places.map(|(repository, _)| repository.clone()).take(100).collect())
    }

    async fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        locked(&self.ledger).catalog.blobs.insert((repository.clone(), digest.clone()), Link { size, at });
        Ok(())
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked, Trouble> {
        let kept = &mut locked(&self.ledger).catalog;
        if let Some(manifest) = kept.holders(repository, digest).next() {
            return Ok(Unlinked::Named(manifest.digest.clone()));
        }
        let gone = kept.blobs.remove(&(repository.clone(), digest.clone())).is_some();
        Ok(if gone { Unlinked::Gone } else { Unlinked::NotThere })
    }

    async fn containers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let holders = kept.holders(repository, digest).map(|manifest| &manifest.digest);
        Ok(holders.filter(|holder| after.is_none_or(|after| *holder > after)).take(limit).cloned().collect())
    }

    async fn subject(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Digest>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        Ok(kept.manifest(repository, digest).and_then(|manifest| manifest.subject.clone()))
    }

    async fn tags_of(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: &str,
        limit: usize,
    ) -> Result<Vec<TagName>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let tags = kept.tags.iter().filter(|((place, _), target)| place == repository && *target == digest);
        let tags = tags.map(|((_, tag), _)| tag).filter(|tag| tag.as_str() >= from);
        Ok(tags.take(limit).cloned().collect())
    }

    async fn manifests_like(
        &self,
        repository: &RepositoryName,
        beginning: &str,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let digests = kept.manifests_of(repository).map(|manifest| &manifest.digest);
        Ok(digests.filter(|digest| digest.as_str().starts_with(beginning)).take(limit).cloned().collect())
    }

    async fn manifest_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let places = kept.manifests.keys().filter(|(_, manifest)| manifest == digest);
        Ok(places.map(|(repository, _)| repository.clone()).take(100).collect())
    }

    async fn closure(&self, repository: &RepositoryName, digest: &Digest, limit: usize) -> Result<Closure, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let mut closure = Closure::default();
        // By kind too: what is a layer of one may be a manifest with parts of its own to another.
        let mut seen = BTreeSet::from([(PartKind::Child, digest)]);
        let mut waiting = vec![(PartKind::Child, digest)];
        while let Some((kind, digest)) = waiting.pop() {
            if closure.parts.len() >= limit && !closure.parts.contains(digest) {
                closure.cut = true;
                break;
            }
            closure.parts.insert(digest.clone());
            let manifest = kept.manifest(repository, digest).filter(|_| kind == PartKind::Child);
            let blob = kind != PartKind::Child && kept.blobs.contains_key(&(repository.clone(), digest.clone()));
            if manifest.is_none() && !blob {
                closure.missing.get_or_insert_with(|| digest.clone());
            }
            let named = manifest.iter().flat_map(|manifest| &manifest.parts).map(|part| (part.kind, &part.digest));
            waiting.extend(named.filter(|part| seen.insert(*part)));
        }
        Ok(closure)
    }

    async fn manifests(
        &self,
        project: &ProjectName,
        after: Option<&(RepositoryName, Digest)>,
        limit: usize,
    ) -> Result<Vec<(ManifestRecord, Vec<TagName>)>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let here = kept.manifests.iter().filter(|((repository, _), _)| repository.project().as_ref() == Some(project));
        let beyond = here.filter(|(key, _)| after.is_none_or(|after| *key > after));
        let with_tags = |(_, manifest): (_, &ManifestRecord)| {
            (manifest.clone(), kept.tags_of(&manifest.repository, &manifest.digest))
        };
        Ok(beyond.take(limit).map(with_tags).collect())
    }

    async fn all_tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<TagName>, Trouble> {
        Ok(locked(&self.ledger).catalog.tags_of(repository, digest))
    }

    async fn link(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Link>, Trouble> {
        Ok(locked(&self.ledger).catalog.blobs.get(&(repository.clone(), digest.clone())).cloned())
    }

    async fn unlink_unnamed(
        &self,
        project: &ProjectName,
        after: Option<(RepositoryName, Digest)>,
        before: Timestamp,
        spare: BTreeSet<Digest>,
        limit: usize,
    ) -> Result<Option<(RepositoryName, Digest)>, Trouble> {
        let kept = &mut locked(&self.ledger).catalog;
        let here = kept.blobs.iter().filter(|((repository, _), _)| repository.project().as_ref() == Some(project));
        let beyond = here.filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        let looked: Vec<_> = beyond.take(limit).map(|(key, link)| (key.clone(), link.at)).collect();
        for ((repository, digest), at) in &looked {
            if *at < before && !spare.contains(digest) && kept.holders(repository, digest).next().is_none() {
                kept.blobs.remove(&(repository.clone(), digest.clone()));
            }
        }
        Ok(looked.into_iter().next_back().map(|(key, _)| key))
    }

    async fn note_pulls(&self, pulled: &[(RepositoryName, Digest)], day: Timestamp) -> Result<(), Trouble> {
        let pulls = &mut locked(&self.ledger).catalog.pulls;
        for place in pulled {
            let known = pulls.entry(place.clone()).or_insert(day);
            *known = day.max(*known);
        }
        pulls.retain(|_, at| day.since(*at) <= PULLS_KNOWN);
        Ok(())
    }

    async fn pulled(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Timestamp>, Trouble> {
        Ok(locked(&self.ledger).catalog.pulls.get(&(repository.clone(), digest.clone())).copied())
    }

    async fn pulls_since(&self) -> Result<Option<Timestamp>, Trouble> {
        Ok(locked(&self.ledger).catalog.pulls.values().min().copied())
    }

    async fn is_anywhere(&self, digest: &Digest) -> Result<bool, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        let mut places = kept.manifests.keys().chain(kept.blobs.keys());
        Ok(places.any(|(_, other)| other == digest))
    }

    async fn parts(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Part>, Trouble> {
        let kept = &locked(&self.ledger).catalog;
        Ok(kept.manifest(repository, digest).map(|manifest| manifest.parts.clone()).unwrap_or_default())
    }
}

fn referrer(manifest: &ManifestRecord) -> Referrer {
    Referrer {
        digest: manifest.digest.clone(),
        media_type: manifest.media_type.clone(),
        size: manifest.size,
        artifact_type: manifest.artifact_type.clone(),
        annotations: manifest.annotations.clone(),
    }
}
