//! Which blobs a ledger names.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{Digest, Event, RepositoryName};
use futures::TryStreamExt;

use crate::{
    Error, manifest,
    ports::{Blobs, PartKind, Tier, Trouble},
};

/// What the entries name themselves.
#[derive(Default)]
pub(super) struct Named {
    documents: BTreeSet<Digest>,
    /// What was pushed and not deleted from all its repositories: its media type, and where it is.
    manifests: BTreeMap<Digest, (String, BTreeSet<RepositoryName>)>,
}

impl Named {
    /// Takes note of what an event names.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::ManifestPushed { repository, digest, media_type, .. } => {
                let pushed = self.manifests.entry(digest.clone());
                pushed.or_insert_with(|| (media_type.clone(), BTreeSet::new())).1.insert(repository.clone());
            }
            Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } => {
                if let Some((_, repositories)) = self.manifests.get_mut(digest) {
                    repositories.remove(repository);
                    if repositories.is_empty() {
                        self.manifests.remove(digest);
                    }
                }
            }
            event => self.documents.extend(event.blob().cloned()),
        }
    }
}

/// Documents, then what manifests are made of, each before the manifest.
pub(super) async fn named_blobs(
    blobs: &dyn Blobs,
    named: &Named,
    problems: &mut Vec<String>,
) -> Result<Vec<Digest>, Error> {
    let mut found: Vec<Digest> = named.documents.iter().cloned().collect();
    let mut seen = named.documents.clone();
    for (digest, (media_type, repositories)) in &named.manifests {
        let Some(repository) = repositories.first() else { continue };
        let bytes = match read_manifest(blobs, digest).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                problems.push(format!("the manifest `{digest}` of `{repository}` is missing"));
                continue;
            }
            Err(trouble) => {
                problems.push(format!("the manifest `{digest}` of `{repository}`: {trouble}"));
                continue;
            }
        };
        match manifest::parse(repository, digest, media_type, &bytes) {
            Ok(record) => {
                let parts = record.parts.into_iter().filter(|part| part.kind != PartKind::Child);
                found.extend(parts.map(|part| part.digest).filter(|part| seen.insert(part.clone())));
            }
            Err(error) => problems.push(format!("the manifest `{digest}` of `{repository}`: {error}")),
        }
        if seen.insert(digest.clone()) {
            found.push(digest.clone());
        }
    }
    Ok(found)
}

/// A manifest at hand, or in the trash: what goes while a copy is made belongs to the checkpoint that is copied.
async fn read_manifest(blobs: &dyn Blobs, digest: &Digest) -> Result<Option<Bytes>, Trouble> {
    if let Some(bytes) = blobs.read(digest, manifest::MANIFEST_BYTES_MAX as u64).await? {
        return Ok(Some(bytes));
    }
    let Some(away) = blobs.read_away(digest, Tier::Trash).await? else { return Ok(None) };
    if away.size > manifest::MANIFEST_BYTES_MAX as u64 {
        return Ok(None);
    }
    let pieces: Vec<Bytes> = away.bytes.try_collect().await?;
    let bytes = Bytes::from(pieces.concat());
    Ok((Digest::of(digest.algorithm(), &bytes) == *digest).then_some(bytes))
}
