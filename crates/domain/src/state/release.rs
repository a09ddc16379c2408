//! A release and its way through the stages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mark;
use crate::{Contents, Digest, Party, RoleName, Source, Span, StageName, Timestamp};

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// What it is made of.
    pub contents: Contents,
    /// Where that comes from.
    pub source: Source,
    /// Who created it, and when.
    pub created: Mark,
    /// What happened to it, by stage.
    #[serde(default)]
    pub stages: BTreeMap<StageName, InStage>,
}

/// What happened to a release in one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InStage {
    /// Its latest time as the current release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// Who said yes to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// It may never enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto: Option<Mark>,
}

/// A time as the current release of a stage. Health counts as good until somebody reports otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// When it began.
    pub since: Timestamp,
    /// The entry that began it.
    pub index: u64,
    /// When it ended, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// Healthy time up to the last change of health.
    pub healthy: Span,
    /// Since when it has been healthy without a break, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_since: Option<Timestamp>,
    /// The stage delivers, and not every target has it, or had it when it left. Healthy time counts from when all have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
    /// It was settled in an earlier time as the current release.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled_before: bool,
}

/// How a release ceased to be current.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// When.
    pub at: Timestamp,
    /// By a rollback, so the stage had reason to get rid of it.
    pub rolled_back: bool,
    /// While the stage was reported unhealthy with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unhealthy: bool,
}

/// A person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// The entry.
    pub index: u64,
    /// The gate that the person saw.
    pub gate: Digest,
    /// The roles that the person had.
    pub roles: Vec<RoleName>,
}

impl Release {
    /// What happened to it in `stage`, if anything did.
    pub fn in_stage(&self, stage: &StageName) -> Option<&InStage> {
        self.stages.get(stage)
    }

    /// When the last thing happened to it that could lead to a promotion: it was created, approved, promoted or rolled back.
    pub fn last_activity(&self) -> Timestamp {
        let stages = self.stages.values();
        let approved = stages.clone().flat_map(|there| there.approvals.iter().map(|approval| approval.at));
        let settled = stages.filter_map(|there| there.presence.as_ref().map(|presence| presence.since));
        approved.chain(settled).chain(self.left_last()).fold(self.created.at, Timestamp::max)
    }

    /// When it ceased to be current in the last of the stages that had it; `None` if none ever had.
    pub fn left_last(&self) -> Option<Timestamp> {
        let presences = self.stages.values().filter_map(|there| there.presence.as_ref());
        // A stage that was taken out of the project may have it still, as far as anybody knows: then its beginning counts.
        presences.map(|presence| presence.left.as_ref().map_or(presence.since, |left| left.at)).max()
    }

    /// Its latest time as the current release of `stage`.
    pub fn presence(&self, stage: &StageName) -> Option<&Presence> {
        self.stages.get(stage)?.presence.as_ref()
    }
}

impl Presence {
    pub(super) fn begin(at: Timestamp, index: u64, unsettled: bool, before: Option<&Self>) -> Self {
        // What is settled at once needs nothing from before.
        let settled_before = unsettled && before.is_some_and(Self::has_settled);
        Self { since: at, index, left: None, healthy: Span::ZERO, healthy_since: Some(at), unsettled, settled_before }
    }

    /// Every target has it: from now on its time counts.
    pub(super) fn settle(&mut self, at: Timestamp) {
        (self.unsettled, self.settled_before, self.healthy) = (false, false, Span::ZERO);
        self.healthy_since = self.healthy_since.map(|_| at);
    }

    /// Whether it is or was settled in the stage, now or in an earlier time as the current release.
    pub fn has_settled(&self) -> bool {
        !self.unsettled || self.settled_before
    }

    pub(super) fn report(&mut self, at: Timestamp, healthy: bool) {
        match (self.healthy_since, healthy) {
            (Some(since), false) => {
                self.healthy = self.healthy.plus(at.since(since));
                self.healthy_since = None;
            }
            (None, true) => self.healthy_since = Some(at),
            (Some(_), true) | (None, false) => {}
        }
    }

    pub(super) fn end(&mut self, at: Timestamp, rolled_back: bool) {
        let unhealthy = !self.is_well();
        self.report(at, false);
        self.left = Some(Left { at, rolled_back, unhealthy });
    }

    /// Whether the last that was reported of it is good, or was when it left.
    pub fn is_well(&self) -> bool {
        self.left.as_ref().map_or(self.healthy_since.is_some(), |left| !left.unhealthy)
    }

    /// How much healthy time it has had by `now`, since it was settled.
    pub fn healthy_time(&self, now: Timestamp) -> Span {
        if self.unsettled {
            return Span::ZERO;
        }
        self.healthy_since.map_or(self.healthy, |since| self.healthy.plus(now.since(since)))
    }
}
