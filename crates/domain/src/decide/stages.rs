//! Stages: vetoes, pins, pauses, health.

use super::{Answer, Desk, releases::refuse_moved, text};
use crate::{Event, Permission, ProjectName, Refusal, ReleaseId, StageName, Steering};

impl Desk<'_> {
    pub(super) fn veto(&self, project: ProjectName, stage: StageName, release: ReleaseId, reason: String) -> Answer {
        if self.vetoed(&project, &stage, &release, &reason)? {
            return Ok(Vec::new());
        }
        Ok(vec![Event::Vetoed { project, stage, release, reason }])
    }

    pub(super) fn unveto(&self, project: ProjectName, stage: StageName, release: ReleaseId, reason: String) -> Answer {
        if !self.vetoed(&project, &stage, &release, &reason)? {
            return Err(Refusal::NotVetoed { stage, release });
        }
        Ok(vec![Event::Unvetoed { project, stage, release, reason }])
    }

    fn vetoed(
        &self,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        reason: &str,
    ) -> Result<bool, Refusal> {
        self.project(project, Permission::Veto, Some(stage))?;
        text("a reason", reason)?;
        let release = self.release(project, release)?;
        Ok(release.in_stage(stage).is_some_and(|there| there.veto.is_some()))
    }

    pub(super) fn steer(&self, project: ProjectName, stage: StageName, change: Steering, reason: String) -> Answer {
        let there = self.project(&project, Permission::Steer, Some(&stage))?.stage(&stage);
        text("a reason", &reason)?;
        let (is, wanted, state) = match change {
            Steering::Pinned => (there.pinned.is_some(), true, "pinned"),
            Steering::Unpinned => (there.pinned.is_some(), false, "pinned"),
            Steering::Paused => (there.paused.is_some(), true, "paused"),
            Steering::Resumed => (there.paused.is_some(), false, "paused"),
        };
        match (is, wanted) {
            (true, true) => Ok(Vec::new()),
            (false, false) => Err(Refusal::NotSteered { stage, state }),
            _ => Ok(vec![Event::Steered { project, stage, change, reason }]),
        }
    }

    pub(super) fn report_health(
        &self,
        project: ProjectName,
        stage: StageName,
        release: Option<&ReleaseId>,
        healthy: bool,
        reason: String,
    ) -> Answer {
        let there = self.project(&project, Permission::Observe, Some(&stage))?.stage(&stage);
        text("a reason", &reason)?;
        let Some(current) = &there.current else { return Err(Refusal::StageEmpty { stage }) };
        refuse_moved(&stage, release, &current.release)?;
        if there.health.as_ref().map_or(healthy, |health| health.healthy == healthy) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::HealthReported { release: current.release.clone(), project, stage, healthy, reason }])
    }
}
