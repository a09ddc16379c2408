//! Evidence: recording it and reading it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Digest, EvidenceKind, EvidenceName, EvidenceResult, Party, PredicateType, SignerId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Records evidence about a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequest {
    /// The artifact or release that it is about.
    #[schema(value_type = String)]
    pub subject: Digest,
    /// What it is, for example `tests`.
    #[schema(value_type = String)]
    pub kind: EvidenceKind,
    /// Which one of the kind, for example the suite `unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<EvidenceName>,
    /// What it says: `passed`, `warned` or `failed`.
    #[schema(value_type = String)]
    pub result: EvidenceResult,
    /// More that it says, for people and for search.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// The whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
}

/// Records what a signed statement says about a digest: a DSSE envelope or a Sigstore bundle, over a statement of in-toto. What it is and what it says is
/// read from it; whose signatures count is said by the project's file, under `trust`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedEvidenceRequest {
    /// The artifact or release that it is about.
    #[schema(value_type = String)]
    pub subject: Digest,
    /// The signed document.
    pub document: Document,
}

/// What of some evidence was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedStatement {
    /// The digest of what was signed, whatever it came wrapped in.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What kind of thing it says, as a predicate type of in-toto.
    #[schema(value_type = String)]
    pub predicate: PredicateType,
    /// Whose signatures held when it was recorded: `key:` and the SHA-256 of a public key.
    #[schema(value_type = Vec<String>)]
    pub signers: BTreeSet<SignerId>,
    /// What of it gates ask for, for example `builder` and `source` of a build.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// The document that holds the whole of some evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Document {
    /// Its bytes, in Base64 (RFC 4648, with padding), at most 1 MiB of them; the server stores them as a blob.
    Base64(String),
    /// The digest of a blob that is stored already.
    #[schema(value_type = String)]
    Digest(Digest),
}

/// What is known about a digest in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceList {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The digest.
    #[schema(value_type = String)]
    pub subject: Digest,
    /// Evidence about it, oldest first: of each kind, name and party the latest two. `trace` has all of it.
    pub items: Vec<Evidence>,
}

/// A recorded statement about a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What it is about, where evidence about several digests is listed together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub subject: Option<Digest>,
    /// The entry that recorded it.
    pub index: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who vouched for it.
    #[schema(value_type = String)]
    pub by: Party,
    /// What it is.
    #[schema(value_type = String)]
    pub kind: EvidenceKind,
    /// Which one of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<EvidenceName>,
    /// What it says.
    #[schema(value_type = String)]
    pub result: EvidenceResult,
    /// The blob that holds the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub document: Option<Digest>,
    /// What of it was signed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<SignedStatement>,
}

impl From<domain::Evidence> for Evidence {
    fn from(evidence: domain::Evidence) -> Self {
        let domain::Evidence { index, at, by, kind, name, result, document, statement } = evidence;
        let statement = statement.map(Into::into);
        Self { subject: None, index, at, by, kind, name, result, document, statement }
    }
}

impl From<domain::Statement> for SignedStatement {
    fn from(statement: domain::Statement) -> Self {
        let domain::Statement { digest, predicate, signers, claims } = statement;
        Self { digest, predicate, signers, claims }
    }
}
