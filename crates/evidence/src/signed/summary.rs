//! Verification summaries: what somebody's gate said about artifacts (SLSA 1.1, verification_summary/v1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The type of the predicate.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/verification_summary/v1";
/// What `verification_result` says if all was well.
pub const PASSED: &str = "PASSED";
/// What `verification_result` says if it was not.
pub const FAILED: &str = "FAILED";

/// The predicate: who verified what, against which policy, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who verified. Verifiers in use compare its id as text.
    pub verifier: Verifier,
    /// When, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_verified: Option<String>,
    /// As what the artifact was verified. Verifiers in use compare it as text.
    pub resource_uri: String,
    /// What it was verified against.
    pub policy: Resource,
    /// The signed documents that were looked at: all of them, or none if not all can be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<Resource>,
    /// [`PASSED`] or [`FAILED`].
    pub verification_result: String,
    /// What was found of it. A level of our own must not begin with `SLSA_`: one that is not spelled as verifiers know it fails the whole summary.
    pub verified_levels: Vec<String>,
    /// The version of SLSA that the levels are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
    /// What it says beyond that, under names that are URIs.
    #[serde(flatten)]
    pub extensions: BTreeMap<String, Value>,
}

/// Who verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// A URI that goes with the key that signs.
    pub id: String,
    /// The versions of what the verifier consists of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// Something that is named: a policy, or a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
}

impl Summary {
    /// Reads the predicate of a statement that somebody signed.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the reader of JSON.
    pub fn parse(predicate: &str) -> Result<Self, String> {
        serde_json::from_str(predicate).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, which also has what we do not write.
    const EXAMPLE: &str = r#"{
        "verifier": {"id": "https://example.com/publication_verifier", "version": {"slsa-verifier-linux-amd64": "v2.3.0"}},
        "timeVerified": "1985-04-12T23:20:50.52Z",
        "resourceUri": "https://example.com/example-1.2.3.tar.gz",
        "policy": {"uri": "https://example.com/example_tarball.policy", "digest": {"sha256": "1234"}},
        "inputAttestations": [{"uri": "https://example.com/provenances/example-1.2.3.tar.gz.intoto.jsonl", "digest": {"sha256": "abcd"}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
        "dependencyLevels": {"SLSA_BUILD_LEVEL_3": 5},
        "slsaVersion": "1.0"
    }"#;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let summary = Summary::parse(EXAMPLE).unwrap();
        assert_eq!(summary.verification_result, PASSED);
        assert_eq!(summary.extensions.keys().collect::<Vec<_>>(), ["dependencyLevels"]);
        let as_it_was: Value = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!(serde_json::to_value(&summary).unwrap(), as_it_was);
    }

    #[test]
    fn what_must_be_there_is_missed() {
        for member in ["verifier", "resourceUri", "policy", "verificationResult", "verifiedLevels"] {
            let mut without: Value = serde_json::from_str(EXAMPLE).unwrap();
            without.as_object_mut().unwrap().remove(member);
            assert!(Summary::parse(&without.to_string()).unwrap_err().contains(member), "{member}");
        }
    }
}
