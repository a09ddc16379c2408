//! The members of a bundle that are looked at. Members that are not known are ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::signed::{digest::Digest, dsse, encoding::Base64};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle {
    pub(super) media_type: String,
    pub(super) verification_material: Material,
    pub(super) dsse_envelope: Option<dsse::Wire>,
    pub(super) message_signature: Option<MessageSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Material {
    pub(super) public_key: Option<IgnoredAny>,
    pub(super) certificate: Option<IgnoredAny>,
    pub(super) x509_certificate_chain: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) tlog_entries: Vec<Entry>,
    pub(super) timestamp_verification_data: Option<Timestamps>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timestamps {
    #[serde(default)]
    pub(super) rfc3161_timestamps: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) kind_version: KindVersion,
    pub(super) inclusion_promise: Option<IgnoredAny>,
    pub(super) inclusion_proof: Option<InclusionProof>,
    pub(super) canonicalized_body: Base64,
}

#[derive(Deserialize)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

#[derive(Deserialize)]
pub(super) struct InclusionProof {
    #[serde(default)]
    pub(super) hashes: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageSignature {
    pub(super) message_digest: Option<MessageDigest>,
    pub(super) signature: Base64,
}

/// A hint, with both members left out by cosign where the scheme hashes by itself.
#[derive(Deserialize)]
pub(super) struct MessageDigest {
    algorithm: Option<String>,
    digest: Option<Base64>,
}

impl MessageDigest {
    /// The SHA-256 digest, if it is one. Where it is of another algorithm, the signature alone decides.
    pub(super) fn sha256(self) -> Option<Result<Digest, String>> {
        let digest = self.digest.filter(|_| self.algorithm.as_deref() == Some("SHA2_256"))?;
        let digest = digest.0.try_into().map(Digest::Sha256);
        Some(digest.map_err(|_| "its message's SHA-256 has another length".to_owned()))
    }
}
