//! [`Object`]: a manifest of a repository, as retention sees it.

use crate::{Digest, RepositoryName, TagName, Timestamp};

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
}

/// What a manifest is about: its subject, and what cosign's tags and the referrers' fallback tag say in their names
/// (`sha256-<digits>.sig`, `.att`, `.sbom`, or nothing behind the digits).
pub struct Subjects;

impl Subjects {
    /// What a manifest with this subject and these tags is about. A tag of another kind makes it an artifact of its own.
    pub fn of(subject: Option<&Digest>, tags: &[TagName]) -> Vec<Digest> {
        let by_tag: Option<Vec<Digest>> = tags.iter().map(Self::of_tag).collect();
        subject.cloned().into_iter().chain(by_tag.unwrap_or_default()).collect()
    }

    /// What the name of a tag says that its manifest is about.
    fn of_tag(tag: &TagName) -> Option<Digest> {
        let (algorithm, rest) = tag.as_str().split_once('-')?;
        let hex = rest.split('.').next()?;
        format!("{algorithm}:{hex}").parse().ok()
    }
}
