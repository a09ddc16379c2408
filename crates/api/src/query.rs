//! What is asked for beside the path: one type for each query string, written by the client and read by the server.

use domain::{Digest, Party, ProjectName, Span, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// What to ask a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GateQuery {
    /// The release: its id, a prefix of at least 6 hexadecimal digits that no other release has, a stage that has it, or `latest`.
    pub release: String,
    /// At this time, gone by or to come; now without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// As if this party wanted to promote; oneself without it.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub asker: Option<Party>,
}

/// Of which promotion the receipts are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReceiptsQuery {
    /// The entry of the promotion; the last one of what the stage has without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<u64>,
}

/// Which part of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Of this stage only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub stage: Option<StageName>,
    /// Only what was current at this time: one transition for each stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// The `next` of the part before; from the beginning without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many transitions at most: 1 to 1000, 100 unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// Those after the entry with this index; from the first without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Those about this project; all without it, for whoever may read everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// How many entries to look at, at most: 1 to 1000, 100 unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// How long to wait for one, at most 30 s, for example `20s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub wait: Option<Span>,
}

/// What evidence is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EvidenceQuery {
    /// The digest of an artifact, a configuration or a release.
    #[param(value_type = String)]
    pub subject: Digest,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DiffQuery {
    /// One side: a stage, a release's id or six or more of its first digits, or `latest`.
    pub from: String,
    /// The other side, named like the one.
    pub to: String,
}

/// Whether a configuration is put in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApplyQuery {
    /// Answer with what would change, after the same refusals as in earnest, and write nothing.
    #[serde(default)]
    #[param(required = false)]
    pub dry_run: bool,
}

/// Why something is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReasonQuery {
    /// Why.
    #[serde(default)]
    #[param(required = false)]
    pub reason: String,
}

/// Which hold ends, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UnholdQuery {
    /// The hold in this project; the one everywhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Why.
    #[serde(default)]
    #[param(required = false)]
    pub reason: String,
}

/// Which rows of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StateQuery {
    /// Those after this key; from the first without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many rows at most: 1 to 1000, 1000 unless it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    pub limit: Option<u32>,
}
