//! Who may pull what.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{Actor, CustomRoles, Digest, Hold, Key, Permission, Project, Refusal, RepositoryName, StageName, State};

use crate::{Registry, error::Failure};

/// How many manifests are looked at, on the way up from a digest, before the answer is no.
const NODES_MAX: usize = 1000;
/// How many steps are taken on the way up: a layer, its image, an index or two, and what those are about.
const STEPS_MAX: u32 = 8;

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
            Some(name) => {
                registry.engine.read(&[Key::Project(name.clone())], |state| state.project(&name).cloned()).await?
            }
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
        let stages = self
            .project
            .as_ref()
            .map(|project| self.actor.stages_to_pull_from(&project.config.project, &project.config.roles));
        match stages.filter(|stages| !stages.is_empty()) {
            Some(stages) => Ok(Some(stages)),
            None => Err(self.missing(Permission::Pull)),
        }
    }

    /// Refuses whoever may not ask what is there. It gives no bytes away, so whoever may push may ask, whatever is held: a push asks first
    /// which blobs it can leave out, and has to get an answer where a held image shares them.
    pub async fn look(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        if self.may(Permission::Push) && self.may(Permission::Pull) {
            return Ok(());
        }
        self.pull(registry, digest).await
    }

    /// Refuses whoever may not pull `digest`. A credential bound to stages gets what they have promoted, with all that belongs to it; and
    /// nobody gets what is held, or belongs to nothing but what is held.
    pub async fn pull(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        let bound = self.bound_to()?;
        if bound.is_none() && !self.any_hold(registry).await? {
            return Ok(());
        }
        let mut waiting = VecDeque::from([(digest.clone(), 0)]);
        let mut seen = BTreeSet::from([digest.clone()]);
        let mut held = None;
        while let Some((node, steps)) = waiting.pop_front() {
            if let Some(reason) = self.hold_on(registry, &node).await? {
                held.get_or_insert(Refusal::Held { digest: node, reason });
                continue;
            }
            if let Some(stages) = &bound
                && self.is_promoted(registry, &node, stages, &mut held).await?
            {
                return Ok(());
            }
            let room = NODES_MAX - seen.len();
            if room == 0 || steps == STEPS_MAX {
                continue;
            }
            let above = registry.engine.ports().catalog.containers(&self.repository, &node, room).await?;
            if bound.is_none() && above.is_empty() {
                return Ok(());
            }
            let new = above.into_iter().filter(|container| seen.insert(container.clone()));
            waiting.extend(new.map(|container| (container, steps + 1)));
        }
        match (held, bound) {
            (Some(held), _) => Err(held.into()),
            (None, Some(stages)) => Err(Refusal::NotPromoted { digest: digest.to_string(), stages }.into()),
            (None, None) => Ok(()),
        }
    }

    /// Whether a release that one of `stages` has names `digest`. A release that is held as a whole does not count; `held` tells of it.
    async fn is_promoted(
        &self,
        registry: &Registry,
        digest: &Digest,
        stages: &[StageName],
        held: &mut Option<Refusal>,
    ) -> Result<bool, Failure> {
        let Some(project) = &self.project else { return Ok(false) };
        for settled in stages.iter().flat_map(|stage| project.stage(stage).recent()) {
            if settled.contents.digests().all(|part| part != digest) {
                continue;
            }
            let release = settled.release.digest();
            match self.hold_on(registry, release).await? {
                None => return Ok(true),
                Some(reason) => held.get_or_insert(Refusal::Held { digest: release.clone(), reason }),
            };
        }
        Ok(false)
    }

    /// Whether anything at all is held that could be pulled here: mostly nothing is, and then nobody has to look further.
    async fn any_hold(&self, registry: &Registry) -> Result<bool, Failure> {
        let here = |hold: &Hold| self.is_here(hold);
        let any = |state: &State| state.system().holds.values().flatten().any(here);
        Ok(registry.engine.read(&[], any).await?)
    }

    /// Why `digest` is held here, if it is.
    async fn hold_on(&self, registry: &Registry, digest: &Digest) -> Result<Option<String>, Failure> {
        let reason = |state: &State| {
            let mut holds = state.system().holds.get(digest).into_iter().flatten();
            holds.find(|hold| self.is_here(hold)).map(|hold| hold.mark.reason.clone())
        };
        Ok(registry.engine.read(&[], reason).await?)
    }

    fn is_here(&self, hold: &Hold) -> bool {
        hold.project.is_none() || hold.project == self.repository.project()
    }

    /// What the tag of a stage points to: `None` if `tag` is no stage, `Some(None)` if the stage has nothing for this repository.
    pub fn stage_tag(&self, tag: &str) -> Option<Option<Digest>> {
        let project = self.project.as_ref()?;
        let stage = project.config.stages.keys().find(|stage| stage.as_str() == tag)?;
        let component = project.config.component_of(&self.repository);
        let current = project.stage(stage).current.as_ref();
        Some(
            component.zip(current).and_then(|(component, current)| current.contents.components.get(component).cloned()),
        )
    }

    /// The stage tags that point to something, in order.
    pub fn stage_tags(&self) -> Vec<String> {
        let stages = self.project.iter().flat_map(|project| project.config.stages.keys());
        stages.filter(|stage| self.stage_tag(stage.as_str()).flatten().is_some()).map(ToString::to_string).collect()
    }
}
