//! [`ReleaseId`] and [`Contents`]: the set of digests that moves together.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ComponentName, Digest, InvalidDigest, canonical};

/// The identity of a release: the SHA-256 digest of the canonical form of its [`Contents`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(Digest);

/// What a release is: one digest for each component, and the configuration pinned beside them.
///
/// Two releases with the same contents are the same release. Nothing else (who, when, which commit) takes part in the identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The artifact of each component.
    pub components: BTreeMap<ComponentName, Digest>,
    /// The run-time configuration that belongs to them, if it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
}

/// Where the artifacts of a release come from. A claim of whoever created the release; provenance proves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The source repository, as an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The build, by its id or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

impl Contents {
    /// The id of the release with these contents.
    pub fn id(&self) -> ReleaseId {
        ReleaseId(Digest::sha256(&canonical::to_vec(self)))
    }

    /// Every digest that the release is made of.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.components.values().chain(&self.config)
    }
}

impl Source {
    /// The longest field, in bytes.
    pub fn longest(&self) -> usize {
        [&self.repository, &self.commit, &self.build].into_iter().flatten().map(String::len).max().unwrap_or(0)
    }
}

impl ReleaseId {
    /// The id as a digest, for example to record evidence about the release as a whole.
    pub fn digest(&self) -> &Digest {
        &self.0
    }

    /// The first twelve digits, for people's eyes only.
    pub fn short(&self) -> &str {
        self.0.short()
    }
}

impl FromStr for ReleaseId {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
