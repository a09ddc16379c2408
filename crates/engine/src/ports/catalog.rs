//! [`Catalog`]: what the registry knows about manifests, tags and which repository has which blob.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::{Digest, ProjectName, RepositoryName, Span, TagName, Timestamp};

use super::Trouble;

/// For how long it is known when something was last pulled.
pub const PULLS_KNOWN: Span = Span::from_days(400);

/// What a manifest's own bytes say, and where it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// The repository.
    pub repository: RepositoryName,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its media type, as pushed.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The manifest that it is about.
    pub subject: Option<Digest>,
    /// Its artifact type: its own, else its configuration's media type, none for an index without one.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it names.
    pub parts: Vec<Part>,
}

/// Something that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As what it names it.
    pub kind: PartKind,
    /// The digest.
    pub digest: Digest,
    /// The size that the descriptor gives, in bytes.
    pub size: u64,
    /// The media type that the descriptor gives.
    pub media_type: String,
}

/// As what a manifest names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// A manifest of an index.
    Child,
    /// The configuration of an image.
    Config,
    /// A layer, or any blob.
    Layer,
}

/// A row of a referrers list, as the OCI distribution specification wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The referring manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A manifest with all that it consists of, in one repository, as far as it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The manifest itself, its children, their children, and all their configurations and layers.
    pub parts: BTreeSet<Digest>,
    /// Something of it that the repository does not have; `None` if it is whole.
    pub missing: Option<Digest>,
    /// Whether it has more parts than were asked for; then `missing` says nothing about the rest.
    pub cut: bool,
}

/// A blob that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its size in bytes.
    pub size: u64,
    /// When the repository was given it, or somebody last counted on it.
    pub at: Timestamp,
}

/// What became of a blob that a repository should no longer have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// The repository has it no longer.
    Gone,
    /// The repository did not have it.
    NotThere,
    /// This manifest of the repository names it, so it stays.
    Named(Digest),
}

/// A change of the catalog that follows from a ledger entry, committed together with it.
#[derive(Clone, Debug)]
pub enum CatalogChange {
    /// A manifest was pushed.
    Put {
        /// What it says.
        manifest: Box<ManifestRecord>,
        /// The tags that point to it from now on.
        tags: Vec<TagName>,
    },
    /// A manifest was deleted, with its tags.
    Delete {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// A tag was deleted.
    Untag {
        /// Where.
        repository: RepositoryName,
        /// Which.
        tag: TagName,
    },
}

/// The registry's catalog. Manifests and tags change only with ledger entries ([`super::Batch::catalog`]); which repository has which
/// blob is not in the ledger until a manifest names it, so it is written here directly.
///
/// Reads see every change that returned before they began: a deleted manifest is gone at once.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// The media type and size of a manifest.
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, u64)>, Trouble>;

    /// What a tag points to, with the manifest's media type and size.
    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<(Digest, String, u64)>, Trouble>;

    /// The tags in lexical order after `after`, at most `limit`; `None` if the repository has never had a manifest or blob.
    async fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<TagName>>, Trouble>;

    /// The manifests about `subject`, in the order of their digests after `after`, at most `limit`.
    async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Referrer>, Trouble>;

    /// Repositories in lexical order after `after`, at most `limit`.
    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<RepositoryName>, Trouble>;

    /// The size of a blob that the repository has.
    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<u64>, Trouble>;

    /// Repositories that have the blob, for a mount that names none, at most 100; the caller checks which of them it may read.
    async fn blob_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble>;

    /// The repository has the blob from now on. Durable. `at` is when, for retention.
    async fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        at: Timestamp,
    ) -> Result<(), Trouble>;

    /// The repository has the blob no longer, unless one of its manifests names it: looked up and done as one.
    async fn unlink_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Unlinked, Trouble>;

    /// Manifests of the repository that name `digest` as a part, in their order after `after`, each once; at most `limit`, and none only
    /// once there are no more.
    async fn containers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble>;

    /// What a manifest of the repository is about.
    async fn subject(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Digest>, Trouble>;

    /// The tags that point to a manifest of the repository, in lexical order from `from` on, at most `limit`.
    async fn tags_of(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: &str,
        limit: usize,
    ) -> Result<Vec<TagName>, Trouble>;

    /// Manifests of the repository whose digests begin with `beginning`, in their order, at most `limit`.
    async fn manifests_like(
        &self,
        repository: &RepositoryName,
        beginning: &str,
        limit: usize,
    ) -> Result<Vec<Digest>, Trouble>;

    /// Repositories that have the manifest, at most 100.
    async fn manifest_anywhere(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Trouble>;

    /// The manifest with all that it consists of, down to the layers; no more is looked up once there are `limit` parts.
    async fn closure(&self, repository: &RepositoryName, digest: &Digest, limit: usize) -> Result<Closure, Trouble>;

    /// The manifests of a project's repositories with their tags, in the order of repositories and digests after `after`, at most `limit`.
    async fn manifests(
        &self,
        project: &ProjectName,
        after: Option<&(RepositoryName, Digest)>,
        limit: usize,
    ) -> Result<Vec<(ManifestRecord, Vec<TagName>)>, Trouble>;

    /// The tags of a manifest of the repository, in order.
    async fn all_tags_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<TagName>, Trouble>;

    /// The blob as the repository has it.
    async fn link(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Link>, Trouble>;

    /// Looks at blobs of a project's repositories, in the order of repositories and digests after `after`, at most `limit`: those that no
    /// manifest of their repository names and that nobody has counted on since `before` are in the repository no longer, unless they are
    /// among `spare`. Each is looked up and done as one. Answers with the last that was looked at; `None` once there are no more.
    async fn unlink_unnamed(
        &self,
        project: &ProjectName,
        after: Option<(RepositoryName, Digest)>,
        before: Timestamp,
        spare: BTreeSet<Digest>,
        limit: usize,
    ) -> Result<Option<(RepositoryName, Digest)>, Trouble>;

    /// These manifests were pulled on the day that begins at `day`: a later day that is known of one stays. What was last pulled
    /// [`PULLS_KNOWN`] before is forgotten.
    async fn note_pulls(&self, pulled: &[(RepositoryName, Digest)], day: Timestamp) -> Result<(), Trouble>;

    /// The day on which the manifest was last pulled, as far as that is known.
    async fn pulled(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<Timestamp>, Trouble>;

    /// The first day of which any pull is known: of what was not pulled since, nothing more can be said.
    async fn pulls_since(&self) -> Result<Option<Timestamp>, Trouble>;

    /// Whether any repository has `digest`, as a manifest or as a blob.
    async fn is_anywhere(&self, digest: &Digest) -> Result<bool, Trouble>;

    /// The parts of a manifest of the repository, in the order in which it names them.
    async fn parts(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Part>, Trouble>;
}
