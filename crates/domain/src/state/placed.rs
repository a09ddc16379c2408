//! What stands in the way of a manifest's going: facts of the registry's catalog, looked up as [`Artifact`](super::Artifact) is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Digest, TagName};

/// A manifest in its repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// Whether it is there.
    pub there: bool,
    /// Its tags, in order.
    pub tags: Vec<TagName>,
    /// Manifests there that consist of it; some of them, where there are many.
    pub containers: BTreeSet<Digest>,
    /// What it is about, as far as that is there.
    pub about: BTreeSet<Digest>,
    /// What it names.
    pub parts: BTreeSet<Digest>,
}
