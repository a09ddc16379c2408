//! Who may pull what.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{Actor, CustomRoles, Digest, Key, Permission, Project, Refusal, RepositoryName, StageName, System};

use crate::{Registry, error::Failure};

/// How many manifests are looked at, on the way up from a digest, before the answer is no.
const NODES_MAX: usize = 1000;

/// What somebody may do in a repository.
pub(crate) struct Rights {
    pub repository: RepositoryName,
    pub project: Option<Arc<Project>>,
    pub actor: Actor,
}

impl Rights {
    /// Looks up what is known about the repository's project.
    pub async fn of(registry: &Registry, actor: Actor, repository: RepositoryName) -> Result<Self, Failure> {
        let project = match repository.project() {
            Some(name) => registry.engine.read(&[Key::Project(name.clone())], |state| state.project(&name).cloned()).await?,
            None => None,
        };
        Ok(Self { repository, project, actor })
    }

    fn may(&self, permission: Permission) -> bool {
        let none = CustomRoles::new();
        let custom = self.project.as_ref().map_or(&none, |project| &project.config.roles);
        match self.repository.project() {
            Some(name) => self.actor.may(permission, &name, None, custom),
            None => self.actor.may_everywhere(permission),
        }
    }

    /// Refuses whoever may not push here.
    pub fn push(&self) -> Result<(), Failure> {
        if self.may(Permission::Push) { Ok(()) } else { Err(self.missing(Permission::Push)) }
    }

    fn missing(&self, permission: Permission) -> Failure {
        Refusal::PermissionMissing { permission, project: self.repository.project(), stage: None }.into()
    }

    /// The stages that the right to pull is bound to; `None` for whoever may pull everything here.
    pub fn bound_to(&self) -> Result<Option<Vec<StageName>>, Failure> {
        if self.may(Permission::Pull) {
            return Ok(None);
        }
        let stages = self.project.as_ref().map(|project| self.actor.stages_to_pull_from(&project.config.project, &project.config.roles));
        match stages.filter(|stages| !stages.is_empty()) {
            Some(stages) => Ok(Some(stages)),
            None => Err(self.missing(Permission::Pull)),
        }
    }

    /// Refuses whoever may not pull `digest`: a credential bound to stages gets what they have promoted, with all that belongs to it.
    pub async fn pull(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        let Some(stages) = self.bound_to()? else { return Ok(()) };
        let Some(project) = &self.project else { return Err(self.missing(Permission::Pull)) };
        let promoted = |digest: &Digest| stages.iter().any(|stage| project.stage(stage).has_promoted(digest));
        let system: Arc<System> = registry.engine.read(&[], |state| Arc::new(state.system().clone())).await?;
        let mut waiting = VecDeque::from([digest.clone()]);
        let mut seen = BTreeSet::from([digest.clone()]);
        let mut held = None;
        while let Some(node) = waiting.pop_front() {
            if let Some(hold) = system.hold_on(&node, &project.config.project) {
                held.get_or_insert(Refusal::Held { digest: node.clone(), reason: hold.mark.reason.clone() });
                continue;
            }
            if promoted(&node) && !self.releases_held(&node, &stages, &system) {
                return Ok(());
            }
            if seen.len() < NODES_MAX {
                let above = registry.engine.ports().catalog.containers(&self.repository, &node, NODES_MAX).await?;
                waiting.extend(above.into_iter().filter(|container| seen.insert(container.clone())));
            }
        }
        Err(held.unwrap_or_else(|| Refusal::NotPromoted { digest: digest.to_string(), stages }).into())
    }

    /// Whether every release that brought `digest` to the stages is held as a whole.
    fn releases_held(&self, digest: &Digest, stages: &[StageName], system: &System) -> bool {
        let Some(project) = &self.project else { return false };
        let mut settled = stages.iter().flat_map(|stage| project.stage(stage).recent());
        settled
            .by_ref()
            .filter(|settled| settled.contents.digests().any(|part| part == digest))
            .all(|settled| system.hold_on(settled.release.digest(), &project.config.project).is_some())
    }

    /// What the tag of a stage points to: `None` if `tag` is no stage, `Some(None)` if the stage has nothing for this repository.
    pub fn stage_tag(&self, tag: &str) -> Option<Option<Digest>> {
        let project = self.project.as_ref()?;
        let stage = project.config.stages.keys().find(|stage| stage.as_str() == tag)?;
        let component = project.config.component_of(&self.repository);
        let current = project.stage(stage).current.as_ref();
        Some(component.zip(current).and_then(|(component, current)| current.contents.components.get(component).cloned()))
    }

    /// The stage tags that point to something, in order.
    pub fn stage_tags(&self) -> Vec<String> {
        let stages = self.project.iter().flat_map(|project| project.config.stages.keys());
        stages.filter(|stage| self.stage_tag(stage.as_str()).flatten().is_some()).map(ToString::to_string).collect()
    }
}
