//! What stands in the way of a manifest's going: facts of the registry's catalog, looked up as [`Artifact`](super::Artifact) is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::State;
use crate::{Digest, RepositoryName, TagName};

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
    /// What it is attached to, be that there or not: by its subject, or by any of its tags, whatever the others are.
    #[serde(default)]
    pub attached_to: BTreeSet<Digest>,
    /// Whether it is attached to more, or part of more, than was looked up.
    #[serde(default)]
    pub cut: bool,
    /// What it names.
    pub parts: BTreeSet<Digest>,
}

/// How many manifests are looked at on the way up from one that is to be deleted. Where there are more, it stays.
pub(crate) const ABOVE_MAX: usize = 1000;

/// A manifest with all that consists of it or that it is attached to, by however many steps.
pub(crate) struct Above {
    /// Those that were found, the nearest first, with the manifest itself.
    pub nodes: Vec<Digest>,
    /// Whether there are more.
    pub cut: bool,
}

impl State {
    /// The way up from a manifest, as far as it is loaded.
    pub(crate) fn above(&self, repository: &RepositoryName, digest: &Digest) -> Above {
        let mut above = Above { nodes: vec![digest.clone()], cut: false };
        let mut seen = BTreeSet::from([digest.clone()]);
        let mut at = 0;
        while let Some(node) = above.nodes.get(at).cloned() {
            at += 1;
            let Some(placed) = self.placed(repository, &node) else { continue };
            above.cut |= placed.cut;
            let more = placed.containers.iter().chain(&placed.attached_to).filter(|more| seen.insert((*more).clone()));
            above.nodes.extend(more.cloned());
            if above.nodes.len() >= ABOVE_MAX {
                above.cut = true;
                return above;
            }
        }
        above
    }
}
