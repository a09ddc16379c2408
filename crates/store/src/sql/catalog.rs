//! The [`Catalog`] port.

mod change;
mod closure;

use async_trait::async_trait;
use domain::{Digest, RepositoryName, TagName, Timestamp};
use engine::ports::{Catalog, Closure, Part, Referrer, Trouble, Unlinked};

use super::{
    Database, Failed,
    tx::{Row, Tx, V},
};

pub(super) use change::change;

/// How many repositories [`Catalog::blob_anywhere`] answers with at most.
const ANYWHERE_MAX: u64 = 100;

#[async_trait]
impl Catalog for Database {
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, u64)>, Trouble> {
        self.look_up("a manifest", async |tx| manifest(tx, repository, digest.as_str()).await)
    }

    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<(Digest, String, u64)>, Trouble> {
        self.look_up("a tag", async |tx| tagged(tx, repository, tag).await)
    }

    async fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<TagName>>, Trouble> {
        self.scan("tags", async |tx| tags(tx, repository, after, limit).await)
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>, Trouble> {
        self.scan("referrers", async |tx| referrers(tx, repository, subject, artifact_type, after, limit).await)
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Trouble> {
        self.scan("repositories", async |tx| repositories(tx, after, limit).await)
    }

    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Trouble> {
        self.look_up("a blob's size", async |tx| blob(tx, repository, digest).await)
    }

    async fn blob_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        self.look_up("a blob's repositories", async |tx| {
            let select = "SELECT repository FROM repository_blobs WHERE digest = $1 ORDER BY repository LIMIT $2";
            let rows = tx.rows(select, &[V::T(digest.as_str()), ANYWHERE_MAX.into()]).await?;
            rows.iter().map(|row| row.parsed(0, "a repository")).collect()
        })
    }

    async fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        let link = async move |tx: &mut Tx<'_>| change::link(tx, &repository, &digest, size, at).await;
        self.write("a blob's repository", link).await
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked, Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        let unlink = async move |tx: &mut Tx<'_>| change::unlink(tx, &repository, &digest).await;
        self.write("a blob's repository", unlink).await
    }

    async fn containers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble> {
        self.look_up("containing manifests", async |tx| {
            let select = "SELECT p.manifest FROM parts p JOIN manifests m ON m.repository = $1 AND m.digest = p.manifest \
                          WHERE p.digest = $2 \
                          UNION SELECT subject FROM manifests WHERE repository = $1 AND digest = $2 AND subject IS NOT NULL \
                          ORDER BY 1 LIMIT $3";
            let values = [V::T(repository.as_str()), V::T(digest.as_str()), (limit as u64).into()];
            let rows = tx.rows(select, &values).await?;
            rows.iter().map(|row| row.parsed(0, "a digest")).collect()
        })
    }

    async fn parts(&self, digest: &Digest) -> Result<Vec<Part>, Trouble> {
        self.look_up("a manifest's parts", async |tx| parts(tx, digest).await)
    }

    async fn closure(&self, repository: &RepositoryName, digest: &Digest, limit: usize) -> Result<Closure, Trouble> {
        self.scan("what a manifest consists of", async |tx| closure::closure(tx, repository, digest, limit).await)
    }
}

async fn manifest(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &str) -> Result<Option<(String, u64)>, Failed> {
    let select = "SELECT repository, digest, media_type, size, subject, artifact_type, annotations, seal FROM manifests \
                  WHERE repository = $1 AND digest = $2";
    let Some(row) = tx.row(select, &[V::T(repository.as_str()), V::T(digest)]).await? else { return Ok(None) };
    let row = row.unsealed(|| format!("what is known of the manifest `{digest}`"))?;
    Ok(Some((row.text(2, "a media type")?.to_owned(), row.natural(3, "the size of a manifest")?)))
}

