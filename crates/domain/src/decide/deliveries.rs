//! Deliveries: what a target has, and when a release is settled.

use super::{Answer, Desk, text};
use crate::{
    Command, Delivery, DeliveryReport, Event, Permission, Project, Span, StageName, StageState, TargetName, Tenure,
    Timestamp, delivery::difference,
};

/// How often a delivery is tried before its failure is worth an entry.
const TRIES_UNTOLD: u64 = 3;
/// How many seconds a failure that was recorded stands at least before it is recorded again.
const TOLD_AGAIN_SECS: u64 = 600;

impl Desk<'_> {
    /// What is reported of something that is over (another release came, the target is another one, somebody else was first) changes
    /// nothing.
    pub(super) fn report_delivery(&self, command: Command) -> Answer {
        let Command::ReportDelivery { project: name, stage, promotion, target, to, tries, report } = command else {
            return Ok(Vec::new());
        };
        let project = self.project(&name, Permission::Apply, Some(&stage))?;
        let there = project.stage(&stage);
        let current = there.current.as_ref().filter(|current| current.mark.index == promotion);
        let is_meant = project.config.targets(&stage).get(&target) == Some(&to) && !there.is_delivered(&target);
        let Some(current) = current.filter(|_| is_meant) else { return Ok(Vec::new()) };
        let release = current.release.clone();
        let reason = match report {
            DeliveryReport::Found(found) => match difference(current.contents.components.iter(), &found) {
                Some(difference) => difference,
                None => {
                    let settled =
                        Event::Settled { project: name.clone(), stage: stage.clone(), release: release.clone() };
                    let settles = current.unsettled && is_last(project, &stage, &target);
                    let delivered =
                        Event::Delivered { project: name, stage, release, target, place: to.place().to_owned(), found };
                    return Ok(std::iter::once(delivered).chain(settles.then_some(settled)).collect());
                }
            },
            DeliveryReport::Failed(reason) => reason,
        };
        text("a reason", &reason)?;
        if !self.is_worth_telling(there, current, &target, tries) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::DeliveryFailed { project: name, stage, release, target, tries, reason }])
    }

    /// A target that is down for long makes few entries: each stands at least as long as the delivery had taken until then.
    fn is_worth_telling(&self, there: &StageState, current: &Tenure, target: &TargetName, tries: u64) -> bool {
        let is_old =
            |at: Timestamp| self.now.since(at) >= at.since(current.mark.at).max(Span::from_secs(TOLD_AGAIN_SECS));
        match there.deliveries.get(target) {
            Some(Delivery::Failing { at, .. }) => is_old(*at),
            _ => tries >= TRIES_UNTOLD,
        }
    }
}

/// Whether every target of the stage but `target` has the current release.
fn is_last(project: &Project, stage: &StageName, target: &TargetName) -> bool {
    let there = project.stage(stage);
    project.config.targets(stage).keys().all(|one| one == target || there.is_delivered(one))
}
