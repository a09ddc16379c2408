//! What is known about a digest within a project.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::State;
use crate::{
    Digest, EvidenceKind, EvidenceName, EvidenceResult, Party, ProjectName, Refusal, RepositoryName, Timestamp,
};

/// How many groups of evidence (kind, name, who vouched) one digest has at most.
pub const GROUPS_MAX: usize = 1000;
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
}

impl Subject {
    pub(super) fn record(&mut self, evidence: Evidence) {
        let same = |one: &Evidence| one.kind == evidence.kind && one.name == evidence.name && one.by == evidence.by;
        if self.evidence.iter().filter(|one| same(one)).count() >= KEPT_PER_GROUP
            && let Some(oldest) = self.evidence.iter().position(same)
        {
            self.evidence.remove(oldest);
        }
        self.evidence.push(evidence);
    }

    /// Whether one more group of evidence would be too many.
    pub fn is_full_for(&self, kind: &EvidenceKind, name: Option<&EvidenceName>, by: &Party) -> bool {
        let mut groups = BTreeMap::new();
        for one in &self.evidence {
            *groups.entry((&one.kind, one.name.as_ref(), &one.by)).or_insert(0) += 1;
        }
        groups.len() >= GROUPS_MAX && !groups.contains_key(&(kind, name, by))
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
