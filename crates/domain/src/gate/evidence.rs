//! Evidence of a named kind with a result: tests by suite, a scan, anything.

use serde::{Deserialize, Serialize};

use super::{Finding, Question, Status, age};
use crate::{Digest, Evidence, EvidenceKind, EvidenceName, EvidenceResult, Party, ProjectConfig, Span, Subject};

const KIND: &str = "evidence";

/// Requires evidence about every component, or about the release as a whole. Of each kind and name the *latest* counts, whoever of the
/// allowed parties gave it, and whether it is about the component or the release: an earlier pass never covers a later failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequirement {
    /// What it is, for example `tests`.
    pub kind: EvidenceKind,
    /// Which one of the kind, for example the suite `unit`. Any, unless it says so.
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

fn passed() -> EvidenceResult {
    EvidenceResult::Passed
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_passed(result: &EvidenceResult) -> bool {
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
        let about_release = self.latest(question.subject(question.id.digest()));
        let mut findings = Vec::new();
        let mut release_counts = false;
        for (component, digest) in &question.release.contents.components {
            let what = format!("`{component}`");
            match (self.latest(question.subject(digest)), about_release) {
                (Some(own), whole) if whole.is_none_or(|whole| whole.index < own.index) => {
                    findings.push(self.judge(own, &what, question));
                }
                (None, None) => findings.push(self.missing(&what, digest, question)),
                _ => release_counts = true,
            }
        }
        let about_release =
            about_release.filter(|_| release_counts).map(|whole| self.judge(whole, "the release", question));
        about_release.into_iter().chain(findings).collect()
    }

    fn latest<'a>(&self, subject: Option<&'a Subject>) -> Option<&'a Evidence> {
        let matches = |one: &&Evidence| {
            one.kind == self.kind
                && (self.name.is_none() || one.name == self.name)
                && (self.by.is_empty() || self.by.contains(&one.by))
        };
        subject?.evidence.iter().rfind(matches)
    }

    fn judge(&self, evidence: &Evidence, what: &str, question: &Question<'_>) -> Finding {
        let title = self.title();
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
        let title = self.title();
        let others = question.subject(digest).map_or(0, |subject| {
            let other = |one: &&Evidence| one.kind == self.kind && (self.name.is_none() || one.name == self.name);
            subject.evidence.iter().filter(other).count()
        });
        let because = if others > 0 {
            let by: Vec<_> = self.by.iter().map(Party::to_string).collect();
            format!("{title} of {what} was recorded, but not by {}", by.join(" or "))
        } else {
            format!("there is no {title} of {what}")
        };
        let name = self.name.as_ref().map(|name| format!(" --name {name}")).unwrap_or_default();
        let next =
            format!("selfsame attest {digest} --project {} --kind {}{name} --result passed", question.name, self.kind);
        Finding { status: Status::Unmet, ..Finding::unmet(KIND, because, next) }
    }

    fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("evidence `{}` (`{name}`)", self.kind),
            None => format!("evidence `{}`", self.kind),
        }
    }
}
