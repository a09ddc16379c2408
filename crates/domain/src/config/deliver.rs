//! [`Target`]: where a stage delivers to.
//!
//! To add a kind of target: a variant here with the keys that it has, its shape in the project's file, and who carries it out. How a
//! delivery stands, what settles a release, and what is tried again is the same for all kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{InvalidConfig, ProjectConfig};
use crate::{ComponentName, RegistryAddress, RepositoryName, StageName, TagName, TargetName};

/// How many targets a stage has at most.
pub const TARGETS_MAX: usize = 16;
/// How many tags a target sets at most.
pub const TARGET_TAGS_MAX: usize = 16;

/// Where a stage delivers to. Its kind is the key that says where: `registry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A registry that is not ours.
    Registry(RegistryTarget),
}

/// A registry that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryTarget {
    /// The registry, and what its repositories begin with: component `web` goes to `web` below it.
    pub registry: RegistryAddress,
    /// The repositories of that registry for components that go elsewhere, each by its whole name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repositories: BTreeMap<ComponentName, RepositoryName>,
    /// The tags to set there; that of the stage's name unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeSet<TagName>>,
}

impl Target {
    /// Where that is, for people.
    pub fn place(&self) -> &str {
        match self {
            Self::Registry(target) => target.registry.as_str(),
        }
    }
}

impl RegistryTarget {
    /// The repository of `component` there; `None` if its name would be too long.
    pub fn repository(&self, component: &ComponentName) -> Option<RepositoryName> {
        let named = self.repositories.get(component).cloned();
        named.or_else(|| match self.registry.below() {
            Some(below) => format!("{below}/{component}").parse().ok(),
            None => component.as_str().parse().ok(),
        })
    }

    /// The tags that it sets for `stage`.
    pub fn tags(&self, stage: &StageName) -> BTreeSet<TagName> {
        let own = || stage.as_str().parse().into_iter().collect();
        self.tags.clone().unwrap_or_else(own)
    }
}

impl ProjectConfig {
    /// The targets of `stage`; none if there is no such stage.
    pub fn targets(&self, stage: &StageName) -> &BTreeMap<TargetName, Target> {
        static NONE: BTreeMap<TargetName, Target> = BTreeMap::new();
        self.stages.get(stage).map_or(&NONE, |configured| &configured.deliver)
    }

    pub(super) fn check_targets(&self) -> Result<(), InvalidConfig> {
        let mut seen = BTreeMap::new();
        for (stage, configured) in &self.stages {
            if configured.deliver.len() > TARGETS_MAX {
                let problem = format!("a stage delivers to at most {TARGETS_MAX} targets");
                return Err(InvalidConfig::at(&["stages", stage.as_str(), "deliver"], problem));
            }
            for (name, target) in &configured.deliver {
                let path = ["stages", stage.as_str(), "deliver", name.as_str()];
                let Target::Registry(target) = target;
                self.check_registry(target)
                    .map_err(|(member, problem)| InvalidConfig::at(&[&path[..], &[member]].concat(), problem))?;
                // Two that set one tag would each take it from the other.
                for (component, tag) in
                    self.components.keys().flat_map(|one| target.tags(stage).into_iter().map(move |tag| (one, tag)))
                {
                    let place = (target.registry.host(), target.repository(component), tag);
                    let (host, repository, tag) = (place.0, place.1.clone(), place.2.clone());
                    if let Some((other, component)) = seen.insert(place, (stage, component)) {
                        let repository = repository.map_or_else(String::new, |repository| format!("/{repository}"));
                        let problem = format!(
                            "`{name}` sets the tag `{tag}` in `{host}{repository}`, where component `{component}` of stage `{other}` sets it, too"
                        );
                        return Err(InvalidConfig::at(&path, problem));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_registry(&self, target: &RegistryTarget) -> Result<(), (&'static str, String)> {
        if let Some(unknown) = target.repositories.keys().find(|name| !self.components.contains_key(*name)) {
            let known: Vec<_> = self.components.keys().map(ComponentName::as_str).collect();
            let problem = format!("unknown component `{unknown}`; the components are: {}", known.join(", "));
            return Err(("repositories", problem));
        }
        let mut taken = BTreeMap::new();
        for component in self.components.keys() {
            let Some(repository) = target.repository(component) else {
                return Err(("registry", format!("with `{component}` below it, the repository's name is too long")));
            };
            if let Some(other) = taken.insert(repository.clone(), component) {
                let problem = format!("`{component}` and `{other}` both go to the repository `{repository}`");
                return Err(("repositories", problem));
            }
        }
        let tags = target.tags.iter().flatten();
        if tags.clone().count() > TARGET_TAGS_MAX {
            return Err(("tags", format!("a target sets at most {TARGET_TAGS_MAX} tags")));
        }
        match tags.clone().find(|tag| tag.about().is_some()) {
            Some(tag) => Err(("tags", format!("under the tag `{tag}`, registries keep evidence"))),
            None => Ok(()),
        }
    }
}
