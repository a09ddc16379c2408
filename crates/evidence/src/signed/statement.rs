//! Statements of in-toto: something said about artifacts, which are named by their digests and by nothing else (in-toto/attestation: spec/v1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{NotVerified, Verified, digest::Digest, dsse::Payload, encoding};
use crate::{Unreadable, at_most};

/// The payload type of statements. The specification lets others name the predicate in it; no verifier in use accepts those, and neither do we.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What somebody says about some artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    subjects: Vec<Subject>,
    predicate_type: String,
    predicate: Box<str>,
}

/// One of the artifacts that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it is called there: for people, since it identifies nothing.
    pub name: Option<String>,
    /// Its digests by the algorithms that count; empty if it has only others, and then the statement is not about anything by it.
    pub digests: Vec<Digest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<WireSubject>,
    predicate_type: String,
    predicate: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct WireSubject {
    name: Option<String>,
    digest: BTreeMap<String, String>,
}

const KIND: &str = "in-toto statement";
const TYPES: &[&str] = &["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

impl Statement {
    /// The most subjects that a statement has.
    pub const MAX_SUBJECTS: usize = 1024;
    /// The most digests that a subject has, whether they count or not.
    pub const MAX_DIGESTS: usize = 32;

    /// Reads the statement that a verified payload is. Its type is looked at only now, when it is known to be signed.
    ///
    /// # Errors
    /// [`NotVerified::OtherKind`] if it was not signed as a statement; [`NotVerified::Unreadable`] if it is none.
    pub fn open(payload: Verified<Payload>) -> Result<Verified<Self>, NotVerified> {
        payload.read(|payload| {
            if payload.payload_type != PAYLOAD_TYPE {
                return Err(NotVerified::OtherKind { found: payload.payload_type, expected: PAYLOAD_TYPE });
            }
            Ok(Self::parse(&payload.bytes)?)
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let malformed = |problem: String| Unreadable::Malformed { kind: KIND, problem };
        let wire: Wire = encoding::document(KIND, bytes, super::dsse::Envelope::MAX_BYTES)?;
        if !TYPES.contains(&wire.statement_type.as_str()) {
            return Err(malformed(format!("its `_type` is `{}`", wire.statement_type)));
        }
        at_most("subjects", wire.subject.len(), Self::MAX_SUBJECTS)?;
        let subjects = wire.subject.into_iter().map(Subject::from_wire).collect::<Result<_, _>>()?;
        // Absent and empty are the same.
        let predicate = wire.predicate.map_or_else(|| Box::from("{}"), Box::<str>::from);
        if !predicate.starts_with('{') {
            return Err(malformed("its predicate is no object".to_owned()));
        }
        Ok(Self { subjects, predicate_type: wire.predicate_type, predicate })
    }

    /// What it is about.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The URI that says what kind of predicate it has. Nothing may be concluded from a statement without it.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What is said, as the JSON object that was signed, byte by byte.
    pub fn predicate(&self) -> &str {
        &self.predicate
    }

    /// Whether it is about the artifact with this digest, whatever it is called there.
    pub fn is_about(&self, digest: &Digest) -> bool {
        self.subjects.iter().any(|subject| subject.digests.contains(digest))
    }
}

/// A statement as the JSON that is signed: what is said, of artifacts by their names and digests.
///
/// # Errors
/// What is wrong with the predicate, in the words of the writer of JSON.
pub fn encode(
    subjects: &[(String, Digest)],
    predicate_type: &str,
    predicate: &impl Serialize,
) -> Result<Vec<u8>, String> {
    let subject = |(name, digest): &(String, Digest)| {
        let digest = digest.to_string();
        let digest = digest.split_once(':').map(|(algorithm, digits)| BTreeMap::from([(algorithm, digits)]));
        json!({"name": name, "digest": digest})
    };
    let statement = json!({
        "_type": TYPES[0],
        "subject": subjects.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    serde_json::to_vec(&statement).map_err(|error| error.to_string())
}

impl Subject {
    fn from_wire(wire: WireSubject) -> Result<Self, Unreadable> {
        let malformed = |problem: String| Unreadable::Malformed { kind: KIND, problem };
        if wire.digest.is_empty() {
            return Err(malformed("one of its subjects has no digest".to_owned()));
        }
        at_most("digests of one subject", wire.digest.len(), Statement::MAX_DIGESTS)?;
        let digests = wire.digest.iter().filter_map(|(algorithm, digits)| Digest::of_parts(algorithm, digits));
        let digests = digests.collect::<Result<_, _>>().map_err(|error| malformed(error.to_string()))?;
        Ok(Self { name: wire.name, digests })
    }
}

#[cfg(test)]
mod tests;
