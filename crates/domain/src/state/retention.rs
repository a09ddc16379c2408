//! What is true of a project's retention: its last plan, and what is kept by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mark, State};
use crate::{Digest, Entry, Event, Span, Timestamp};

/// How many digests a project keeps by hand at most.
pub(crate) const KEEPS_MAX: usize = 1000;
/// How long a plan can be applied: what it saw is not true for ever.
pub(crate) const PLAN_LASTS: Span = Span::DAY;

/// What is true of a project's retention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// The plan that was recorded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<RecordedPlan>,
    /// What never goes, by digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keeps: BTreeMap<Digest, Mark>,
}

/// A plan that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPlan {
    /// The digest of its document, a blob.
    pub plan: Digest,
    /// How many ledger entries it takes into account.
    pub as_of: u64,
    /// Who had it made, and when.
    pub made: Mark,
    /// Who applies it, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Mark>,
    /// What came of it, once all of it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What came of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How many manifests went.
    pub collected: u64,
    /// How many stay that were to go, because something happened to them since.
    pub saved: u64,
}

impl RecordedPlan {
    /// Whether it is being carried out.
    pub fn is_running(&self) -> bool {
        self.applied.is_some() && self.ended.is_none()
    }
}

impl State {
    /// Applies an event of a project's retention.
    pub(super) fn apply_to_retention(&mut self, entry: &Entry) {
        let index = self.size;
        let mark = |reason: &str| Mark { by: entry.actor.clone(), at: entry.at, reason: reason.into(), index };
        let Some(project) = entry.event.project() else { return };
        let slot = self.retentions.entry(project).or_default();
        let retention = std::sync::Arc::make_mut(slot.get_or_insert_default());
        match &entry.event {
            Event::RetentionPlanned { plan, as_of, .. } => {
                let (plan, as_of, made) = (plan.clone(), *as_of, mark(""));
                retention.plan = Some(RecordedPlan { plan, as_of, made, applied: None, ended: None });
            }
            Event::RetentionApplied { .. } => {
                retention.plan.iter_mut().for_each(|plan| plan.applied = Some(mark("")));
            }
            Event::RetentionEnded { collected, saved, .. } => {
                let ended = Ended { at: entry.at, collected: *collected, saved: *saved };
                retention.plan.iter_mut().for_each(|plan| plan.ended = Some(ended.clone()));
            }
            Event::Kept { digest, reason, .. } => drop(retention.keeps.insert(digest.clone(), mark(reason))),
            Event::Unkept { digest, .. } => drop(retention.keeps.remove(digest)),
            _ => {}
        }
    }
}
