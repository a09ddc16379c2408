//! Changes of the catalog.

use domain::{Digest, RepositoryName, TagName, Timestamp};
use engine::ports::{CatalogChange, ManifestRecord, PartKind, Unlinked};

use crate::sql::{
    Failed,
    insert::Insert,
    seal::{push_sealed, sealed},
    tx::{Tx, V},
};

static PARTS: Insert = Insert::new(
    "parts(repository, manifest, position, kind, digest, size, media_type, seal)",
    8,
    "ON CONFLICT(repository, manifest, position) DO NOTHING",
);

/// Changes the catalog as an entry says.
pub(in crate::sql) async fn change(tx: &mut Tx<'_>, change: &CatalogChange) -> Result<(), Failed> {
    match change {
        CatalogChange::Put { manifest, tags } => put(tx, manifest, tags).await?,
        CatalogChange::Delete { repository, digest } => {
            let which = [V::T(repository.as_str()), V::T(digest.as_str())];
            tx.run("DELETE FROM tags WHERE repository = $1 AND digest = $2", &which).await?;
            tx.run("DELETE FROM parts WHERE repository = $1 AND manifest = $2", &which).await?;
            tx.run("DELETE FROM manifests WHERE repository = $1 AND digest = $2", &which).await?;
        }
        CatalogChange::Untag { repository, tag } => {
            let which = [V::T(repository.as_str()), V::T(tag.as_str())];
            tx.run("DELETE FROM tags WHERE repository = $1 AND tag = $2", &which).await?;
        }
    }
    Ok(())
}

async fn put(tx: &mut Tx<'_>, manifest: &ManifestRecord, tags: &[TagName]) -> Result<(), Failed> {
    let (repository, digest) = (V::T(manifest.repository.as_str()), V::T(manifest.digest.as_str()));
    let annotations = serde_json::to_string(&manifest.annotations)
        .map_err(|error| Failed::Damaged(format!("the annotations of `{}` ({error})", manifest.digest)))?;
    let insert = "INSERT INTO manifests(repository, digest, media_type, size, subject, artifact_type, annotations, parts, seal) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT(repository, digest) DO UPDATE SET \
                  media_type = excluded.media_type, size = excluded.size, subject = excluded.subject, \
                  artifact_type = excluded.artifact_type, annotations = excluded.annotations, \
                  parts = excluded.parts, seal = excluded.seal";
    let columns = sealed(&[
        repository,
        digest,
        V::T(&manifest.media_type),
        manifest.size.into(),
        manifest.subject.as_ref().map(Digest::as_str).into(),
        manifest.artifact_type.as_deref().into(),
        V::T(&annotations),
        (manifest.parts.len() as u64).into(),
    ]);
    tx.run(insert, &columns).await?;
    let mut values = Vec::with_capacity(manifest.parts.len() * 8);
    for (position, part) in (0_u64..).zip(&manifest.parts) {
        let kind = V::I(number(part.kind));
        let named = [V::T(part.digest.as_str()), part.size.into(), V::T(&part.media_type)];
        push_sealed(&mut values, &[repository, digest, position.into(), kind, named[0], named[1], named[2]]);
    }
    PARTS.run(tx, &values).await?;
    for tag in tags {
        let set = "INSERT INTO tags(repository, tag, digest, seal) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT(repository, tag) DO UPDATE SET digest = excluded.digest, seal = excluded.seal";
        tx.run(set, &sealed(&[repository, V::T(tag.as_str()), digest])).await?;
    }
    Ok(())
}

pub(super) async fn link(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    size: u64,
    at: Timestamp,
) -> Result<(), Failed> {
    let insert = "INSERT INTO repository_blobs(repository, digest, size, at, seal) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT(repository, digest) DO UPDATE SET size = excluded.size, at = excluded.at, seal = excluded.seal";
    tx.run(insert, &sealed(&[V::T(repository.as_str()), V::T(digest.as_str()), size.into(), at.into()])).await?;
    Ok(())
}

/// In one transaction with the look for manifests that name the blob, so that none can come in between.
pub(super) async fn unlink(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked, Failed> {
    tx.hold_ledger().await?;
    let which = [V::T(repository.as_str()), V::T(digest.as_str())];
    if let Some(manifest) = super::containers(tx, repository, digest, None, 1).await?.pop() {
        return Ok(Unlinked::Named(manifest));
    }
    let delete = "DELETE FROM repository_blobs WHERE repository = $1 AND digest = $2";
    let gone = tx.execute(delete, &which).await? > 0;
    Ok(if gone { Unlinked::Gone } else { Unlinked::NotThere })
}

fn number(kind: PartKind) -> i64 {
    match kind {
        PartKind::Child => 0,
        PartKind::Config => 1,
        PartKind::Layer => 2,
    }
}

/// The kind that is kept as `number`.
pub(super) fn kind(number: i64) -> Result<PartKind, Failed> {
    match number {
        0 => Ok(PartKind::Child),
        1 => Ok(PartKind::Config),
        2 => Ok(PartKind::Layer),
        _ => Err(Failed::Damaged("the kind of a manifest's part".into())),
    }
}
