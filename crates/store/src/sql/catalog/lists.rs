//! Lists: tags, referrers, repositories.

use domain::{Digest, RepositoryName, TagName};
use engine::ports::Referrer;

use super::{ANYWHERE_MAX, MANIFESTS};
use crate::sql::{
    Failed,
    tx::{Row, Tx, V},
};

pub(super) async fn tags(
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

pub(super) async fn referrers(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<Referrer>, Failed> {
    let select = format!(
        "{MANIFESTS} WHERE repository = $1 AND subject = $2 AND digest > $3 AND ($4 = '' OR artifact_type = $4) \
         ORDER BY digest LIMIT $5"
    );
    let values = [
        V::T(repository.as_str()),
        V::T(subject.as_str()),
        V::T(after.map(Digest::as_str).unwrap_or_default()),
        V::T(artifact_type.unwrap_or_default()),
        (limit as u64).into(),
    ];
    tx.rows(&select, &values).await?.into_iter().map(|row| referrer(subject, row)).collect()
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

/// Jumps from one repository to the next, whatever number of manifests each of them has, and all of it in one query: the first manifest of each, so
/// that its seal can be looked at.
pub(super) async fn repositories(
    tx: &mut Tx<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<RepositoryName>, Failed> {
    let select = format!(
        "WITH RECURSIVE names(name, more) AS ( \
           SELECT MIN(repository), CAST($2 AS BIGINT) - 1 FROM manifests WHERE repository > $1 \
           UNION ALL \
           SELECT (SELECT MIN(repository) FROM manifests WHERE repository > name), more - 1 FROM names \
           WHERE more > 0 AND name IS NOT NULL) \
         {MANIFESTS} WHERE (repository, digest) IN ( \
           SELECT name, (SELECT MIN(digest) FROM manifests WHERE repository = name) FROM names) \
         ORDER BY repository LIMIT $2"
    );
    let values = [V::T(after.unwrap_or_default()), (limit as u64).into()];
    let name = |row: Row| row.unsealed(|| "a manifest of the repositories".into())?.parsed(0, "a repository");
    tx.rows(&select, &values).await?.into_iter().map(name).collect()
}

pub(super) async fn tags_of(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    from: &str,
    limit: usize,
) -> Result<Vec<TagName>, Failed> {
    let select = "SELECT repository, tag, digest, seal FROM tags WHERE repository = $1 AND digest = $2 AND tag >= $3 \
                  ORDER BY tag LIMIT $4";
    let values = [V::T(repository.as_str()), V::T(digest.as_str()), V::T(from), (limit as u64).into()];
    let tag = |row: Row| row.unsealed(|| format!("a tag of `{digest}`"))?.parsed(1, "a tag");
    tx.rows(select, &values).await?.into_iter().map(tag).collect()
}

pub(super) async fn manifests_like(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    beginning: &str,
    limit: usize,
) -> Result<Vec<Digest>, Failed> {
    let select = format!("{MANIFESTS} WHERE repository = $1 AND digest >= $2 AND digest < $3 ORDER BY digest LIMIT $4");
    // No digit comes after `f`, so `g` ends all that begins so.
    let end = format!("{beginning}g");
    let values = [V::T(repository.as_str()), V::T(beginning), V::T(&end), (limit as u64).into()];
    let digest = |row: Row| row.unsealed(|| format!("a manifest `{beginning}`"))?.parsed(1, "a digest");
    tx.rows(&select, &values).await?.into_iter().map(digest).collect()
}

pub(super) async fn manifest_anywhere(tx: &mut Tx<'_>, digest: &Digest) -> Result<Vec<RepositoryName>, Failed> {
    let select = format!("{MANIFESTS} WHERE digest = $1 ORDER BY repository LIMIT $2");
    let rows = tx.rows(&select, &[V::T(digest.as_str()), ANYWHERE_MAX.into()]).await?;
    let place = |row: Row| row.unsealed(|| format!("a place of `{digest}`"))?.parsed(0, "a repository");
    rows.into_iter().map(place).collect()
}
