//! Who may pull what.

use std::sync::Arc;

use domain::{
    Actor, Algorithm, CustomRoles, Digest, Hold, Key, Permission, Project, Refusal, RepositoryName, StageName, State,
};
use http::StatusCode;

use crate::{
    Registry,
    climb::Climb,
    error::Failure,
    promoted::{Promoted, Way},
};

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

    /// Whether anybody may pull all that is here, with or without a token.
    fn is_public(&self) -> bool {
        self.project.as_ref().is_some_and(|project| project.config.public.repositories.contains(&self.repository))
    }

    /// Whether anybody may pull something here.
    pub fn has_something_public(&self) -> bool {
        self.project.as_ref().is_some_and(|project| !project.config.public.stages.is_empty()) || self.is_public()
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
        if self.may(Permission::Pull) || self.is_public() {
            return Ok(None);
        }
        let stages = self.project.as_ref().map(|project| {
            let config = &project.config;
            let own = self.actor.stages_to_pull_from(&config.project, &config.roles);
            let open = config.public.stages.iter().filter(|stage| !own.contains(stage)).cloned();
            open.chain(own.iter().cloned()).collect::<Vec<_>>()
        });
        match stages.filter(|stages| !stages.is_empty()) {
            Some(stages) => Ok(Some(stages)),
            None => Err(self.missing(Permission::Pull)),
        }
    }

    /// Refuses whoever may not ask what is there. It gives no bytes away, so whoever may push may ask, whatever is held: a push asks first
    /// which blobs it can leave out, and has to get an answer where a held image shares them.
    pub async fn look(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        if self.may(Permission::Push) {
            return Ok(());
        }
        self.pull(registry, digest).await
    }

    /// Refuses whoever may neither push nor pull here, whatever it is about.
    pub fn look_around(&self) -> Result<(), Failure> {
        if self.may(Permission::Push) { Ok(()) } else { self.bound_to().map(drop) }
    }

    /// Refuses whoever may not pull `digest`. A credential bound to stages gets what they have promoted, with all that belongs to it; and
    /// nobody gets what is held, or belongs to nothing but what is held.
    pub async fn pull(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        let bound = self.bound_to()?;
        if let Some(held) = self.held(registry, digest).await? {
            return Err(held.into());
        }
        match bound {
            None if !self.any_hold(registry).await? => Ok(()),
            None => self.pull_past_holds(registry, digest).await,
            Some(stages) => self.pull_promoted(registry, digest, stages).await,
        }
    }

    /// Looks for a way up to a manifest that belongs to nothing else, past what is held.
    async fn pull_past_holds(&self, registry: &Registry, digest: &Digest) -> Result<(), Failure> {
        let mut climb = Climb::from(&*registry.engine.ports().catalog, &self.repository, digest);
        let mut met = None;
        while let Some(node) = climb.next().await? {
            match self.held(registry, &node).await? {
                Some(held) => drop(met.get_or_insert(held)),
                None if climb.go_above(&node).await? => {}
                None => return Ok(()),
            }
        }
        match met {
            Some(held) => Err(held.into()),
            None if climb.was_cut() => {
                let message = format!(
                    "too many manifests name `{digest}` to see whether one of them is not held: pull it from another repository"
                );
                Err(Failure::new(StatusCode::FORBIDDEN, "DENIED", message))
            }
            // Tags that say of each other what they are about: nothing on the way is held.
            None => Ok(()),
        }
    }

    /// Looks whether `digest` is part of what `stages` have, or of something that is about it.
    async fn pull_promoted(&self, registry: &Registry, digest: &Digest, stages: Vec<StageName>) -> Result<(), Failure> {
        if *digest == empty_configuration(digest.algorithm()) {
            return Ok(());
        }
        let mut promoted = Promoted::by(registry, self, &stages).await?;
        let mut climb = Climb::from(&*registry.engine.ports().catalog, &self.repository, digest);
        let mut met = None;
        while let Some(node) = climb.next().await? {
            if let Some(held) = self.held(registry, &node).await? {
                met.get_or_insert(held);
                continue;
            }
            match promoted.way_to(&node).await? {
                Way::Free => return Ok(()),
                Way::Held(held) => drop(met.get_or_insert(held)),
                Way::None => {}
            }
            climb.go_above(&node).await?;
        }
        let refusal = met.unwrap_or_else(|| Refusal::NotPromoted { digest: digest.to_string(), stages });
        Err(refusal.into())
    }

    /// Whether anything at all is held that could be pulled here: mostly nothing is, and then nobody has to look further.
    pub async fn any_hold(&self, registry: &Registry) -> Result<bool, Failure> {
        let here = |hold: &Hold| self.is_here(hold);
        let any = |state: &State| state.system().holds.values().flatten().any(here);
        Ok(registry.engine.read(&[], any).await?)
    }

    /// The refusal of `digest`, if it is held here.
    pub async fn held(&self, registry: &Registry, digest: &Digest) -> Result<Option<Refusal>, Failure> {
        let refusal = |state: &State| {
            let mut holds = state.system().holds.get(digest).into_iter().flatten();
            let hold = holds.find(|hold| self.is_here(hold))?;
            Some(Refusal::Held { digest: digest.clone(), reason: hold.mark.reason.clone() })
        };
        Ok(registry.engine.read(&[], refusal).await?)
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

/// The configuration `{}`, which all artifacts without one share: two bytes that everybody knows, in more manifests than anybody counts.
fn empty_configuration(algorithm: Algorithm) -> Digest {
    Digest::of(algorithm, b"{}")
}
