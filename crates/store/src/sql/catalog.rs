//! The [`Catalog`] port.

mod change;
mod closure;
mod keep;
mod lists;

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{Digest, ProjectName, RepositoryName, TagName, Timestamp};
use engine::ports::{Catalog, Closure, Link, ManifestRecord, Part, Referrer, Trouble, Unlinked};
use futures::FutureExt;

use super::{
    Database, Failed,
    tx::{Row, Tx, V},
};

pub(super) use change::change;

/// How many repositories [`Catalog::blob_anywhere`] and [`Catalog::manifest_anywhere`] answer with at most.
const ANYWHERE_MAX: u64 = 100;

const MANIFESTS: &str =
    "SELECT repository, digest, media_type, size, subject, artifact_type, annotations, parts, seal FROM manifests";
const PARTS: &str = "SELECT repository, manifest, position, kind, digest, size, media_type, seal FROM parts";

#[async_trait]
impl Catalog for Database {
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, u64)>, Trouble> {
        self.look_up("a manifest", |tx| manifest(tx, repository, digest.as_str()).boxed()).await
    }

    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<(Digest, String, u64)>, Trouble> {
        self.look_up("a tag", |tx| tagged(tx, repository, tag).boxed()).await
    }

    async fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<TagName>>, Trouble> {
        self.scan("tags", |tx| lists::tags(tx, repository, after, limit).boxed()).await
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>, Trouble> {
        self.scan("referrers", |tx| lists::referrers(tx, repository, subject, artifact_type, after, limit).boxed())
            .await
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Trouble> {
        self.scan("repositories", |tx| lists::repositories(tx, after, limit).boxed()).await
    }

    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Trouble> {
        self.look_up("a blob's size", |tx| blob(tx, repository, digest).boxed()).await
    }

    async fn blob_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        self.look_up("a blob's repositories", |tx| {
            async move {
                let select = "SELECT repository, digest, size, at, seal FROM repository_blobs WHERE digest = $1 \
                          ORDER BY repository LIMIT $2";
                let rows = tx.rows(select, &[V::T(digest.as_str()), ANYWHERE_MAX.into()]).await?;
                let place = |row: Row| row.unsealed(|| format!("a place of `{digest}`"))?.parsed(0, "a repository");
                rows.into_iter().map(place).collect()
            }
            .boxed()
        })
        .await
    }

    async fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.write("a blob's repository", move |tx| {
            async move { change::link(tx, &repository, &digest, size, at).await }.boxed()
        })
        .await
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked, Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        self.write("a blob's repository", move |tx| {
            async move { change::unlink(tx, &repository, &digest).await }.boxed()
        })
        .await
    }

    async fn containers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble> {
        self.look_up("containing manifests", |tx| containers(tx, repository, digest, after, limit).boxed()).await
    }

    async fn subject(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Digest>, Trouble> {
        self.look_up("a manifest", |tx| {
            async move {
                let Some(row) = manifest_row(tx, repository, digest.as_str()).await? else { return Ok(None) };
                row.optional_text(4, "a subject")?.map(|_| row.parsed(4, "a subject")).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn parts(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Part>, Trouble> {
        self.look_up("a manifest's parts", |tx| parts(tx, repository, digest).boxed()).await
    }

    async fn tags_of(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: &str,
        limit: usize,
    ) -> Result<Vec<TagName>, Trouble> {
        self.look_up("a manifest's tags", |tx| lists::tags_of(tx, repository, digest, from, limit).boxed()).await
    }

    async fn manifests_like(
        &self,
        repository: &RepositoryName,
        beginning: &str,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble> {
        self.look_up("manifests", |tx| lists::manifests_like(tx, repository, beginning, limit).boxed()).await
    }

    async fn manifest_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        self.look_up("a manifest's repositories", |tx| lists::manifest_anywhere(tx, digest).boxed()).await
    }

    async fn manifests(
        &self,
        project: &ProjectName,
        after: Option<&(RepositoryName, Digest)>,
        limit: usize,
    ) -> Result<Vec<(ManifestRecord, Vec<TagName>)>, Trouble> {
        self.scan("manifests", |tx| keep::manifests(tx, project, after, limit).boxed()).await
    }

    async fn all_tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<TagName>, Trouble> {
        self.look_up("tags", |tx| keep::tags_of(tx, repository, digest).boxed()).await
    }

    async fn link(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Link>, Trouble> {
        self.look_up("a blob's time", |tx| keep::link(tx, repository, digest).boxed()).await
    }

    async fn unlink_unnamed(
        &self,
        project: &ProjectName,
        after: Option<(RepositoryName, Digest)>,
        before: Timestamp,
        spare: BTreeSet<Digest>,
        limit: usize,
    ) -> Result<Option<(RepositoryName, Digest)>, Trouble> {
        let project = project.clone();
        self.write("blobs that no manifest names", move |tx| {
            async move { keep::unlink_unnamed(tx, &project, after.as_ref(), (before, &spare), limit).await }.boxed()
        })
        .await
    }

    async fn note_pulls(&self, pulled: &[(RepositoryName, Digest)], day: Timestamp) -> Result<(), Trouble> {
        let pulled = pulled.to_vec();
        self.write("what was pulled", move |tx| async move { keep::note_pulls(tx, &pulled, day).await }.boxed()).await
    }

    async fn pulled(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Timestamp>, Trouble> {
        self.look_up("a manifest's last pull", |tx| keep::pulled(tx, repository, digest).boxed()).await
    }

    async fn pulls_since(&self) -> Result<Option<Timestamp>, Trouble> {
        self.look_up("the first pull", |tx| keep::pulls_since(tx).boxed()).await
    }

    async fn is_anywhere(&self, digest: &Digest) -> Result<bool, Trouble> {
        self.look_up("a digest's places", |tx| keep::is_anywhere(tx, digest).boxed()).await
    }

    async fn closure(&self, repository: &RepositoryName, digest: &Digest, limit: usize) -> Result<Closure, Trouble> {
        self.scan("what a manifest consists of", |tx| closure::closure(tx, repository, digest, limit).boxed()).await
    }
}

async fn manifest(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &str) -> Result<Option<(String, u64)>, Failed> {
    let Some(row) = manifest_row(tx, repository, digest).await? else { return Ok(None) };
    Ok(Some((row.text(2, "a media type")?.to_owned(), row.natural(3, "the size of a manifest")?)))
}

async fn manifest_row(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &str) -> Result<Option<Row>, Failed> {
    let values = [V::T(repository.as_str()), V::T(digest)];
    let what = || format!("what is known of the manifest `{digest}`");
    let select = format!("{MANIFESTS} WHERE repository = $1 AND digest = $2");
    if let Some(row) = tx.row(&select, &values).await? {
        return row.unsealed(what).map(Some);
    }
    let again = "SELECT digest FROM manifests WHERE repository || '' = $1 AND digest = $2";
    tx.expect_none(again, &values, what).await.map(|()| None)
}

async fn blob(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Failed> {
    let values = [V::T(repository.as_str()), V::T(digest.as_str())];
    let what = || format!("the size of `{digest}`");
    let select =
        "SELECT repository, digest, size, at, seal FROM repository_blobs WHERE repository = $1 AND digest = $2";
    if let Some(row) = tx.row(select, &values).await? {
        return row.unsealed(what)?.natural(2, "the size of a blob").map(Some);
    }
    let again = "SELECT digest FROM repository_blobs WHERE repository || '' = $1 AND digest = $2";
    tx.expect_none(again, &values, what).await.map(|()| None)
}

async fn parts(tx: &mut Tx<'_>, repository: &RepositoryName, manifest: &Digest) -> Result<Vec<Part>, Failed> {
    let Some(known) = manifest_row(tx, repository, manifest.as_str()).await? else { return Ok(Vec::new()) };
    let select = format!("{PARTS} WHERE repository = $1 AND manifest = $2 ORDER BY position");
    let rows = tx.rows(&select, &[V::T(repository.as_str()), V::T(manifest.as_str())]).await?;
    if rows.len() as u64 != known.natural(7, "the number of parts")? {
        return Err(Failed::Damaged(format!("what is known of the parts of `{manifest}`")));
    }
    (0..).zip(rows).map(|(position, row)| part(manifest, position, row)).collect()
}

async fn containers(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<Digest>, Failed> {
    let select = format!("{PARTS} WHERE repository = $1 AND digest = $2 AND manifest > $3 ORDER BY manifest LIMIT $4");
    let after = V::T(after.map(Digest::as_str).unwrap_or_default());
    let values = [V::T(repository.as_str()), V::T(digest.as_str()), after, (limit as u64).into()];
    let manifest = |row: Row| row.unsealed(|| format!("what names `{digest}`"))?.parsed(1, "a digest");
    let mut found: Vec<Digest> =
        tx.rows(&select, &values).await?.into_iter().map(manifest).collect::<Result<_, _>>()?;
    // A manifest may name the same twice.
    found.dedup();
    Ok(found)
}

async fn tagged(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    tag: &TagName,
) -> Result<Option<(Digest, String, u64)>, Failed> {
    let select = "SELECT repository, tag, digest, seal FROM tags WHERE repository = $1 AND tag = $2";
    let (values, what) =
        ([V::T(repository.as_str()), V::T(tag.as_str())], || format!("the tag `{tag}` of `{repository}`"));
    let Some(row) = tx.row(select, &values).await? else {
        let again = "SELECT tag FROM tags WHERE repository || '' = $1 AND tag = $2";
        return tx.expect_none(again, &values, what).await.map(|()| None);
    };
    let row = row.unsealed(what)?;
    let digest: Digest = row.parsed(2, "what a tag points to")?;
    // A tag goes with its manifest, so a tag without one is damage.
    let lost = || Failed::Damaged(format!("the manifest that the tag `{tag}` of `{repository}` points to"));
    let (media_type, size) = manifest(tx, repository, digest.as_str()).await?.ok_or_else(lost)?;
    Ok(Some((digest, media_type, size)))
}

fn part(manifest: &Digest, position: u64, row: Row) -> Result<Part, Failed> {
    let damaged = || format!("what is known of the parts of `{manifest}`");
    let row = row.unsealed(damaged)?;
    if row.natural(2, "the position of a part")? != position {
        return Err(Failed::Damaged(damaged()));
    }
    Ok(Part {
        kind: change::kind(row.integer(3, "the kind of a part")?)?,
        digest: row.parsed(4, "the digest of a part")?,
        size: row.natural(5, "the size of a part")?,
        media_type: row.text(6, "a media type")?.to_owned(),
    })
}
