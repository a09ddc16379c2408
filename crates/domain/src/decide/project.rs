//! A project's configuration.

use super::{Answer, Desk};
use crate::{Digest, Event, Permission, ProjectConfig, Refusal};

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
        }
        Ok(vec![Event::ConfigApplied { config }])
    }
}
