//! The [`Catalog`] port.

use async_trait::async_trait;
use domain::{Digest, RepositoryName, TagName, Timestamp};
use engine::ports::{Catalog, CatalogChange, ManifestRecord, Part, PartKind, Referrer, Trouble};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Database, Failed, integer, natural, parsed};

#[async_trait]
impl Catalog for Database {
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, u64)>, Trouble> {
        self.read("a manifest", |connection| {
            let mut select = connection.prepare_cached("SELECT media_type, size FROM manifests WHERE repository = $1 AND digest = $2")?;
            let found = select.query_row([repository.as_str(), digest.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            found.map(|(media_type, size)| Ok((media_type, natural(size, "a size")?))).transpose()
        })
    }

    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<(Digest, String, u64)>, Trouble> {
        self.read("a tag", |connection| {
            let mut select = connection.prepare_cached(
                "SELECT m.digest, m.media_type, m.size FROM tags t \
                 JOIN manifests m ON m.repository = t.repository AND m.digest = t.digest WHERE t.repository = $1 AND t.tag = $2",
            )?;
            let columns = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
            let found = select.query_row([repository.as_str(), tag.as_str()], columns).optional()?;
            found.map(|(digest, kind, size)| Ok((parsed(&digest, "a digest")?, kind, natural(size, "a size")?))).transpose()
        })
    }

    async fn tags(&self, repository: &RepositoryName, after: Option<&str>, limit: usize) -> Result<Option<Vec<TagName>>, Trouble> {
        self.read("tags", |connection| {
            let known = "SELECT EXISTS(SELECT 1 FROM manifests WHERE repository = $1) OR \
                         EXISTS(SELECT 1 FROM repository_blobs WHERE repository = $1)";
            if !connection.prepare_cached(known)?.query_row([repository.as_str()], |row| row.get::<_, bool>(0))? {
                return Ok(None);
            }
            let select = "SELECT tag FROM tags WHERE repository = $1 AND tag > $2 ORDER BY tag LIMIT $3";
            let mut select = connection.prepare_cached(select)?;
            let bound = params![repository.as_str(), after.unwrap_or_default(), integer(limit as u64)];
            let rows = select.query_map(bound, |row| row.get::<_, String>(0))?;
            rows.map(|tag| parsed(&tag?, "a tag")).collect::<Result<_, _>>().map(Some)
        })
    }

    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>, Trouble> {
        self.read("referrers", |connection| {
            let select = "SELECT digest, media_type, size, artifact_type, annotations FROM manifests \
                          WHERE repository = $1 AND subject = $2 AND digest > $3 AND ($4 = '' OR artifact_type = $4) \
                          ORDER BY digest LIMIT $5";
            let mut select = connection.prepare_cached(select)?;
            let after = after.map(Digest::as_str).unwrap_or_default();
            let bound = params![repository.as_str(), subject.as_str(), after, artifact_type.unwrap_or_default(), integer(limit as u64)];
            let mut rows = select.query(bound)?;
            let mut referrers = Vec::new();
            while let Some(row) = rows.next()? {
                let annotations: String = row.get(4)?;
                referrers.push(Referrer {
                    digest: parsed(&row.get::<_, String>(0)?, "a digest")?,
                    media_type: row.get(1)?,
                    size: natural(row.get(2)?, "a size")?,
                    artifact_type: row.get(3)?,
                    annotations: serde_json::from_str(&annotations).map_err(|error| Failed::Damaged(format!("annotations ({error})")))?,
                });
            }
            Ok(referrers)
        })
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Trouble> {
        self.read("repositories", |connection| {
            let select = "SELECT DISTINCT repository FROM manifests WHERE repository > $1 ORDER BY repository LIMIT $2";
            let mut select = connection.prepare_cached(select)?;
            let rows = select.query_map(params![after.unwrap_or_default(), integer(limit as u64)], |row| row.get::<_, String>(0))?;
            rows.map(|name| parsed(&name?, "a repository")).collect()
        })
    }

    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Trouble> {
        self.read("a blob's size", |connection| {
            let mut select = connection.prepare_cached("SELECT size FROM repository_blobs WHERE repository = $1 AND digest = $2")?;
            let found = select.query_row([repository.as_str(), digest.as_str()], |row| row.get(0)).optional()?;
            found.map(|size| natural(size, "a size")).transpose()
        })
    }

    async fn blob_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble> {
        self.read("a blob's repositories", |connection| {
            let select = "SELECT repository FROM repository_blobs WHERE digest = $1 ORDER BY repository LIMIT 100";
            let mut select = connection.prepare_cached(select)?;
            let rows = select.query_map([digest.as_str()], |row| row.get::<_, String>(0))?;
            rows.map(|name| parsed(&name?, "a repository")).collect()
        })
    }

    async fn link_blob(&self, repository: &RepositoryName, digest: &Digest, size: u64, at: Timestamp) -> Result<(), Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        let linked = self.write("a blob's repository", move |connection| {
            let insert = "INSERT INTO repository_blobs(repository, digest, size, at) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT(repository, digest) DO UPDATE SET at = excluded.at";
            connection.prepare_cached(insert)?.execute(params![repository.as_str(), digest.as_str(), integer(size), at.as_millis()])?;
            Ok(())
        });
        linked.await.map_err(|failed| self.trouble("a blob's repository", failed))
    }

    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<bool, Trouble> {
        let (repository, digest) = (repository.clone(), digest.clone());
        let unlinked = self.write("a blob's repository", move |connection| {
            let delete = "DELETE FROM repository_blobs WHERE repository = $1 AND digest = $2";
            Ok(connection.prepare_cached(delete)?.execute([repository.as_str(), digest.as_str()])? > 0)
        });
        unlinked.await.map_err(|failed| self.trouble("a blob's repository", failed))
    }

    async fn containers(&self, repository: &RepositoryName, digest: &Digest, limit: usize) -> Result<Vec<Digest>, Trouble> {
        self.read("containing manifests", |connection| {
            let select = "SELECT p.manifest FROM parts p JOIN manifests m ON m.digest = p.manifest AND m.repository = $1 \
                          WHERE p.digest = $2 \
                          UNION SELECT subject FROM manifests WHERE repository = $1 AND digest = $2 AND subject IS NOT NULL LIMIT $3";
            let mut select = connection.prepare_cached(select)?;
            let bound = params![repository.as_str(), digest.as_str(), integer(limit as u64)];
            let rows = select.query_map(bound, |row| row.get::<_, String>(0))?;
            rows.map(|digest| parsed(&digest?, "a digest")).collect()
        })
    }

    async fn parts(&self, digest: &Digest) -> Result<Vec<Part>, Trouble> {
        self.read("a manifest's parts", |connection| {
            let mut select = connection.prepare_cached("SELECT kind, digest, size, media_type FROM parts WHERE manifest = $1 ORDER BY position")?;
            let mut rows = select.query([digest.as_str()])?;
            let mut parts = Vec::new();
            while let Some(row) = rows.next()? {
                parts.push(Part {
                    kind: kind(row.get(0)?)?,
                    digest: parsed(&row.get::<_, String>(1)?, "a digest")?,
                    size: natural(row.get(2)?, "a size")?,
                    media_type: row.get(3)?,
                });
            }
            Ok(parts)
        })
    }
}

/// Changes the catalog as an entry says.
pub(super) fn change(connection: &Connection, change: &CatalogChange) -> Result<(), Failed> {
    match change {
        CatalogChange::Put { manifest, tags } => put(connection, manifest, tags),
        CatalogChange::Delete { repository, digest } => {
            let bound = [repository.as_str(), digest.as_str()];
            connection.prepare_cached("DELETE FROM tags WHERE repository = $1 AND digest = $2")?.execute(bound)?;
            connection.prepare_cached("DELETE FROM manifests WHERE repository = $1 AND digest = $2")?.execute(bound)?;
            Ok(())
        }
        CatalogChange::Untag { repository, tag } => {
            let delete = "DELETE FROM tags WHERE repository = $1 AND tag = $2";
            connection.prepare_cached(delete)?.execute([repository.as_str(), tag.as_str()])?;
            Ok(())
        }
    }
}

fn put(connection: &Connection, manifest: &ManifestRecord, tags: &[TagName]) -> Result<(), Failed> {
    let annotations = serde_json::to_string(&manifest.annotations).map_err(|error| Failed::Damaged(format!("annotations ({error})")))?;
    let insert = "INSERT INTO manifests(repository, digest, media_type, size, subject, artifact_type, annotations) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT(repository, digest) DO UPDATE SET media_type = excluded.media_type, \
                  artifact_type = excluded.artifact_type";
    connection.prepare_cached(insert)?.execute(params![
        manifest.repository.as_str(),
        manifest.digest.as_str(),
        manifest.media_type,
        integer(manifest.size),
        manifest.subject.as_ref().map(Digest::as_str),
        manifest.artifact_type,
        annotations,
    ])?;
    let insert = "INSERT INTO parts(manifest, position, kind, digest, size, media_type) VALUES ($1, $2, $3, $4, $5, $6) \
                  ON CONFLICT(manifest, position) DO NOTHING";
    let mut insert = connection.prepare_cached(insert)?;
    for (position, part) in (0_i64..).zip(&manifest.parts) {
        let bound = params![manifest.digest.as_str(), position, number(part.kind), part.digest.as_str(), integer(part.size), part.media_type];
        insert.execute(bound)?;
    }
    let set = "INSERT INTO tags(repository, tag, digest) VALUES ($1, $2, $3) ON CONFLICT(repository, tag) DO UPDATE SET digest = excluded.digest";
    let mut set = connection.prepare_cached(set)?;
    for tag in tags {
        set.execute([manifest.repository.as_str(), tag.as_str(), manifest.digest.as_str()])?;
    }
    Ok(())
}

fn number(kind: PartKind) -> i64 {
    match kind {
        PartKind::Child => 0,
        PartKind::Config => 1,
        PartKind::Layer => 2,
    }
}

fn kind(number: i64) -> Result<PartKind, Failed> {
    match number {
        0 => Ok(PartKind::Child),
        1 => Ok(PartKind::Config),
        2 => Ok(PartKind::Layer),
        _ => Err(Failed::Damaged("the kind of a part".into())),
    }
}