async fn blob(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Failed> {
    let select =
        "SELECT repository, digest, size, at, seal FROM repository_blobs WHERE repository = $1 AND digest = $2";
    let found = tx.row(select, &[V::T(repository.as_str()), V::T(digest.as_str())]).await?;
    let size = |row: Row| row.unsealed(|| format!("the size of `{digest}`"))?.natural(2, "the size of a blob");
    found.map(size).transpose()
}

async fn parts(tx: &mut Tx<'_>, manifest: &Digest) -> Result<Vec<Part>, Failed> {
    let select = "SELECT manifest, position, kind, digest, size, media_type, seal FROM parts \
                  WHERE manifest = $1 ORDER BY position";
    let rows = tx.rows(select, &[V::T(manifest.as_str())]).await?;
    (0..).zip(rows).map(|(position, row)| part(manifest, position, row)).collect()
}

async fn tagged(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    tag: &TagName,
) -> Result<Option<(Digest, String, u64)>, Failed> {
    let select = "SELECT repository, tag, digest, seal FROM tags WHERE repository = $1 AND tag = $2";
    let Some(row) = tx.row(select, &[V::T(repository.as_str()), V::T(tag.as_str())]).await? else { return Ok(None) };
    let row = row.unsealed(|| format!("the tag `{tag}` of `{repository}`"))?;
    let digest: Digest = row.parsed(2, "what a tag points to")?;
    // A tag goes with its manifest, so a tag without one is damage.
    let lost = || Failed::Damaged(format!("the manifest that the tag `{tag}` of `{repository}` points to"));
    let (media_type, size) = manifest(tx, repository, digest.as_str()).await?.ok_or_else(lost)?;
    Ok(Some((digest, media_type, size)))
}

async fn tags(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    after: Option<&str>,
    limit: usize,
) -> Result<Option<Vec<TagName>>, Failed> {
    let known = "SELECT 1 WHERE EXISTS(SELECT 1 FROM manifests WHERE repository = $1) \
                 OR EXISTS(SELECT 1 FROM repository_blobs WHERE repository = $1)";
    if tx.row(known, &[V::T(repository.as_str())]).await?.is_none() {
        return Ok(None);
    }
    let select =
        "SELECT repository, tag, digest, seal FROM tags WHERE repository = $1 AND tag > $2 ORDER BY tag LIMIT $3";
    let values = [V::T(repository.as_str()), V::T(after.unwrap_or_default()), (limit as u64).into()];
    let tag = |row: Row| row.unsealed(|| format!("a tag of `{repository}`"))?.parsed(1, "a tag");
    tx.rows(select, &values).await?.into_iter().map(tag).collect::<Result<_, _>>().map(Some)
}

async fn referrers(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<Referrer>, Failed> {
    let select = "SELECT repository, digest, media_type, size, subject, artifact_type, annotations, seal FROM manifests \
                  WHERE repository = $1 AND subject = $2 AND digest > $3 AND ($4 = '' OR artifact_type = $4) \
                  ORDER BY digest LIMIT $5";
    let values = [
        V::T(repository.as_str()),
        V::T(subject.as_str()),
        V::T(after.map(Digest::as_str).unwrap_or_default()),
        V::T(artifact_type.unwrap_or_default()),
        (limit as u64).into(),
    ];
    tx.rows(select, &values).await?.into_iter().map(|row| referrer(subject, row)).collect()
}

fn referrer(subject: &Digest, row: Row) -> Result<Referrer, Failed> {
    let row = row.unsealed(|| format!("a referrer of `{subject}`"))?;
    let annotations = serde_json::from_str(row.text(6, "annotations")?);
    Ok(Referrer {
        digest: row.parsed(1, "the digest of a referrer")?,
        media_type: row.text(2, "a media type")?.to_owned(),
        size: row.natural(3, "the size of a manifest")?,
        artifact_type: row.optional_text(5, "an artifact type")?.map(ToOwned::to_owned),
        annotations: annotations.map_err(|error| Failed::Damaged(format!("annotations ({error})")))?,
    })
}

/// Jumps from one repository to the next, whatever number of manifests each of them has.
async fn repositories(tx: &mut Tx<'_>, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Failed> {
    let select = "WITH RECURSIVE found(name) AS ( \
                    SELECT (SELECT MIN(repository) FROM manifests WHERE repository > $1) \
                    UNION ALL SELECT (SELECT MIN(repository) FROM manifests WHERE repository > found.name) \
                    FROM found WHERE found.name IS NOT NULL) \
                  SELECT name FROM found WHERE name IS NOT NULL LIMIT $2";
    let rows = tx.rows(select, &[V::T(after.unwrap_or_default()), (limit as u64).into()]).await?;
    rows.iter().map(|row| row.parsed(0, "a repository")).collect()
}

fn part(manifest: &Digest, position: u64, row: Row) -> Result<Part, Failed> {
    let damaged = || format!("what is known of the parts of `{manifest}`");
    let row = row.unsealed(damaged)?;
    if row.natural(1, "the position of a part")? != position {
        return Err(Failed::Damaged(damaged()));
    }
    Ok(Part {
        kind: change::kind(row.integer(2, "the kind of a part")?)?,
        digest: row.parsed(3, "the digest of a part")?,
        size: row.natural(4, "the size of a part")?,
        media_type: row.text(5, "a media type")?.to_owned(),
    })
}
