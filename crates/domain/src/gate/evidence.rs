//! Evidence of a named kind with a result: tests by suite, a scan, anything.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{Finding, Question, age};
use crate::{
    Digest, Evidence, EvidenceKind, EvidenceName, EvidenceResult, Party, ProjectConfig, Span, Subject, Timestamp,
};

const KIND: &str = "evidence";

/// Requires evidence about every component, or about the release as a whole. Of each kind and name the *latest* counts, whoever of the
/// allowed parties gave it, and whether it is about the component or the release: an earlier pass never covers a later failure. Where no
/// name is asked for, the latest of every name that there is must be good enough: a pass of one suite never covers the failure of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequirement {
    /// What it is, for example `tests`.
    pub kind: EvidenceKind,
    /// Which one of the kind, for example the suite `unit`. Every one that there is, and at least one, unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<EvidenceName>,
    /// The worst result that is good enough.
    #[serde(default = "passed", skip_serializing_if = "is_passed")]
    pub result: EvidenceResult,
    /// How old it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// Who may give it. Anybody allowed to attest, unless it says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Party>,
}

pub(super) fn passed() -> EvidenceResult {
    EvidenceResult::Passed
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(super) fn is_passed(result: &EvidenceResult) -> bool {
    *result == EvidenceResult::Passed
}

impl EvidenceRequirement {
    pub(super) fn check(&self, _: &ProjectConfig) -> Result<(), String> {
        if self.result == EvidenceResult::Failed {
            return Err("`result: failed` would let everything in; write `passed` or `warned`".into());
        }
        if self.max_age == Some(Span::ZERO) {
            return Err("`max_age` must be longer than `0s`: nothing is that fresh".into());
        }
        Ok(())
    }

    pub(super) fn findings(&self, question: &Question<'_>) -> Vec<Finding> {
        let about_release = question.subject(question.id.digest());
        let mut findings = Vec::new();
        let mut of_release: Option<&Evidence> = None;
        for (component, digest) in &question.release.contents.components {
            let what = format!("`{component}`");
            match self.worst(question.subject(digest), about_release, question) {
                Some((own, false)) => findings.push(self.judge(own, &what, question)),
                Some((whole, true)) => {
                    of_release = [of_release, Some(whole)]
                        .into_iter()
                        .flatten()
                        .max_by_key(|one| self.badness(one, question.now));
                }
                None => findings.push(self.missing(&what, digest, question)),
            }
        }
        let of_release = of_release.map(|whole| self.judge(whole, "the release", question));
        of_release.into_iter().chain(findings).collect()
    }

    /// Of each name the latest, be it about the component or the release, and of those the one that is furthest from good enough; with
    /// whether it is about the release.
    fn worst<'a>(
        &self,
        component: Option<&'a Subject>,
        release: Option<&'a Subject>,
        question: &Question<'_>,
    ) -> Option<(&'a Evidence, bool)> {
        let mut latest: BTreeMap<Option<&EvidenceName>, (&Evidence, bool)> = BTreeMap::new();
        for (subject, whole) in [(component, false), (release, true)] {
            let counted = |one: &&Evidence| self.counts(one, question);
            for one in subject.into_iter().flat_map(|subject| &subject.evidence).filter(counted) {
                let known = latest.entry(one.name.as_ref()).or_insert((one, whole));
                if known.0.index < one.index {
                    *known = (one, whole);
                }
            }
        }
        latest.into_values().max_by_key(|(one, _)| self.badness(one, question.now))
    }

    /// What is signed counts as long as the project trusts one of those who signed it with that.
    fn counts(&self, one: &Evidence, question: &Question<'_>) -> bool {
        let is_believed = |statement| question.trust().is_some_and(|trust| trust.believes(statement, one.at));
        one.kind == self.kind
            && one.statement.as_ref().is_none_or(is_believed)
            && (self.name.is_none() || one.name == self.name)
            && (self.by.is_empty() || self.by.contains(&one.by))
    }

    /// How far from good enough: first by what it says, then by its age.
    fn badness(&self, one: &Evidence, now: Timestamp) -> (bool, bool, EvidenceResult, Reverse<u64>) {
        let expired = self.max_age.is_some_and(|limit| now.since(one.at) > limit);
        (one.result > self.result, expired, one.result, Reverse(one.index))
    }

    fn judge(&self, evidence: &Evidence, what: &str, question: &Question<'_>) -> Finding {
        let title = self.title_of(evidence.name.as_ref());
        let old = age(question.now, evidence.at);
        let finding = if evidence.result > self.result {
            let because = format!("{title} of {what} {}, says {}", evidence.result, evidence.by);
            Finding::unmet(KIND, because, format!("mend it, and record {title} again"))
        } else if self.max_age.is_some_and(|limit| question.now.since(evidence.at) > limit) {
            let limit = self.max_age.unwrap_or_default();
            let because = format!("{title} of {what} is {old} old, at most {limit} allowed");
            Finding::unmet(KIND, because, format!("run it again and record {title}"))
        } else {
            Finding::met(KIND, format!("{title} of {what} {} {old} ago, says {}", evidence.result, evidence.by))
        };
        finding.by([evidence.index])
    }

    fn missing(&self, what: &str, digest: &Digest, question: &Question<'_>) -> Finding {
        let title = self.title_of(self.name.as_ref());
        let others = question.subject(digest).map_or(0, |subject| {
            let other = |one: &&Evidence| one.kind == self.kind && (self.name.is_none() || one.name == self.name);
            subject.evidence.iter().filter(other).count()
        });
        let because = if others > 0 && self.by.is_empty() {
            format!("{title} of {what} was recorded, and is signed by nobody whom the project trusts with it now")
        } else if others > 0 {
            let by: Vec<_> = self.by.iter().map(Party::to_string).collect();
            format!("{title} of {what} was recorded, but not by {}", by.join(" or "))
        } else {
            format!("there is no {title} of {what}")
        };
        let name = self.name.as_ref().map(|name| format!(" --name {name}")).unwrap_or_default();
        let next =
            format!("selfsame attest {digest} --project {} --kind {}{name} --result passed", question.name, self.kind);
        Finding::unmet(KIND, because, next)
    }

    fn title_of(&self, name: Option<&EvidenceName>) -> String {
        match name {
            Some(name) => format!("evidence `{}` (`{name}`)", self.kind),
            None => format!("evidence `{}`", self.kind),
        }
    }
}
