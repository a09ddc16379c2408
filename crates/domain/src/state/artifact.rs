//! What an artifact consists of: a fact about bytes, looked up in the registry's catalog. It is loaded as rows are, and never is one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Hold, Key, Release, State};
use crate::{ComponentName, Digest, ProjectName, ReleaseId};

/// How many parts an artifact may have to be part of a release.
pub const PARTS_MAX: usize = 2000;

/// An artifact with all that it consists of, as far as its repository has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The artifact itself, its children, their children, and all their configurations and layers.
    pub parts: BTreeSet<Digest>,
    /// Something of it that its repository does not have; `None` if it is whole.
    pub missing: Option<Digest>,
    /// Whether it has more than [`PARTS_MAX`] parts, so that the others say nothing about the rest.
    pub cut: bool,
}

impl State {
    /// What `digest` consists of, as a component of `project`, if that is loaded.
    pub fn artifact(&self, project: &ProjectName, component: &ComponentName, digest: &Digest) -> Option<&Artifact> {
        let repository = self.project(project)?.config.repository(component)?;
        self.artifacts.get(&(repository, digest.clone())).map(|artifact| &**artifact)
    }

    /// What is held of a release in `project`: the release, what it names, or what an artifact that it names consists of.
    pub fn held_in<'a>(
        &'a self,
        project: &ProjectName,
        id: &'a ReleaseId,
        release: &'a Release,
    ) -> Option<(&'a Digest, &'a Hold)> {
        if self.system.holds.is_empty() {
            return None;
        }
        let parts = release
            .contents
            .components
            .iter()
            .filter_map(|(component, digest)| self.artifact(project, component, digest))
            .flat_map(|artifact| &artifact.parts);
        let mut digests = release.contents.digests().chain([id.digest()]).chain(parts);
        digests.find_map(|digest| Some((digest, self.system.hold_on(digest, project)?)))
    }

    /// The artifacts of a release whose parts have to be known to say whether anything of it is held; none while nothing is held.
    pub(super) fn artifacts_to_judge(&self, project: &ProjectName, release: Option<&Release>) -> Vec<Key> {
        match release {
            Some(release) if !self.system.holds.is_empty() => self.artifact_keys(project, &release.contents),
            _ => Vec::new(),
        }
    }

    /// The artifacts of `contents`, each in the repository of its component.
    pub(super) fn artifact_keys(&self, project: &ProjectName, contents: &crate::Contents) -> Vec<Key> {
        let Some(known) = self.project(project) else { return Vec::new() };
        let key = |(component, digest): (&ComponentName, &Digest)| {
            Some(Key::Artifact(known.config.repository(component)?, digest.clone()))
        };
        contents.components.iter().filter_map(key).collect()
    }

    /// Forgets what was looked up in the catalog, so that it is looked up again: it can change with each manifest that is pushed or deleted.
    pub fn forget_artifacts(&mut self) {
        self.artifacts.clear();
        self.placed.clear();
        self.tags.clear();
    }
}
