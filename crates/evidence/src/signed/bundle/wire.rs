//! The members of a bundle that are looked at. Members that are not known are ignored.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};

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
    pub(super) certificate: Option<Certificate>,
    pub(super) x509_certificate_chain: Option<Chain>,
    #[serde(default)]
    pub(super) tlog_entries: Vec<Entry>,
    pub(super) timestamp_verification_data: Option<Timestamps>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timestamps {
    #[serde(default)]
    pub(super) rfc3161_timestamps: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timestamp {
    pub(super) signed_timestamp: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Certificate {
    pub(super) raw_bytes: Base64,
}

#[derive(Deserialize)]
pub(super) struct Chain {
    #[serde(default)]
    pub(super) certificates: Vec<Certificate>,
}

/// Numbers that are nought are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) log_index: Number,
    pub(super) log_id: Option<LogId>,
    pub(super) kind_version: KindVersion,
    #[serde(default)]
    pub(super) integrated_time: Number,
    pub(super) inclusion_promise: Option<InclusionPromise>,
    pub(super) inclusion_proof: Option<InclusionProof>,
    pub(super) canonicalized_body: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogId {
    pub(super) key_id: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InclusionPromise {
    pub(super) signed_entry_timestamp: Base64,
}

/// A number of 64 bits, which protocol buffers write as text.
#[derive(Clone, Copy, Default)]
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

/// The size and the root of the tree are in it too, but nobody signed them there: those of the checkpoint count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InclusionProof {
    #[serde(default)]
    pub(super) log_index: Number,
    #[serde(default)]
    pub(super) hashes: Vec<Base64>,
    pub(super) checkpoint: Option<Checkpoint>,
}

#[derive(Deserialize)]
pub(super) struct Checkpoint {
    #[serde(default)]
    pub(super) envelope: String,
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
