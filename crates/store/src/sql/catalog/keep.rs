//! What retention asks of the catalog.

use std::collections::BTreeSet;

use domain::{Digest, ProjectName, RepositoryName, TagName, Timestamp};
use engine::ports::{Link, ManifestRecord, PULLS_KNOWN};

use super::{MANIFESTS, change, parts};
use crate::sql::{
    Failed,
    insert::Insert,
    seal::push_sealed,
    tx::{Row, Tx, V},
};

const LINKS: &str = "SELECT repository, digest, size, at, seal FROM repository_blobs";

/// Below which names the repositories of a project lie: its own, and those behind a slash, the sign after which is `0`.
fn below(project: &ProjectName) -> [String; 2] {
    [format!("{project}/"), format!("{project}0")]
}

/// Rows of `select` that belong to a project, in the order of repository and digest after `after`.
async fn page(
    tx: &mut Tx<'_>,
    select: &str,
    project: &ProjectName,
    after: Option<&(RepositoryName, Digest)>,
    limit: usize,
) -> Result<Vec<Row>, Failed> {
    let [from, to] = below(project);
    let (repository, digest) = after.map_or(("", ""), |(repository, digest)| (repository.as_str(), digest.as_str()));
    let mut found = Vec::new();
    if repository <= project.as_str() {
        let own = format!("{select} WHERE repository = $1 AND digest > $2 ORDER BY digest LIMIT $3");
        let digest = if repository == project.as_str() { digest } else { "" };
        found = tx.rows(&own, &[V::T(project.as_str()), V::T(digest), (limit as u64).into()]).await?;
    }
    let left = limit - found.len();
    if left > 0 {
        let behind = format!(
            "{select} WHERE (repository, digest) > ($1, $2) AND repository > $3 AND repository < $4 \
             ORDER BY repository, digest LIMIT $5"
        );
        let values = [V::T(repository), V::T(digest), V::T(&from), V::T(&to), (left as u64).into()];
        found.extend(tx.rows(&behind, &values).await?);
    }
    Ok(found)
}

pub(super) async fn manifests(
    tx: &mut Tx<'_>,
    project: &ProjectName,
    after: Option<&(RepositoryName, Digest)>,
    limit: usize,
) -> Result<Vec<(ManifestRecord, Vec<TagName>)>, Failed> {
    let mut found = Vec::new();
    for row in page(tx, MANIFESTS, project, after, limit).await? {
        let row = row.unsealed(|| format!("a manifest of project `{project}`"))?;
        let repository: RepositoryName = row.parsed(0, "a repository")?;
        let digest: Digest = row.parsed(1, "the digest of a manifest")?;
        let annotations = serde_json::from_str(row.text(6, "annotations")?);
        let tags = tags_of(tx, &repository, &digest).await?;
        let record = ManifestRecord {
            media_type: row.text(2, "a media type")?.to_owned(),
            size: row.natural(3, "the size of a manifest")?,
            subject: row.optional_text(4, "a subject")?.map(|_| row.parsed(4, "a subject")).transpose()?,
            artifact_type: row.optional_text(5, "an artifact type")?.map(ToOwned::to_owned),
            annotations: annotations.map_err(|error| Failed::Damaged(format!("annotations ({error})")))?,
            parts: parts(tx, &repository, &digest).await?,
            repository,
            digest,
        };
        found.push((record, tags));
    }
    Ok(found)
}

pub(super) async fn tags_of(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Vec<TagName>, Failed> {
    let select = "SELECT repository, tag, digest, seal FROM tags WHERE repository = $1 AND digest = $2 ORDER BY tag";
    let rows = tx.rows(select, &[V::T(repository.as_str()), V::T(digest.as_str())]).await?;
    rows.into_iter().map(|row| row.unsealed(|| format!("a tag of `{digest}`"))?.parsed(1, "a tag")).collect()
}

pub(super) async fn link(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Link>, Failed> {
    let select = format!("{LINKS} WHERE repository = $1 AND digest = $2");
    let values = [V::T(repository.as_str()), V::T(digest.as_str())];
    let what = || format!("what `{repository}` has of `{digest}`");
    let Some(row) = tx.row(&select, &values).await? else {
        let again = "SELECT digest FROM repository_blobs WHERE repository || '' = $1 AND digest = $2";
        return tx.expect_none(again, &values, what).await.map(|()| None);
    };
    let row = row.unsealed(what)?;
    Ok(Some(Link { size: row.natural(2, "the size of a blob")?, at: row.time(3, "the time of a blob")? }))
}

pub(super) async fn unlink_unnamed(
    tx: &mut Tx<'_>,
    project: &ProjectName,
    after: Option<&(RepositoryName, Digest)>,
    (before, spare): (Timestamp, &BTreeSet<Digest>),
    limit: usize,
) -> Result<Option<(RepositoryName, Digest)>, Failed> {
    let mut last = None;
    for row in page(tx, LINKS, project, after, limit).await? {
        let row = row.unsealed(|| format!("a blob of project `{project}`"))?;
        let place: (RepositoryName, Digest) = (row.parsed(0, "a repository")?, row.parsed(1, "a digest")?);
        if row.time(3, "the time of a blob")? < before && !spare.contains(&place.1) {
            change::unlink(tx, &place.0, &place.1).await?;
        }
        last = Some(place);
    }
    Ok(last)
}

pub(super) async fn is_anywhere(tx: &mut Tx<'_>, digest: &Digest) -> Result<bool, Failed> {
    for select in [
        "SELECT 1 FROM repository_blobs WHERE digest = $1 LIMIT 1",
        "SELECT 1 FROM manifests WHERE digest = $1 LIMIT 1",
    ] {
        if tx.row(select, &[V::T(digest.as_str())]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

const PULLS: &str = "SELECT repository, digest, day, seal FROM pulls";
static NOTES: Insert = Insert::new(
    "pulls(repository, digest, day, seal)",
    4,
    "ON CONFLICT(repository, digest) DO UPDATE SET day = excluded.day, seal = excluded.seal WHERE pulls.day < excluded.day",
);

pub(super) async fn note_pulls(
    tx: &mut Tx<'_>,
    pulled: &[(RepositoryName, Digest)],
    day: Timestamp,
) -> Result<(), Failed> {
    // In their order, so that two that write the same do not wait for each other.
    let pulled: BTreeSet<_> = pulled.iter().collect();
    let mut values = Vec::with_capacity(pulled.len() * NOTES.columns());
    for (repository, digest) in pulled {
        push_sealed(&mut values, &[V::T(repository.as_str()), V::T(digest.as_str()), day.into()]);
    }
    NOTES.run(tx, &values).await?;
    let known = i64::try_from(PULLS_KNOWN.as_millis()).unwrap_or(i64::MAX);
    tx.run("DELETE FROM pulls WHERE day < $1", &[V::I(day.as_millis().saturating_sub(known))]).await
}

pub(super) async fn pulled(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Timestamp>, Failed> {
    let select = format!("{PULLS} WHERE repository = $1 AND digest = $2");
    let row = tx.row(&select, &[V::T(repository.as_str()), V::T(digest.as_str())]).await?;
    let what = || format!("the last pull of `{digest}`");
    row.map(|row| row.unsealed(what)?.time(2, "the day of a pull")).transpose()
}

pub(super) async fn pulls_since(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, Failed> {
    let row = tx.row(&format!("{PULLS} ORDER BY day LIMIT 1"), &[]).await?;
    row.map(|row| row.unsealed(|| "the first pull".to_owned())?.time(2, "the day of a pull")).transpose()
}
