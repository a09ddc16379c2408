//! What is attached to a manifest, however that was said: by the manifest's own `subject`, by the index that a client keeps under the
//! subject's tag, or by one of cosign's tags. And the other way: what a manifest is about.

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, Digest, RepositoryName, TagName};

use crate::ports::{Catalog, PartKind, Trouble};

/// How many tags of one manifest are looked at.
const TAGS_MAX: usize = 100;
/// Tags that say what their manifest is about begin so, or later.
const TAGS_FROM: &str = "sha256-";

/// What a manifest of a repository is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// The manifests, whether they are there or not.
    pub digests: BTreeSet<Digest>,
    /// Whether it has more tags than are looked at.
    pub cut: bool,
}

/// Something that is attached to a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The media type of its manifest.
    pub media_type: String,
    /// The size of its manifest in bytes.
    pub size: u64,
    /// Its artifact type, where it names its subject.
    pub artifact_type: Option<String>,
    /// Whether it names its subject itself.
    pub refers: bool,
    /// The tags that say that it belongs there, its own or that of an index which names it.
    pub tags: Vec<TagName>,
}

/// What `digest` is about, by its `subject` and by its tags.
pub async fn subjects(
    catalog: &dyn Catalog,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Subjects, Trouble> {
    let mut subjects = Subjects::default();
    subjects.digests.extend(catalog.subject(repository, digest).await?);
    let tags = catalog.tags_of(repository, digest, TAGS_FROM, TAGS_MAX).await?;
    subjects.cut = tags.len() == TAGS_MAX;
    for tag in tags {
        subjects.digests.extend(subject_of(catalog, repository, &tag).await?);
    }
    Ok(subjects)
}

/// What a tag says that its manifest is about. Of a digest of which it has only the beginning, the manifest has to be there.
pub async fn subject_of(
    catalog: &dyn Catalog,
    repository: &RepositoryName,
    tag: &TagName,
) -> Result<Option<Digest>, Trouble> {
    match tag.about() {
        None => Ok(None),
        Some(about) => resolve(catalog, repository, about).await,
    }
}

/// The manifest that something is about.
pub(crate) async fn resolve(
    catalog: &dyn Catalog,
    repository: &RepositoryName,
    about: About,
) -> Result<Option<Digest>, Trouble> {
    match about {
        About::Digest(digest) => Ok(Some(digest)),
        About::Beginning(beginning) => Ok(catalog.manifests_like(repository, &beginning, 1).await?.pop()),
    }
}

/// What is attached to `subject`, each once, and at most `limit` by each way of saying so; and whether there is more.
pub async fn attached(
    catalog: &dyn Catalog,
    repository: &RepositoryName,
    subject: &Digest,
    limit: usize,
) -> Result<(BTreeMap<Digest, Attached>, bool), Trouble> {
    let mut found = BTreeMap::new();
    let referrers = catalog.referrers(repository, subject, None, None, limit + 1).await?;
    let mut more = referrers.len() > limit;
    for referrer in referrers.into_iter().take(limit) {
        let (media_type, size, artifact_type) = (referrer.media_type, referrer.size, referrer.artifact_type);
        let one = Attached { media_type, size, artifact_type, refers: true, tags: Vec::new() };
        found.insert(referrer.digest, one);
    }
    for tag in subject.tags_about() {
        let Some((digest, ..)) = catalog.tag(repository, &tag).await? else { continue };
        let children = catalog.parts(repository, &digest).await?;
        let children = children.into_iter().filter(|part| part.kind == PartKind::Child).map(|part| part.digest);
        // An index under the subject's own tag is a list of what is attached, and nothing beside.
        let is_list = !tag.as_str().contains('.');
        let mut named: Vec<Digest> = if is_list { children.collect() } else { vec![digest] };
        more |= named.len() > limit;
        named.truncate(limit);
        for digest in named {
            add(&mut found, catalog, repository, digest, &tag).await?;
        }
    }
    Ok((found, more))
}

async fn add(
    found: &mut BTreeMap<Digest, Attached>,
    catalog: &dyn Catalog,
    repository: &RepositoryName,
    digest: Digest,
    tag: &TagName,
) -> Result<(), Trouble> {
    if let Some(one) = found.get_mut(&digest) {
        one.tags.push(tag.clone());
        return Ok(());
    }
    // The index may name what was deleted since.
    if let Some((media_type, size)) = catalog.manifest(repository, &digest).await? {
        let one = Attached { media_type, size, artifact_type: None, refers: false, tags: vec![tag.clone()] };
        found.insert(digest, one);
    }
    Ok(())
}
