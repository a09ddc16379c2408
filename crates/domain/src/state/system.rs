//! What concerns the whole ledger.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Mark;
use crate::{Digest, Grant, Party, ProjectName, Timestamp};

/// Holds and the names of projects. Always loaded, so pulls and promotions look holds up without a read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The origin of the ledger.
    pub origin: String,
    /// The projects there are.
    pub projects: BTreeSet<ProjectName>,
    /// The holds in force, by digest.
    pub holds: BTreeMap<Digest, Vec<Hold>>,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// In this project only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Who, when and why.
    pub mark: Mark,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The SHA-256 digest of the secret.
    pub hash: Digest,
    /// Who acts with it.
    pub party: Party,
    /// What it allows.
    pub grants: Vec<Grant>,
    /// When it ends.
    pub expires: Timestamp,
    /// Who issued it.
    pub issued_by: Party,
    /// Who revoked it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Mark>,
}

impl System {
    /// The hold that keeps `digest` from being used in `project`, if there is one.
    pub fn hold_on(&self, digest: &Digest, project: &ProjectName) -> Option<&Hold> {
        self.holds.get(digest)?.iter().find(|hold| hold.project.as_ref().is_none_or(|held_in| held_in == project))
    }
}

impl Token {
    /// Whether the token opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}
