//! Gates: what must hold for a release to enter a stage, and the answer that explains itself.
//!
//! A [`Gate`] is what `after` asks for and a list of [`Requirement`]s. [`evaluate`] is a pure function of the state, the release, who asks
//! and the time; it stores nothing, so an answer is never older than the question.
//!
//! To add a kind of requirement: one file in `gate/`, one variant and three match arms in this file, one row of the table in
//! `docs/concepts/promotion.md`.

mod approvals;
mod attestation;
mod evidence;
mod held;
mod steered;
#[cfg(test)]
pub(crate) mod tests;
mod upstream;

use serde::{Deserialize, Serialize};

pub use approvals::Approvals;
pub use attestation::AttestationRequirement;
pub use evidence::EvidenceRequirement;

use crate::{
    Digest, Party, ProjectConfig, ProjectName, Refusal, Release, ReleaseId, Span, StageName, State, Subject, Timestamp,
    Trust, canonical, config::Upstream,
};

/// What must hold for a release to enter a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What `after` asks for.
    pub upstream: Upstream,
    /// What else is required.
    pub requirements: Vec<Requirement>,
}

/// One thing that must hold. Written as a map of one member, the kind: `evidence: {...}`, `approvals: {...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Evidence of a named kind with a result.
    Evidence(EvidenceRequirement),
    /// A signed statement of a named predicate type.
    Attestation(AttestationRequirement),
    /// A number of people who said yes.
    Approvals(Approvals),
}

/// How a requirement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It holds.
    Met,
    /// It does not hold.
    Unmet,
    /// It does not hold, and somebody with the right to say so lets that pass.
    Waived,
    /// It cannot be told, which keeps the gate closed.
    Unknown,
}

/// The answer for one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of requirement, for example `evidence`.
    pub requirement: String,
    /// How it stands.
    pub status: Status,
    /// Why, as a clause that names things.
    pub because: String,
    /// The ledger entries that say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
    /// What to do about it, as a sentence or a command to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// When time alone will meet it, if nothing else changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_at: Option<Timestamp>,
}

/// A gate's whole answer at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The project.
    pub project: ProjectName,
    /// The stage whose gate it is.
    pub stage: StageName,
    /// The release that would enter.
    pub release: ReleaseId,
    /// The time for which the answer holds.
    pub at: Timestamp,
    /// How many ledger entries it takes into account.
    pub as_of: u64,
    /// The digest of the gate's definition: its version.
    pub gate: Digest,
    /// The answer for each requirement, in the gate's order.
    pub findings: Vec<Finding>,
}

/// A decision as the promotion's entry keeps it: enough to know on what evidence it stood, and the digest of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRecord {
    /// The digest of the [`Decision`]'s canonical form.
    pub digest: Digest,
    /// The digest of the gate's definition.
    pub gate: Digest,
    /// The answers, one for each kind of requirement and status.
    pub findings: Vec<FindingRecord>,
}

/// The answers for all requirements of one kind, as the promotion's entry keeps them: together, so that a large gate fits into an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingRecord {
    /// The kind of requirement.
    pub requirement: String,
    /// How it stood.
    pub status: Status,
    /// The ledger entries that said so, each once, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
}

/// What a requirement may look at.
pub(crate) struct Question<'a> {
    pub state: &'a State,
    pub name: &'a ProjectName,
    pub stage: &'a StageName,
    pub id: &'a ReleaseId,
    pub release: &'a Release,
    /// Who asks to promote: whose own approval does not count.
    pub asker: &'a Party,
    pub gate: &'a Digest,
    pub now: Timestamp,
}

impl Gate {
    /// The digest of the canonical form: the gate's version, which approvals are bound to.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&canonical::to_vec(self))
    }
}

impl Requirement {
    /// Checks what the values alone do not show. The problem is a sentence for the reader of the project's file.
    pub fn check(&self, config: &ProjectConfig) -> Result<(), String> {
        match self {
            Self::Evidence(requirement) => requirement.check(config),
            Self::Attestation(requirement) => requirement.check(config),
            Self::Approvals(requirement) => requirement.check(config),
        }
    }

    /// How many pieces of evidence it asks for, about each component.
    pub(crate) fn pieces(&self) -> usize {
        match self {
            Self::Evidence(_) => 1,
            Self::Attestation(requirement) => requirement.threshold as usize,
            Self::Approvals(_) => 0,
        }
    }

