//! What a gate answers.

use domain::{Digest, Place, ProjectName, ReleaseId, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a release stands in a stage, and the gate's whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateAnswer {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// In one word.
    pub standing: Standing,
    /// Whether the gate lets the release in.
    pub lets_in: bool,
    /// When time alone will open the gate, if nothing else is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opens_at: Option<Timestamp>,
    /// Each requirement's answer.
    pub decision: Decision,
}

/// A gate's whole answer at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The stage whose gate it is.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// The release that would enter.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The time for which the answer holds.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many ledger entries it takes into account.
    pub as_of: u64,
    /// The digest of the gate's definition: its version, which approvals are bound to.
    #[schema(value_type = String)]
    pub gate: Digest,
    /// The answer for each requirement, in the gate's order.
    pub findings: Vec<Finding>,
}

/// The answer for one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[schema(value_type = Option<String>, format = DateTime)]
    pub met_at: Option<Timestamp>,
}

/// Declares the wire's side of an enum of `domain`, with the same variants, and the conversion.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl From<domain::$name> for $name {
            fn from(from: domain::$name) -> Self {
                match from { $(domain::$name::$variant => Self::$variant),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => stringify!($variant)),* }.to_lowercase().as_str())
            }
        }
    };
}

mirror! {
    /// How a release stands in a stage.
    Standing {
        /// It is what the stage has.
        Current,
        /// It is what the stage had just before.
        Previous,
        /// The stage had it, or went past it: a release created later is there.
        Superseded,
        /// The gate lets it in.
        Eligible,
        /// The gate does not let it in yet.
        Blocked,
        /// It may never enter.
        Vetoed,
        /// Nobody may use it, anywhere.
        Held,
    }
}

mirror! {
    /// How a requirement stands.
    Status {
        /// It holds.
        Met,
        /// It does not hold.
        Unmet,
        /// It does not hold, and somebody with the right to say so lets that pass.
        Waived,
        /// It cannot be told, which keeps the gate closed.
        Unknown,
    }
}

impl From<domain::Decision> for Decision {
    fn from(decision: domain::Decision) -> Self {
        let domain::Decision { project, stage, release, at, as_of, gate, findings } = decision;
        Self { project, stage, release, at, as_of, gate, findings: findings.into_iter().map(Finding::from).collect() }
    }
}

impl From<domain::Finding> for Finding {
    fn from(finding: domain::Finding) -> Self {
        let domain::Finding { requirement, status, because, entries, next_step, met_at } = finding;
        Self { requirement, status: status.into(), because, entries, next_step, met_at }
    }
}

impl From<Place> for GateAnswer {
    fn from(place: Place) -> Self {
        Self {
            as_of: place.decision.as_of,
            standing: place.standing.into(),
            lets_in: place.decision.lets_in(),
            opens_at: place.decision.opens_at(),
            decision: place.decision.into(),
        }
    }
}
