//! What is true of a project's retention: its last plan, what is kept by hand, what was seen running, and who claims what for a while.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Mark, State};
use crate::{Digest, Entry, Event, ProjectName, Refusal, Span, StageName, Timestamp, retention::Policy};

/// How many digests a project keeps by hand at most.
pub(crate) const KEEPS_MAX: usize = 1000;
/// How many observations of a project count at most: one of each who looks at a stage.
pub(crate) const OBSERVATIONS_MAX: usize = 50;
/// How long an observation counts at most, whatever the policy says.
pub(crate) const OBSERVATION_LASTS_MAX: Span = Span::from_days(30);
/// How many leases a project has at most, how many of them one party, so that nobody takes the others' place, and how long one lasts at most.
pub(crate) const LEASES_MAX: usize = 1000;
pub(crate) const LEASES_OF_ONE_MAX: usize = 100;
pub(crate) const LEASE_LASTS_MAX: Span = Span::from_days(30);
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
    /// What was last seen running: for each stage, one observation of each who looks. Some may be too old to count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Observation>,
    /// Claims on digests. Some may be over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Lease>,
}

/// What somebody saw running in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Where.
    pub stage: StageName,
    /// What.
    pub digests: BTreeSet<Digest>,
    /// Who saw it, and when.
    pub mark: Mark,
}

/// A claim on a digest that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// What is claimed.
    pub digest: Digest,
    /// The stage whose tokens may pull it for as long, whatever the stage has by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// When it ends.
    pub until: Timestamp,
    /// Who claims it, since when, and why.
    pub mark: Mark,
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

impl Retention {
    /// An observation of `digest` that is not older than `within`.
    pub fn seen_running(&self, digest: &Digest, within: Span, now: Timestamp) -> Option<&Observation> {
        self.running.iter().find(|one| now.since(one.mark.at) < within && one.digests.contains(digest))
    }

    /// The leases that last.
    pub fn leases_at(&self, now: Timestamp) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(move |lease| lease.until > now)
    }
}

impl State {
    /// Refuses to part with a digest that somebody claims, whether a release names it or not: it is kept by hand, held, leased, or was seen
    /// running.
    pub(crate) fn refuse_claimed(&self, project: &ProjectName, digest: &Digest, now: Timestamp) -> Result<(), Refusal> {
        if let Some(hold) = self.system.hold_on(digest, project) {
            return Err(Refusal::Held { digest: digest.clone(), reason: hold.mark.reason.clone() });
        }
        let Some(retention) = self.retention(project) else { return Ok(()) };
        if let Some(keep) = retention.keeps.get(digest) {
            return Err(Refusal::Kept { digest: digest.clone(), reason: keep.reason.clone() });
        }
        let policy = self.project(project).and_then(|known| known.config.retention.as_ref());
        let within = policy.map_or(Policy::RUNNING, Policy::running);
        if let Some(seen) = retention.seen_running(digest, within, now) {
            return Err(Refusal::Running { digest: digest.clone(), stage: seen.stage.clone(), seen: seen.mark.at });
        }
        match retention.leases_at(now).find(|lease| lease.digest == *digest) {
            Some(lease) => {
                let (digest, reason) = (digest.clone(), lease.mark.reason.clone());
                Err(Refusal::Leased { digest, by: lease.mark.by.clone(), until: lease.until, reason })
            }
            None => Ok(()),
        }
    }

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
            Event::Observed { stage, digests, .. } => {
                let counts = |one: &Observation| entry.at.since(one.mark.at) < OBSERVATION_LASTS_MAX;
                let same = |one: &Observation| one.stage == *stage && one.mark.by == entry.actor;
                retention.running.retain(|one| counts(one) && !same(one));
                if !digests.is_empty() {
                    retention.running.push(Observation {
                        stage: stage.clone(),
                        digests: digests.clone(),
                        mark: mark(""),
                    });
                }
            }
            Event::Leased { digest, stage, until, reason, .. } => {
                let same = |one: &Lease| one.digest == *digest && one.stage == *stage && one.mark.by == entry.actor;
                retention.leases.retain(|one| one.until > entry.at && !same(one));
                let (digest, stage) = (digest.clone(), stage.clone());
                retention.leases.push(Lease { digest, stage, until: *until, mark: mark(reason) });
            }
            Event::Unleased { digest, party, .. } => {
                retention
                    .leases
                    .retain(|one| one.until > entry.at && !(one.digest == *digest && one.mark.by == *party));
            }
            _ => {}
        }
    }
}
