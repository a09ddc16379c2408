//! Whoever is about to name a blob counts on it: so the repository keeps it for some time, though no manifest names it yet.
//!
//! Retention takes blobs that no manifest names and that nobody has counted on for as long as the policy's `fresh` says. A push asks for
//! what is there, sends the rest, and names all of it in the end: each of these steps renews what it counts on.

use domain::{Digest, Span, Timestamp, retention::Policy};
use engine::ports::{ManifestRecord, PartKind};

use crate::{Registry, error::Failure, rights::Rights};

/// How long the repository keeps what nobody names.
fn fresh(rights: &Rights) -> Span {
    let policy = rights.project.as_ref().and_then(|project| project.config.retention.as_ref());
    policy.map_or(Policy::FRESH, Policy::fresh)
}

/// Whether so much of the time has gone by since `at` that it begins anew.
fn is_old(rights: &Rights, at: Timestamp, now: Timestamp) -> bool {
    now.since(at).as_millis() >= fresh(rights).as_millis() / 2
}

/// Counts on a blob from now on; `false` if the repository does not have it.
pub(crate) async fn renew(registry: &Registry, rights: &Rights, digest: &Digest) -> Result<bool, Failure> {
    let (catalog, now) = (&registry.engine.ports().catalog, registry.engine.now());
    let Some(link) = catalog.link(&rights.repository, digest).await? else { return Ok(false) };
    if is_old(rights, link.at, now) && rights.push().is_ok() {
        catalog.link_blob(&rights.repository, digest, link.size, now).await?;
        registry.engine.ensure(digest).await?;
    }
    Ok(true)
}

/// Makes sure, once a manifest is stored, that what it names is still there: a request that took very long may have been overtaken by
/// retention. What it took is in the trash, and comes back.
pub(crate) async fn settle(
    registry: &Registry,
    rights: &Rights,
    record: &ManifestRecord,
    began: Timestamp,
) -> Result<(), Failure> {
    if !is_old(rights, began, registry.engine.now()) {
        return Ok(());
    }
    let catalog = &registry.engine.ports().catalog;
    for part in record.parts.iter().filter(|part| part.kind != PartKind::Child) {
        if catalog.link(&rights.repository, &part.digest).await?.is_none()
            && let Some(size) = registry.engine.size_anywhere(&part.digest).await?
        {
            catalog.link_blob(&rights.repository, &part.digest, size, registry.engine.now()).await?;
        }
        registry.engine.ensure(&part.digest).await?;
    }
    Ok(())
}

/// Whether the repository's manifest was pushed or tagged so recently that pushing it again as it is need not be written down.
pub(crate) async fn is_recent(registry: &Registry, rights: &Rights, digest: &Digest) -> Result<bool, Failure> {
    let Some(project) = rights.repository.project() else { return Ok(true) };
    if rights.project.as_ref().is_none_or(|known| known.config.retention.is_none()) {
        return Ok(true);
    }
    let keys = [domain::Key::Subject(project.clone(), digest.clone())];
    let touched = registry.engine.read(&keys, |state| {
        state.subject(&project, digest).and_then(|known| known.touched.as_ref().map(|touched| touched.at))
    });
    let touched = touched.await?;
    Ok(touched.is_some_and(|at| !is_old(rights, at, registry.engine.now())))
}
