//! Retention: plans, what goes by them, and what is kept by hand.

use std::collections::BTreeSet;

use super::{Answer, Desk, text};
use crate::{
    Digest, Event, Permission, ProjectName, Refusal, RepositoryName,
    retention::Totals,
    state::{KEEPS_MAX, PLAN_LASTS, RecordedPlan},
};

/// How many manifests one command collects at most.
pub const COLLECTED_MAX: usize = 64;

impl<'a> Desk<'a> {
    pub(super) fn plan_retention(&self, name: ProjectName, plan: Digest, as_of: u64, totals: Totals) -> Answer {
        let project = self.project(&name, Permission::Apply, None)?;
        if project.config.retention.is_none() {
            return Err(Refusal::RetentionUnset { project: name });
        }
        if let Some(running) = self.recorded(&name).filter(|recorded| recorded.is_running()) {
            return Err(Refusal::RetentionRunning { plan: running.plan.clone() });
        }
        let Totals { kept, archived, trashed, frees } = totals;
        Ok(vec![Event::RetentionPlanned { project: name, plan, as_of, kept, archived, trashed, frees }])
    }

    pub(super) fn apply_retention(&self, name: ProjectName, plan: Digest) -> Answer {
        self.project(&name, Permission::Apply, None)?;
        let recorded = self.recorded(&name).filter(|recorded| recorded.plan == plan);
        match recorded {
            Some(recorded) if recorded.applied.is_some() => Ok(Vec::new()),
            Some(recorded) if self.now.since(recorded.made.at) < PLAN_LASTS => {
                Ok(vec![Event::RetentionApplied { project: name, plan }])
            }
            _ => Err(Refusal::RetentionPlanStale { plan }),
        }
    }

    /// Collects those of `manifests` that nothing has saved since the plan was made.
    pub(super) fn collect(
        &self,
        name: &ProjectName,
        plan: &Digest,
        manifests: Vec<(RepositoryName, Digest)>,
    ) -> Answer {
        self.project(name, Permission::Apply, None)?;
        let running = self.running(name, plan)?;
        if manifests.len() > COLLECTED_MAX {
            let limit = format!("{COLLECTED_MAX} manifests");
            return Err(Refusal::LimitReached { what: "one step of a retention plan", limit });
        }
        let mut gone = BTreeSet::new();
        let mut events = Vec::new();
        for (repository, digest) in manifests {
            if let Some(tags) = self.to_go(name, running, &repository, &digest, &gone) {
                gone.insert((repository.clone(), digest.clone()));
                events.push(Event::ManifestCollected { repository, digest, plan: plan.clone(), tags });
            }
        }
        Ok(events)
    }

    /// The tags that go with a manifest; `None` if it stays.
    fn to_go(
        &self,
        name: &ProjectName,
        running: &RecordedPlan,
        repository: &RepositoryName,
        digest: &Digest,
        gone: &BTreeSet<(RepositoryName, Digest)>,
    ) -> Option<Vec<crate::TagName>> {
        if repository.project().as_ref() != Some(name) {
            return None;
        }
        let placed = self.state.placed(repository, digest).filter(|placed| placed.there)?;
        let touched = self.state.subject(name, digest)?.touched.as_ref()?;
        let project = self.state.project(name)?;
        let stays = touched.index >= running.as_of
            || project.stages.values().any(|there| there.has_promoted(digest))
            || placed.parts.iter().chain([digest]).any(|part| self.is_claimed(name, part))
            || self.is_of_held_release(name, digest);
        // Whatever consists of it, or it is about, goes before it.
        let above = placed.containers.iter().chain(&placed.about);
        let alone = above.into_iter().all(|above| gone.contains(&(repository.clone(), above.clone())));
        (!stays && alone).then(|| placed.tags.clone())
    }

    fn is_claimed(&self, name: &ProjectName, digest: &Digest) -> bool {
        self.state.refuse_claimed(name, digest, self.now).is_err()
    }

    fn is_of_held_release(&self, name: &ProjectName, digest: &Digest) -> bool {
        self.state.held_or_kept(name).filter_map(|id| self.state.release(name, &id)).any(|release| {
            let mut digests = release.contents.digests();
            digests.any(|part| part == digest)
        })
    }

    pub(super) fn end_retention(&self, name: ProjectName, plan: Digest, collected: u64, saved: u64) -> Answer {
        self.project(&name, Permission::Apply, None)?;
        self.running(&name, &plan)?;
        Ok(vec![Event::RetentionEnded { project: name, plan, collected, saved }])
    }

    pub(super) fn keep(&self, name: ProjectName, digest: Digest, reason: String) -> Answer {
        self.project(&name, Permission::Hold, None)?;
        text("a reason", &reason)?;
        let keeps = self.state.retention(&name).map(|retention| &retention.keeps);
        if keeps.is_some_and(|keeps| keeps.contains_key(&digest)) {
            return Ok(Vec::new());
        }
        if keeps.is_some_and(|keeps| keeps.len() >= KEEPS_MAX) {
            return Err(Refusal::LimitReached {
                what: "a project",
                limit: format!("{KEEPS_MAX} digests kept by hand"),
            });
        }
        Ok(vec![Event::Kept { project: name, digest, reason }])
    }

    pub(super) fn unkeep(&self, name: ProjectName, digest: Digest, reason: String) -> Answer {
        self.project(&name, Permission::Hold, None)?;
        text("a reason", &reason)?;
        if !self.state.retention(&name).is_some_and(|retention| retention.keeps.contains_key(&digest)) {
            return Err(Refusal::NotKept { digest });
        }
        Ok(vec![Event::Unkept { project: name, digest, reason }])
    }

    fn recorded(&self, name: &ProjectName) -> Option<&'a RecordedPlan> {
        self.state.retention(name)?.plan.as_ref()
    }

    fn running(&self, name: &ProjectName, plan: &Digest) -> Result<&'a RecordedPlan, Refusal> {
        let running = self.recorded(name).filter(|recorded| recorded.plan == *plan && recorded.is_running());
        running.ok_or_else(|| Refusal::RetentionPlanStale { plan: plan.clone() })
    }
}
