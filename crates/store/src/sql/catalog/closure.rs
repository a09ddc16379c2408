//! What a manifest consists of.

use std::collections::BTreeSet;

use domain::{Digest, RepositoryName};
use engine::ports::{Closure, PartKind};

use super::{blob, manifest, parts};
use crate::sql::{Failed, tx::Tx};

/// Walks down from a manifest, all in one snapshot.
pub(super) async fn closure(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    limit: usize,
) -> Result<Closure, Failed> {
    let mut closure = Closure::default();
    // By kind too: what is a layer of one may be a manifest with parts of its own to another.
    let mut seen = BTreeSet::from([(PartKind::Child, digest.clone())]);
    let mut waiting = vec![(PartKind::Child, digest.clone())];
    while let Some((kind, digest)) = waiting.pop() {
        if closure.parts.len() >= limit && !closure.parts.contains(&digest) {
            closure.cut = true;
            break;
        }
        let there = match kind {
            PartKind::Child => manifest(tx, repository, digest.as_str()).await?.is_some(),
            PartKind::Config | PartKind::Layer => blob(tx, repository, &digest).await?.is_some(),
        };
        if !there {
            closure.missing.get_or_insert_with(|| digest.clone());
        } else if kind == PartKind::Child {
            let named = parts(tx, repository, &digest).await?.into_iter().map(|part| (part.kind, part.digest));
            waiting.extend(named.filter(|part| seen.insert(part.clone())));
        }
        closure.parts.insert(digest);
    }
    Ok(closure)
}
