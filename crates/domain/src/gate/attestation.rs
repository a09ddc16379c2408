//! Signed statements of a named predicate type: provenance, test results, anything that somebody whom the project trusts has signed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Finding, Question, age,
    evidence::{is_passed, passed},
};
use crate::{
    Digest, Evidence, EvidenceResult, KeyName, PredicateType, ProjectConfig, Span, Statement, Subject, TrustedKey,
    trust::CLAIMS_MAX,
};

const KIND: &str = "attestation";

/// Requires a signed statement about every component, or about the release as a whole. Of each trusted key the *latest* word counts, on the
/// component or on the release: a key that says no keeps the gate closed, whatever others say. What others sign neither helps nor harms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationRequirement {
    /// What kind of thing is to be said.
    #[serde(rename = "type")]
    pub predicate: PredicateType,
    /// By which keys, as `trust` names them. Every one that may attest it, unless it says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<KeyName>,
    /// By how many different ones.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub threshold: u32,
    /// The worst result that is good enough, of what has one: test results, reports of scanners.
    #[serde(default = "passed", skip_serializing_if = "is_passed")]
    pub result: EvidenceResult,
    /// How old it may be, since it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// What it must claim, for example `builder` of a build; a value that ends in `*` is how it must begin.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

/// What one key has said last.
struct Word<'a> {
    key: &'a KeyName,
    evidence: &'a Evidence,
    /// Why that is not enough.
    problem: Option<String>,
}

impl AttestationRequirement {
    pub(super) fn check(&self, config: &ProjectConfig) -> Result<(), String> {
        if self.predicate.is_any() {
            return Err("`type` is one predicate type: which one has to be said".into());
        }
        if let Some(unknown) = self.by.iter().find(|name| !config.trust.keys.contains_key(*name)) {
            let known: Vec<_> = config.trust.keys.keys().map(KeyName::as_str).collect();
            return Err(format!("unknown key `{unknown}`; the keys under `trust` are: {}", known.join(", ")));
        }
        let able = self.keys(config).filter(|(_, key)| key.may_attest(&self.predicate)).count();
        if self.threshold == 0 || self.threshold as usize > able {
            return Err(format!(
                "`threshold` is {}, and {able} of the keys may attest `{}`: see `trust`",
                self.threshold, self.predicate
            ));
        }
        if self.result == EvidenceResult::Failed {
            return Err("`result: failed` would let everything in; write `passed` or `warned`".into());
        }
        if self.max_age == Some(Span::ZERO) {
            return Err("`max_age` must be longer than `0s`: nothing is that fresh".into());
        }
        if self.claims.len() > CLAIMS_MAX {
            return Err(format!("`where` has at most {CLAIMS_MAX} claims"));
        }
        Ok(())
    }

    pub(super) fn findings(&self, question: &Question<'_>) -> Vec<Finding> {
        let about_release = question.subject(question.id.digest());
        let judge = |(component, digest)| self.judge(component, digest, about_release, question);
        question.release.contents.components.iter().map(judge).collect()
    }

    fn judge(
        &self,
        component: &crate::ComponentName,
        digest: &Digest,
        about_release: Option<&Subject>,
        question: &Question<'_>,
    ) -> Finding {
        let what = format!("`{}` of `{component}`", self.predicate);
        let said: Vec<_> = [question.subject(digest), about_release]
            .into_iter()
            .flatten()
            .flat_map(|subject| &subject.evidence)
            .filter_map(|one| Some((one, one.statement.as_ref().filter(|said| said.predicate == self.predicate)?)))
            .collect();
        let Some(project) = question.state.project(question.name) else {
            return self.unmet(format!("there is no {what}"), digest, question);
        };
        let words: Vec<Word<'_>> =
            self.keys(&project.config).filter_map(|(name, key)| self.last_word(name, key, &said, question)).collect();
        let (good, bad): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.problem.is_none());
        let refused = bad.iter().find(|word| word.evidence.result == EvidenceResult::Failed);
        if refused.is_none() && good.len() >= self.threshold as usize {
            let by: Vec<_> =
                good.iter().map(|word| format!("`{}` {} ago", word.key, age(question.now, word.evidence.at))).collect();
            let met = Finding::met(KIND, format!("{what} is signed by {}", by.join(" and ")));
            return met.by(good.iter().map(|word| word.evidence.index));
        }
        let problems: Vec<_> = bad.iter().filter_map(|word| word.problem.clone()).collect();
        let because = if !problems.is_empty() {
            format!("{what} does not do: {}", problems.join("; "))
        } else if !good.is_empty() {
            format!("{what} is signed by {} of {} trusted keys", good.len(), self.threshold)
        } else if said.is_empty() {
            format!("there is no {what}")
        } else {
            format!("{what} is signed, but not by a key that the project trusts with it")
        };
        self.unmet(because, digest, question).by(words.iter().map(|word| word.evidence.index))
    }

    /// What a key has said last, if anything of it counts at all.
    fn last_word<'a>(
        &self,
        name: &'a KeyName,
        key: &TrustedKey,
        said: &[(&'a Evidence, &'a Statement)],
        question: &Question<'_>,
    ) -> Option<Word<'a>> {
        let by_it = said.iter().filter(|(_, statement)| statement.signers.contains(key.key.id()));
        let counted = by_it.clone().filter(|(one, _)| key.distrusted(&self.predicate, one.at).is_none());
        if let Some((evidence, statement)) = counted.max_by_key(|(one, _)| one.index) {
            let problem = self.problem(evidence, statement, question).map(|problem| format!("`{name}`: {problem}"));
            return Some(Word { key: name, evidence, problem });
        }
        // Nothing of it counts: the latest tells why.
        let (evidence, _) = by_it.max_by_key(|(one, _)| one.index)?;
        let why = key.distrusted(&self.predicate, evidence.at)?;
        Some(Word { key: name, evidence, problem: Some(format!("the key `{name}` is {why}")) })
    }

    fn problem(&self, evidence: &Evidence, statement: &Statement, question: &Question<'_>) -> Option<String> {
        if evidence.result > self.result {
            return Some(format!("it says {}", evidence.result));
        }
        if self.max_age.is_some_and(|limit| question.now.since(evidence.at) > limit) {
            let limit = self.max_age.unwrap_or_default();
            return Some(format!("it is {} old, at most {limit} allowed", age(question.now, evidence.at)));
        }
        self.claims.iter().find_map(|(claim, expected)| match statement.claims.get(claim) {
            None => Some(format!("it claims no `{claim}`, and `{expected}` is required")),
            Some(found) => {
                let is_so = expected.strip_suffix('*').map_or(found == expected, |start| found.starts_with(start));
                (!is_so).then(|| format!("its `{claim}` is `{found}`, and `{expected}` is required"))
            }
        })
    }

    /// The keys that are asked.
    fn keys<'a>(&'a self, config: &'a ProjectConfig) -> impl Iterator<Item = (&'a KeyName, &'a TrustedKey)> {
        config.trust.keys.iter().filter(|(name, _)| self.by.is_empty() || self.by.contains(name))
    }

    fn unmet(&self, because: String, digest: &Digest, question: &Question<'_>) -> Finding {
        let next = format!("selfsame attest {digest} --project {} --signed FILE", question.name);
        Finding::unmet(KIND, because, next)
    }
}
