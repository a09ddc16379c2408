//! [`Upstream`]: other registries, of which some repositories here are mirrors.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Digest, RepositoryName, Span, TagName};

use super::{ByteStream, Trouble};

/// How a repository is a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorRule {
    /// What it is a mirror of, as people write it.
    pub of: String,
    /// How old what is known of a tag may be before the upstream is asked again.
    pub tag_age: Span,
}

/// What an upstream has about a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamEvidence {
    /// Manifests that are about it.
    pub referrers: Vec<Digest>,
    /// Tags that are evidence about it, with what they point to.
    pub tags: Vec<(TagName, Digest)>,
}

/// Other registries, by the names of the repositories here that mirror them. Nothing is there (`None`) only where the upstream says so; where it
/// cannot be asked, that is trouble. Whoever asks checks digests: manifests come checked, and the end of a blob's bytes comes only if all
/// of them are right.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// How the repository is a mirror; `None` if it is none.
    fn rule(&self, repository: &RepositoryName) -> Option<MirrorRule>;

    /// What a tag points to.
    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<Digest>, Trouble>;

    /// A manifest: its media type and its bytes.
    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, Bytes)>, Trouble>;

    /// A blob.
    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<ByteStream>, Trouble>;

    /// What there is about a manifest.
    async fn evidence(&self, repository: &RepositoryName, digest: &Digest) -> Result<UpstreamEvidence, Trouble>;
}
