//! Releases: creating them, moving them, saying yes to them.

use super::{Answer, Desk, text};
use crate::{
    Contents, Digest, Event, PARTS_MAX, Permission, Project, ProjectName, Refusal, ReleaseId, Source, StageName, gate,
};

impl Desk<'_> {
    pub(super) fn create_release(&self, name: ProjectName, contents: Contents, source: Source) -> Answer {
        let project = self.project(&name, Permission::CreateRelease, None)?;
        if source.longest() > super::TEXT_BYTES_MAX {
            return Err(Refusal::LimitReached {
                what: "a source",
                limit: format!("{} bytes in each part", super::TEXT_BYTES_MAX),
            });
        }
        self.check_contents(&name, project, &contents)?;
        let release = contents.id();
        if self.state.release(&name, &release).is_some() {
            return Ok(Vec::new());
        }
        self.check_whole(&name, &contents)?;
        Ok(vec![Event::ReleaseCreated { project: name, release, contents, source }])
    }

    fn check_contents(&self, name: &ProjectName, project: &Project, contents: &Contents) -> Result<(), Refusal> {
        for (component, digest) in &contents.components {
            let Some(repository) = project.config.repository(component) else {
                return Err(Refusal::ComponentUnknown {
                    project: name.clone(),
                    component: component.clone(),
                    known: project.config.components.keys().cloned().collect(),
                });
            };
            let pushed =
                self.state.subject(name, digest).is_some_and(|subject| subject.repositories.contains(&repository));
            if !pushed {
                return Err(Refusal::ArtifactUnknown {
                    component: component.clone(),
                    repository,
                    digest: digest.clone(),
                });
            }
        }
        let missing = project.config.components.keys().find(|component| !contents.components.contains_key(component));
        missing.map_or(Ok(()), |component| Err(Refusal::ComponentMissing { component: component.clone() }))
    }

    /// Every artifact has to be whole when its release is created; from then on nothing of it is deleted.
    fn check_whole(&self, name: &ProjectName, contents: &Contents) -> Result<(), Refusal> {
        for (component, digest) in &contents.components {
            let Some(artifact) = self.state.artifact(name, component, digest) else { continue };
            if artifact.cut {
                return Err(Refusal::LimitReached {
                    what: "an artifact of a release",
                    limit: format!("{PARTS_MAX} parts, counting those of its children"),
                });
            }
            if let Some(missing) = &artifact.missing {
                return Err(Refusal::ArtifactIncomplete {
                    component: component.clone(),
                    digest: digest.clone(),
                    missing: missing.clone(),
                });
            }
        }
        Ok(())
    }

    pub(super) fn promote(&self, name: ProjectName, stage: StageName, id: ReleaseId, reason: String) -> Answer {
        let project = self.project(&name, Permission::Promote, Some(&stage))?;
        text("a reason", &reason)?;
        let release = self.release(&name, &id)?;
        let there = project.stage(&stage);
        if there.current.as_ref().is_some_and(|current| current.release == id) {
            return Err(Refusal::AlreadyCurrent { stage, release: id });
        }
        self.refuse_closed(project, &stage, &id, true)?;
        // The configuration may have changed since the release was created.
        self.check_contents(&name, project, &release.contents)?;
        let decision = gate::evaluate(self.state, &name, &stage, &id, &self.actor.party, self.now)?;
        if !decision.lets_in() {
            return Err(Refusal::GateUnmet { decision: Box::new(decision) });
        }
        Ok(vec![Event::Promoted {
            replaces: there.current.as_ref().map(|current| current.release.clone()),
            contents: release.contents.clone(),
            decision: decision.record(),
            project: name,
            stage,
            release: id,
            reason,
        }])
    }

    pub(super) fn approve(
        &self,
        name: ProjectName,
        stage: StageName,
        id: ReleaseId,
        seen: Option<&Digest>,
        comment: String,
    ) -> Answer {
        let project = self.project(&name, Permission::Approve, Some(&stage))?;
        text("a comment", &comment)?;
        if !self.actor.party.is_person() {
            return Err(Refusal::ApproverNotPerson);
        }
        let release = self.release(&name, &id)?;
        let gate = project.config.stages.get(&stage).map(crate::config::Stage::full_gate).unwrap_or_default().digest();
        if seen.is_some_and(|seen| *seen != gate) {
            return Err(Refusal::GateChanged { stage });
        }
        let others = release
            .in_stage(&stage)
            .map_or(&[][..], |there| &there.approvals)
            .iter()
            .filter(|one| one.by != self.actor.party);
        if others.count() >= APPROVALS_MAX {
            return Err(Refusal::LimitReached {
                what: "a release",
                limit: format!("{APPROVALS_MAX} approvals for a stage"),
            });
        }
        let roles = self.actor.roles_in(&name, &stage);
        Ok(vec![Event::Approved { project: name, stage, release: id, gate, roles, comment }])
    }

    pub(super) fn roll_back(
        &self,
        name: ProjectName,
        stage: StageName,
        from: Option<&ReleaseId>,
        to: Option<ReleaseId>,
        reason: String,
    ) -> Answer {
        let project = self.project(&name, Permission::RollBack, Some(&stage))?;
        text("a reason", &reason)?;
        let there = project.stage(&stage);
        let Some(current) = &there.current else { return Err(Refusal::StageEmpty { stage }) };
        refuse_moved(&stage, from, &current.release)?;
        let target = match to {
            Some(id) => id,
            None => self.default_target(&name, project, &stage)?,
        };
        if target == current.release {
            return Err(Refusal::AlreadyCurrent { stage, release: target });
        }
        let release = self.release(&name, &target)?;
        match release.presence(&stage) {
            None => return Err(Refusal::NeverCurrent { stage, release: target }),
            Some(presence) if !presence.has_settled() => {
                return Err(Refusal::NeverSettled { stage, release: target });
            }
            Some(_) => {}
        }
        self.refuse_closed(project, &stage, &target, false)?;
        if let Some((digest, hold)) = self.state.held_in(&name, &target, release) {
            return Err(Refusal::Held { digest: digest.clone(), reason: hold.mark.reason.clone() });
        }
        self.refuse_gone(&name, release)?;
        Ok(vec![Event::RolledBack {
            contents: release.contents.clone(),
            from: current.release.clone(),
            project: name,
            stage,
            release: target,
            reason,
        }])
    }

    /// The latest earlier release that was settled, did well when it left and that the stage did not itself roll back from, and that is
    /// neither vetoed nor held.
    fn default_target(&self, name: &ProjectName, project: &Project, stage: &StageName) -> Result<ReleaseId, Refusal> {
        let there = project.stage(stage);
        let current = there.current.as_ref().map(|tenure| &tenure.release);
        let good = |id: &&ReleaseId| {
            self.state.release(name, id).is_some_and(|release| {
                let vetoed = release.in_stage(stage).is_some_and(|there| there.veto.is_some());
                let presence = release.presence(stage);
                let left = presence.and_then(|presence| presence.left.as_ref());
                let bad = left.is_some_and(|left| left.rolled_back || left.unhealthy)
                    || presence.is_some_and(|presence| !presence.has_settled());
                !vetoed && !bad && self.state.held_in(name, id, release).is_none()
            })
        };
        let mut earlier = there.earlier.iter().map(|tenure| &tenure.release).filter(|id| Some(*id) != current);
        earlier.find(good).cloned().ok_or_else(|| Refusal::NothingEarlier { stage: stage.clone() })
    }

    /// Refuses a release of which retention has taken something.
    fn refuse_gone(&self, name: &ProjectName, release: &crate::Release) -> Result<(), Refusal> {
        let is_gone =
            |digest: &Digest| self.state.subject(name, digest).is_some_and(|known| known.repositories.is_empty());
        let gone = release.contents.components.iter().find(|(_, digest)| is_gone(digest));
        gone.map_or(Ok(()), |(component, digest)| {
            Err(Refusal::ArtifactGone { component: component.clone(), digest: digest.clone() })
        })
    }

    fn refuse_closed(
        &self,
        project: &Project,
        stage: &StageName,
        id: &ReleaseId,
        paused_counts: bool,
    ) -> Result<(), Refusal> {
        let there = project.stage(stage);
        if let Some(pin) = &there.pinned {
            return Err(Refusal::StagePinned { stage: stage.clone(), reason: pin.reason.clone() });
        }
        if let Some(pause) = there.paused.as_ref().filter(|_| paused_counts) {
            return Err(Refusal::StagePaused { stage: stage.clone(), reason: pause.reason.clone() });
        }
        let release = self.state.release(&project.config.project, id);
        match release.and_then(|release| release.in_stage(stage)?.veto.as_ref()) {
            Some(veto) => {
                Err(Refusal::Vetoed { stage: stage.clone(), release: id.clone(), reason: veto.reason.clone() })
            }
            None => Ok(()),
        }
    }
}

/// Refuses what was meant for a release that the stage has no longer.
pub(super) fn refuse_moved(stage: &StageName, seen: Option<&ReleaseId>, current: &ReleaseId) -> Result<(), Refusal> {
    match seen {
        Some(seen) if seen != current => {
            Err(Refusal::StageMoved { stage: stage.clone(), seen: seen.clone(), current: current.clone() })
        }
        _ => Ok(()),
    }
}

/// How many approvals a release has for one stage at most.
const APPROVALS_MAX: usize = 200;
