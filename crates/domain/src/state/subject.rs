//! What is known about a digest within a project.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::State;
use crate::{
    Digest, EvidenceKind, EvidenceName, EvidenceResult, Party, PredicateType, ProjectName, Refusal, RepositoryName,
    SignerId, Statement, Timestamp,
};

/// How many groups of evidence (kind, name, who vouched, who signed) one digest has at most.
pub const GROUPS_MAX: usize = 1000;
/// How many signed statements about one digest are remembered, so that none counts twice. More are not recorded.
pub const STATEMENTS_MAX: usize = 1000;
/// How many pieces of a group are kept at hand. Only the latest counts; all of them stay in the ledger.
const KEPT_PER_GROUP: usize = 2;

/// What is known about a digest within a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Where it was pushed to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub repositories: BTreeSet<RepositoryName>,
    /// Whether a release names it.
    #[serde(default)]
    pub in_release: bool,
    /// The last time that it was pushed, tagged, or put into a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched: Option<Touched>,
    /// Evidence about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Every signed statement about it that was ever recorded, with who signed it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<Digest, BTreeSet<SignerId>>,
}

/// A time, and the entry of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touched {
    /// The entry.
    pub index: u64,
    /// When.
    pub at: Timestamp,
}

/// A recorded statement about a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The entry that recorded it.
    pub index: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who vouched for it.
    pub by: Party,
    /// What it is.
    pub kind: EvidenceKind,
    /// Which one of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<EvidenceName>,
    /// What it says.
    pub result: EvidenceResult,
    /// The blob that holds the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
    /// What of it was signed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}

impl Evidence {
    /// What sets it apart from evidence that does not take its place: what it is, who gave it, and whose signature it has on what.
    fn group(&self) -> Group<'_> {
        Group::new(&self.kind, self.name.as_ref(), &self.by, self.statement.as_ref())
    }
}

/// Evidence of one group takes the place of earlier evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group<'a> {
    kind: &'a EvidenceKind,
    name: Option<&'a EvidenceName>,
    by: &'a Party,
    signed: Option<(&'a PredicateType, &'a BTreeSet<SignerId>)>,
}

impl<'a> Group<'a> {
    fn new(
        kind: &'a EvidenceKind,
        name: Option<&'a EvidenceName>,
        by: &'a Party,
        statement: Option<&'a Statement>,
    ) -> Self {
        Self { kind, name, by, signed: statement.map(|signed| (&signed.predicate, &signed.signers)) }
    }
}

impl Subject {
    pub(super) fn record(&mut self, evidence: Evidence) {
        if let Some(statement) = &evidence.statement {
            self.said.entry(statement.digest.clone()).or_default().extend(statement.signers.iter().cloned());
        }
        let same = |one: &Evidence| one.group() == evidence.group();
        if self.evidence.iter().filter(|one| same(one)).count() >= KEPT_PER_GROUP
            && let Some(oldest) = self.evidence.iter().position(same)
        {
            self.evidence.remove(oldest);
        }
        self.evidence.push(evidence);
    }

    /// Of those who signed a statement, those who were not known to have said just this before. An old word does not become the latest by being brought
    /// once more.
    pub fn new_signers(&self, statement: &Statement) -> BTreeSet<SignerId> {
        let known = self.said.get(&statement.digest);
        statement.signers.iter().filter(|signer| !known.is_some_and(|known| known.contains(*signer))).cloned().collect()
    }

    /// Whether one more group of evidence would be too many.
    pub fn is_full_for(
        &self,
        kind: &EvidenceKind,
        name: Option<&EvidenceName>,
        by: &Party,
        statement: Option<&Statement>,
    ) -> bool {
        let groups: BTreeSet<_> = self.evidence.iter().map(Evidence::group).collect();
        groups.len() >= GROUPS_MAX && !groups.contains(&Group::new(kind, name, by, statement))
    }
}

impl State {
    /// Refuses to part with a digest that somebody needs by itself: a release names it, or somebody claims it.
    pub(crate) fn refuse_needed(&self, project: &ProjectName, digest: &Digest, now: Timestamp) -> Result<(), Refusal> {
        if self.subject(project, digest).is_some_and(|known| known.in_release) {
            return Err(Refusal::ArtifactInUse { digest: digest.clone() });
        }
        self.refuse_claimed(project, digest, now)
    }
}
