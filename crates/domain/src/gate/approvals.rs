//! Approvals by a number of distinct people of a role, never by the person who asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Finding, Question};
use crate::{Approval, BUILT_IN_ROLES, ProjectConfig, RoleName, Span};

const KIND: &str = "approvals";
const COUNT_MAX: u32 = 20;

/// Requires people's approvals. An approval is bound to the release and to the gate as it was, so a changed gate asks anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// How many distinct people.
    pub count: u32,
    /// The role that each must have had when saying yes. Any role that can approve, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// How long an approval lasts. As long as the gate stays the same, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Span>,
}

impl Approvals {
    pub(super) fn check(&self, config: &ProjectConfig) -> Result<(), String> {
        if !(1..=COUNT_MAX).contains(&self.count) {
            return Err(format!("`count` must be between 1 and {COUNT_MAX}"));
        }
        if self.expires == Some(Span::ZERO) {
            return Err("`expires` must be longer than `0s`: no approval would ever count".into());
        }
        if let Some(role) = &self.role {
            let built_in = BUILT_IN_ROLES.iter().any(|(name, ..)| *name == role.as_str());
            if !built_in && !config.roles.contains_key(role) {
                return Err(format!("unknown role `{role}`: use a built-in one, or define it under `roles`"));
            }
        }
        Ok(())
    }

    pub(super) fn finding(&self, question: &Question<'_>) -> Finding {
        let approvals = question.release.in_stage(question.stage).map_or(&[][..], |there| &there.approvals);
        let mut people = BTreeSet::new();
        let mut entries = Vec::new();
        let mut discounted = Vec::new();
        for approval in approvals {
            match self.discount(approval, question) {
                Some(reason) => discounted.push(format!("{} does not count: {reason}", approval.by)),
                None => {
                    people.insert(&approval.by);
                    entries.push(approval.index);
                }
            }
        }
        let role = self.role.as_ref().map(|role| format!(" with role `{role}`")).unwrap_or_default();
        let have = people.len();
        let mut because = format!("{have} of {} people{role} have approved", self.count);
        if have >= self.count as usize {
            let names: Vec<_> = people.iter().map(ToString::to_string).collect();
            return Finding::met(KIND, format!("{because}: {}", names.join(", "))).by(entries);
        }
        if !discounted.is_empty() {
            because = format!("{because}; {}", discounted.join("; "));
        }
        let next = format!(
            "ask somebody{role} to run: selfsame approve {} --project {} --for {}",
            question.id, question.name, question.stage
        );
        Finding::unmet(KIND, because, next).by(entries)
    }

    fn discount(&self, approval: &Approval, question: &Question<'_>) -> Option<&'static str> {
        if approval.by == *question.asker {
            Some("who asks cannot approve")
        } else if approval.gate != *question.gate {
            Some("the gate has changed since")
        } else if self.expires.is_some_and(|limit| question.now.since(approval.at) > limit) {
            Some("it has expired")
        } else if self.role.as_ref().is_some_and(|role| !approval.roles.contains(role)) {
            Some("it was given without the role")
        } else {
            None
        }
    }
}
