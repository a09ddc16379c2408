//! What is true of deliveries once an entry has happened.

use std::collections::BTreeSet;

use super::{Delivery, Project, StageState, State};
use crate::{Entry, Event, ProjectConfig, StageName, TargetName};

impl State {
    /// Applies an event of a delivery. It is about the current release: the writer saw to that.
    pub(super) fn apply_to_deliveries(&mut self, entry: &Entry) {
        let (index, at) = (self.size, entry.at);
        match &entry.event {
            Event::Delivered { project, stage, target, .. } => self.stage_mut(project, stage, |there| {
                there.deliveries.insert(target.clone(), Delivery::Delivered { at, index });
            }),
            Event::DeliveryFailed { project, stage, target, tries, reason, .. } => {
                let failing = Delivery::Failing { at, index, tries: *tries, reason: reason.clone() };
                self.stage_mut(project, stage, |there| drop(there.deliveries.insert(target.clone(), failing)));
            }
            Event::Settled { project, stage, release } => {
                self.in_stage(project, stage, release, |there| {
                    there.presence.iter_mut().for_each(|presence| presence.settle(at));
                });
                self.stage_mut(project, stage, |there| {
                    there.current.iter_mut().for_each(|tenure| tenure.unsettled = false);
                });
            }
            _ => {}
        }
    }
}

impl Project {
    /// The stages of which something was learnt that is true no longer under `after`: the target is gone, or is another one.
    pub(super) fn unlearnt<'a>(
        &'a self,
        after: &'a ProjectConfig,
    ) -> impl Iterator<Item = (&'a StageName, BTreeSet<TargetName>)> {
        self.stages.iter().filter_map(move |(stage, there)| {
            let changed = there.deliveries.keys().filter(|target| self.is_another(after, stage, target));
            let changed: BTreeSet<_> = changed.cloned().collect();
            (!changed.is_empty()).then_some((stage, changed))
        })
    }

    /// The stages whose current release is settled once `after` is in force, and is not yet: what was missing is no target any more.
    pub(crate) fn settled_by<'a>(&'a self, after: &'a ProjectConfig) -> impl Iterator<Item = &'a StageName> {
        let has_it = move |stage: &'a StageName, there: &'a StageState| {
            let mut targets = after.targets(stage).keys();
            targets.all(|target| there.is_delivered(target) && !self.is_another(after, stage, target))
        };
        let unsettled = self.stages.iter().filter(|(_, there)| there.current.as_ref().is_some_and(|one| one.unsettled));
        unsettled.filter(move |(stage, there)| has_it(stage, there)).map(|(stage, _)| stage)
    }

    fn is_another(&self, after: &ProjectConfig, stage: &StageName, target: &TargetName) -> bool {
        after.targets(stage).get(target) != self.config.targets(stage).get(target)
    }
}
