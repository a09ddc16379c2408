//! A project's configuration.

use super::{Answer, Desk};
use crate::{Digest, Event, Permission, Project, ProjectConfig, Refusal};

impl Desk<'_> {
    pub(super) fn apply_config(&self, config: Box<ProjectConfig>, expect: Option<&Option<Digest>>) -> Answer {
        let name = &config.project;
        let known = self.state.project(name);
        let none = crate::CustomRoles::new();
        let custom = known.map_or(&none, |project| &project.config.roles);
        if !self.actor.may(Permission::Apply, name, None, custom) {
            return Err(Refusal::PermissionMissing {
                permission: Permission::Apply,
                project: Some(name.clone()),
                stage: None,
            });
        }
        let in_force = known.map(|project| project.config.digest());
        if expect.is_some_and(|expected| *expected != in_force) {
            return Err(Refusal::PlanStale { project: name.clone() });
        }
        if let Some(project) = known {
            if *project.config == *config {
                return Ok(Vec::new());
            }
            let vanishing = |stage: &&crate::StageName| {
                !config.stages.contains_key(*stage) && project.stage(stage).current.is_some()
            };
            if let Some(stage) = project.config.stages.keys().find(vanishing) {
                return Err(Refusal::StageInUse { stage: stage.clone() });
            }
            self.refuse_moving_away(project, &config)?;
        }
        let settled: Vec<_> = known.into_iter().flat_map(|project| settled(project, &config)).collect();
        Ok(std::iter::once(Event::ConfigApplied { config }).chain(settled).collect())
    }

    /// A stage's tag leads to the component's repository: what the stage has must be there.
    fn refuse_moving_away(&self, project: &Project, after: &ProjectConfig) -> Result<(), Refusal> {
        for (component, repository, stage, digest) in project.moving(after) {
            let known = self.state.subject(&after.project, digest);
            if !known.is_some_and(|known| known.repositories.contains(&repository)) {
                return Err(Refusal::ComponentInUse {
                    component: component.clone(),
                    repository,
                    stage: stage.clone(),
                    digest: digest.clone(),
                });
            }
        }
        Ok(())
    }
}

/// What is settled because the targets that it waited for are none any more.
fn settled(project: &Project, after: &ProjectConfig) -> Vec<Event> {
    let settled = project.settled_by(after).filter_map(|stage| {
        let release = project.stage(stage).current.as_ref()?.release.clone();
        Some(Event::Settled { project: after.project.clone(), stage: stage.clone(), release })
    });
    settled.collect()
}