    fn findings(&self, question: &Question<'_>) -> Vec<Finding> {
        match self {
            Self::Evidence(requirement) => requirement.findings(question),
            Self::Attestation(requirement) => requirement.findings(question),
            Self::Approvals(requirement) => vec![requirement.finding(question)],
        }
    }
}

impl Status {
    /// Whether the gate may open as far as this requirement goes.
    pub fn lets_in(self) -> bool {
        matches!(self, Self::Met | Self::Waived)
    }
}

impl Finding {
    fn new(requirement: &str, status: Status, because: String) -> Self {
        Self { requirement: requirement.into(), status, because, entries: Vec::new(), next_step: None, met_at: None }
    }

    fn met(requirement: &str, because: String) -> Self {
        Self::new(requirement, Status::Met, because)
    }

    fn unmet(requirement: &str, because: String, next_step: String) -> Self {
        Self { next_step: Some(next_step), ..Self::new(requirement, Status::Unmet, because) }
    }

    fn by(mut self, entries: impl IntoIterator<Item = u64>) -> Self {
        self.entries.extend(entries);
        self
    }
}

impl Decision {
    /// Whether the release may enter.
    pub fn lets_in(&self) -> bool {
        self.findings.iter().all(|finding| finding.status.lets_in())
    }

    /// When time alone will open the gate, if nothing else is missing.
    pub fn opens_at(&self) -> Option<Timestamp> {
        let open = self.findings.iter().filter(|finding| !finding.status.lets_in());
        open.map(|finding| finding.met_at).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The form that the promotion's entry keeps.
    pub fn record(&self) -> DecisionRecord {
        let mut findings: Vec<FindingRecord> = Vec::new();
        for Finding { requirement, status, entries, .. } in &self.findings {
            match findings.iter_mut().find(|record| record.requirement == *requirement && record.status == *status) {
                Some(record) => record.entries.extend(entries),
                None => findings.push(FindingRecord {
                    requirement: requirement.clone(),
                    status: *status,
                    entries: entries.clone(),
                }),
            }
        }
        for record in &mut findings {
            record.entries.sort_unstable();
            record.entries.dedup();
        }
        DecisionRecord { digest: Digest::sha256(&canonical::to_vec(self)), gate: self.gate.clone(), findings }
    }
}

/// Asks the gate of `stage` about `release`, as if `asker` wanted to promote it at `now`.
///
/// What [`State::gate_needs`] names must be loaded. Refuses only when project, stage or release do not exist: everything else is an answer.
pub fn evaluate(
    state: &State,
    name: &ProjectName,
    stage: &StageName,
    id: &ReleaseId,
    asker: &Party,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let project = state.project(name).ok_or_else(|| Refusal::ProjectUnknown { project: name.clone() })?;
    let configured = project.config.stages.get(stage).ok_or_else(|| Refusal::StageUnknown {
        project: name.clone(),
        stage: stage.clone(),
        known: project.config.stages_in_order().into_iter().cloned().collect(),
    })?;
    let release = state
        .release(name, id)
        .ok_or_else(|| Refusal::ReleaseUnknown { project: name.clone(), release: id.clone() })?;
    let gate = configured.full_gate();
    let version = gate.digest();
    let question = Question { state, name, stage, id, release, asker, gate: &version, now };
    let mut findings = vec![held::finding(&question)];
    findings.extend(steered::findings(&question));
    findings.extend(upstream::findings(&gate.upstream, &question));
    findings.extend(gate.requirements.iter().flat_map(|requirement| requirement.findings(&question)));
    Ok(Decision {
        project: name.clone(),
        stage: stage.clone(),
        release: id.clone(),
        at: now,
        as_of: state.size(),
        gate: version,
        findings,
    })
}

impl<'a> Question<'a> {
    fn subject(&self, digest: &Digest) -> Option<&'a Subject> {
        self.state.subject(self.name, digest).map(|subject| &**subject)
    }

    fn trust(&self) -> Option<&'a Trust> {
        self.state.project(self.name).map(|project| &project.config.trust)
    }
}

fn age(now: Timestamp, then: Timestamp) -> Span {
    let full = now.since(then).as_millis();
    Span::from_millis(if full >= 1000 { full - full % 1000 } else { full })
}
