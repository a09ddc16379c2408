//! [`Object`]: a manifest of a repository, as retention sees it.

use crate::{About, Digest, RepositoryName, TagName, Timestamp};

/// A manifest of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The repository.
    pub repository: RepositoryName,
    /// The digest.
    pub digest: Digest,
    /// How many bytes it has itself.
    pub size: u64,
    /// The manifest that it says it is about.
    pub subject: Option<Digest>,
    /// Its tags, in order.
    pub tags: Vec<TagName>,
    /// The manifests that it consists of.
    pub children: Vec<Digest>,
    /// The configurations and layers that it names, with their sizes.
    pub blobs: Vec<(Digest, u64)>,
    /// When it was last pushed, tagged or put into a release; `None` where that is not known.
    pub touched: Option<Timestamp>,
    /// The day on which it was last pulled, as far as that is known and a rule asks for it.
    pub pulled: Option<Timestamp>,
}

/// What a manifest with this subject and these tags is about: by its subject, and by what the names of its tags say ([`TagName::about`]). A tag of
/// another kind makes it an artifact of its own.
pub fn about(subject: Option<&Digest>, tags: &[TagName]) -> Vec<About> {
    let by_tag: Option<Vec<About>> = tags.iter().map(TagName::about).collect();
    subject.cloned().map(About::Digest).into_iter().chain(by_tag.unwrap_or_default()).collect()
}
