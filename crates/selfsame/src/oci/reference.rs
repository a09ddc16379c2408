//! How an artifact is named: `shop/web:prod` or `shop/web@sha256:...`.

use std::{fmt, str::FromStr};

use domain::{Digest, RepositoryName, TagName};

/// A tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A label, which may point elsewhere tomorrow.
    Tag(TagName),
    /// The identity.
    Digest(Digest),
}

/// A repository, and what is meant there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactName {
    /// Where.
    pub repository: RepositoryName,
    /// What.
    pub reference: Reference,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

impl FromStr for ArtifactName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (repository, reference) = if let Some((repository, digest)) = text.split_once('@') {
            (
                repository,
                Reference::Digest(digest.parse().map_err(|invalid: domain::InvalidDigest| invalid.to_string())?),
            )
        } else if let Some((repository, tag)) = text.split_once(':') {
            (repository, Reference::Tag(tag.parse().map_err(|invalid: domain::InvalidName| invalid.to_string())?))
        } else {
            return Err("write `PROJECT/COMPONENT:TAG` or `PROJECT/COMPONENT@DIGEST`".into());
        };
        let repository = repository.parse().map_err(|invalid: domain::InvalidName| invalid.to_string())?;
        Ok(Self { repository, reference })
    }
}
