//! What a transparency log has as an entry. An entry about another signature, by another key or over other bytes proves nothing about this one,
//! and verifiers that did not compare all three were fooled (CVE-2022-36056, CVE-2026-22703).

use std::collections::BTreeSet;

use p256::pkcs8::der::Document;
use serde::{Deserialize, de::DeserializeOwned};

use super::entry::Entry;
use crate::{
    Unreadable,
    signed::{
        NotVerified, Signer,
        digest::Digest,
        encoding::{self, Base64},
        key::PublicKey,
    },
};

/// What was signed, as entries have to say it.
pub(super) struct Signed<'a> {
    pub(super) signature: &'a [u8],
    pub(super) by: By<'a>,
    /// Of what the signature is over.
    pub(super) message: Digest,
    /// Of the envelope's payload, where there is one.
    pub(super) payload: Option<Digest>,
}

/// With what it was signed.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// One of these keys.
    Keys(&'a BTreeSet<Signer>),
    /// The key in this certificate.
    Certificate(&'a [u8]),
}

/// What an entry says.
struct Said {
    signature: Vec<u8>,
    key: LoggedKey,
    digest: Digest,
    is_of_payload: bool,
}

/// The key or certificate that the log was shown.
enum LoggedKey {
    Pem(Vec<u8>),
    Key(Vec<u8>),
    Certificate(Vec<u8>),
}

/// The body of an entry: what kind it is, and what kinds have in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<S> {
    kind: String,
    api_version: String,
    spec: S,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
struct HashedRekord {
    data: Data,
    signature: RekordSignature,
}

#[derive(Deserialize)]
struct Data {
    hash: Hash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RekordSignature {
    content: Base64,
    public_key: KeyContent,
}

#[derive(Deserialize)]
struct KeyContent {
    content: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekord2 {
    hashed_rekord_v002: HashedRekordV002,
}

#[derive(Deserialize)]
struct HashedRekordV002 {
    data: Hashed,
    signature: VerifiedBy,
}

#[derive(Deserialize)]
struct Hashed {
    algorithm: String,
    digest: Base64,
}

#[derive(Deserialize)]
struct VerifiedBy {
    content: Base64,
    verifier: Verifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verifier {
    public_key: Option<RawBytes>,
    x509_certificate: Option<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    payload_hash: Hash,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
struct DsseSignature {
    signature: Base64,
    verifier: Base64,
}

#[derive(Deserialize)]
struct Intoto {
    content: IntotoContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoContent {
    envelope: IntotoEnvelope,
    payload_hash: Hash,
}

#[derive(Deserialize)]
struct IntotoEnvelope {
    signatures: Vec<IntotoSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoSignature {
    /// Base64 of base64, for historical reasons.
    sig: Base64,
    public_key: Base64,
}

const KIND: &str = "log entry";

impl Signed<'_> {
    /// Refuses entries that are not about this signature. No entries are no reason to refuse.
    pub(super) fn is_logged_by(&self, logged: &[Entry]) -> Result<(), NotVerified> {
        logged.iter().try_for_each(|entry| self.is_said_by(Said::read(entry)?))
    }

    fn is_said_by(&self, said: Said) -> Result<(), NotVerified> {
        let digest = if said.is_of_payload { self.payload } else { Some(self.message) };
        let what = if said.signature != self.signature {
            "the signature in a log entry"
        } else if digest != Some(said.digest) {
            "the digest in a log entry"
        } else if !said.key.is(self.by) {
            "the key in a log entry"
        } else {
            return Ok(());
        };
        Err(NotVerified::OtherBytes { what })
    }
}

impl LoggedKey {
    fn is(&self, by: By<'_>) -> bool {
        match self {
            Self::Key(der) => by.is_key(der),
            Self::Certificate(der) => by.is_certificate(der),
            Self::Pem(text) => match str::from_utf8(text).map(Document::from_pem) {
                Ok(Ok(("PUBLIC KEY", der))) => by.is_key(der.as_bytes()),
                Ok(Ok(("CERTIFICATE", der))) => by.is_certificate(der.as_bytes()),
                _ => false,
            },
        }
    }
}

impl By<'_> {
    fn is_key(self, der: &[u8]) -> bool {
        let Self::Keys(signers) = self else { return false };
        PublicKey::from_der(der).is_ok_and(|key| signers.contains(&Signer::Key(key.id())))
    }

    fn is_certificate(self, der: &[u8]) -> bool {
        matches!(self, Self::Certificate(certificate) if certificate == der)
    }
}

impl Verifier {
    fn key(self) -> Result<LoggedKey, Unreadable> {
        match (self.public_key, self.x509_certificate) {
            (Some(key), None) => Ok(LoggedKey::Key(key.raw_bytes.0)),
            (None, Some(certificate)) => Ok(LoggedKey::Certificate(certificate.raw_bytes.0)),
            _ => Err(malformed("it was signed with neither one key nor one certificate".to_owned())),
        }
    }
}

impl Said {
    fn read(entry: &Entry) -> Result<Self, Unreadable> {
        match (entry.kind.as_str(), entry.version.as_str()) {
            ("hashedrekord", "0.0.1") => {
                let spec: HashedRekord = spec(entry)?;
                let RekordSignature { content, public_key } = spec.signature;
                Ok(Self {
                    signature: content.0,
                    key: LoggedKey::Pem(public_key.content.0),
                    digest: spec.data.hash.digest()?,
                    is_of_payload: false,
                })
            }
            ("hashedrekord", "0.0.2") => {
                let HashedRekord2 { hashed_rekord_v002: HashedRekordV002 { data, signature } } = spec(entry)?;
                Ok(Self {
                    signature: signature.content.0,
                    key: signature.verifier.key()?,
                    digest: data.digest()?,
                    is_of_payload: false,
                })
            }
            ("dsse", "0.0.1") => {
                let spec: Dsse = spec(entry)?;
                let DsseSignature { signature, verifier } = only(spec.signatures)?;
                Ok(Self {
                    signature: signature.0,
                    key: LoggedKey::Pem(verifier.0),
                    digest: spec.payload_hash.digest()?,
                    is_of_payload: true,
                })
            }
            ("intoto", "0.0.2") => {
                let Intoto { content } = spec(entry)?;
                let IntotoSignature { sig, public_key } = only(content.envelope.signatures)?;
                let inner = String::from_utf8(sig.0).map_err(|_| "not base64".to_owned());
                Ok(Self {
                    signature: inner.and_then(|inner| encoding::base64(&inner)).map_err(malformed)?,
                    key: LoggedKey::Pem(public_key.0),
                    digest: content.payload_hash.digest()?,
                    is_of_payload: true,
                })
            }
            (kind, version) => Err(malformed(format!("`{kind}` {version} is not known"))),
        }
    }
}

/// The part of an entry's body that its kind has, if the body is of the kind that the bundle says.
fn spec<S: DeserializeOwned>(entry: &Entry) -> Result<S, Unreadable> {
    let body: Body<S> = encoding::document(KIND, &entry.body, super::Bundle::MAX_BYTES)?;
    if (&body.kind, &body.api_version) != (&entry.kind, &entry.version) {
        return Err(malformed(format!("the bundle says `{}`, and it is `{}`", entry.kind, body.kind)));
    }
    Ok(body.spec)
}

fn only<T>(several: Vec<T>) -> Result<T, Unreadable> {
    let found = several.len();
    let mut several = several.into_iter();
    match (several.next(), several.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(malformed(format!("it has {found} signatures, and has to have one"))),
    }
}

impl Hash {
    fn digest(&self) -> Result<Digest, Unreadable> {
        let digest = Digest::of_parts(&self.algorithm, &self.value);
        digest.and_then(Result::ok).ok_or_else(|| malformed("its hash is no SHA-256".to_owned()))
    }
}

impl Hashed {
    fn digest(&self) -> Result<Digest, Unreadable> {
        let bytes = self.digest.0.as_slice().try_into().ok().filter(|_| self.algorithm == "SHA2_256");
        bytes.map(Digest::Sha256).ok_or_else(|| malformed("its hash is no SHA-256".to_owned()))
    }
}

fn malformed(problem: String) -> Unreadable {
    Unreadable::Malformed { kind: KIND, problem }
}
