//! Whom the caller believes: keys, and the services of a Sigstore instance (sigstore/protobuf-specs: sigstore_trustroot.proto).

use std::borrow::Cow;

use pki_types::CertificateDer;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    encoding::{self, Base64},
    key::{PublicKey, Scheme},
};
use crate::{Unreadable, at_most};

/// Whom the caller believes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    keys: &'a [PublicKey],
    root: Option<&'a TrustedRoot>,
}

impl<'a> Trust<'a> {
    /// Those who hold one of these keys.
    pub fn in_keys(keys: &'a [PublicKey]) -> Self {
        Self { keys, root: None }
    }

    /// Those whose certificate comes from this root, and what its logs say about when something was signed, with a key or with a certificate.
    ///
    /// A certificate says who signed. Whether they are who should have is the caller's to decide.
    #[must_use]
    pub fn and_root(self, root: &'a TrustedRoot) -> Self {
        Self { root: Some(root), ..self }
    }

    pub(super) fn keys(self) -> &'a [PublicKey] {
        self.keys
    }

    pub(super) fn root(self) -> Option<&'a TrustedRoot> {
        self.root
    }
}

/// The keys and certificates of a Sigstore instance, as its operators hand them out (`trusted_root.json`).
///
/// Where it lists no log of certificates, certificates need not have been logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    pub(super) logs: Vec<Log>,
    /// None if there are none; which is not the same as none that can be used.
    pub(super) certificate_logs: Option<Vec<Log>>,
    pub(super) authorities: Vec<Authority>,
    pub(super) timestamp_authorities: Vec<Authority>,
}

/// A transparency log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) id: Vec<u8>,
    pub(super) key: PublicKey,
    pub(super) valid: Validity,
}

/// Who issues certificates, or timestamps: the first certificate is then the one that signs those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) root: CertificateDer<'static>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    pub(super) valid: Validity,
}

/// When something was in use, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    start: i64,
    end: Option<i64>,
}

impl Validity {
    pub(super) fn contains(self, seconds: u64) -> bool {
        i64::try_from(seconds).is_ok_and(|at| self.start <= at && self.end.is_none_or(|end| at <= end))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<WireLog>,
    #[serde(default)]
    ctlogs: Vec<WireLog>,
    #[serde(default)]
    certificate_authorities: Vec<WireAuthority>,
    #[serde(default)]
    timestamp_authorities: Vec<WireAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLog {
    public_key: WireKey,
    log_id: WireLogId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLogId {
    key_id: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKey {
    raw_bytes: Base64,
    key_details: String,
    valid_for: WireValidity,
}

#[derive(Deserialize)]
struct WireValidity {
    start: Time,
    end: Option<Time>,
}

/// A time as RFC 3339 writes it, in seconds since the Unix epoch.
struct Time(i64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time: jiff::Timestamp = <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(D::Error::custom)?;
        Ok(Self(time.as_second()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAuthority {
    cert_chain: WireChain,
    valid_for: WireValidity,
}

#[derive(Deserialize)]
struct WireChain {
    certificates: Vec<WireCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCertificate {
    raw_bytes: Base64,
}

const KIND: &str = "trusted root";
const MEDIA_TYPES: &[&str] = &[
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

impl TrustedRoot {
    /// The longest document that is read, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;
    /// The most logs, of one kind, and the most authorities.
    pub const MAX_SERVICES: usize = 256;

    /// Reads a trusted root. Logs whose keys are of a kind that is not verified here are passed over: nothing is believed by them.
    ///
    /// # Errors
    /// [`Unreadable`] says why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let wire: Wire = encoding::document(KIND, bytes, Self::MAX_BYTES)?;
        if !MEDIA_TYPES.contains(&wire.media_type.as_str()) {
            return Err(malformed(format!("its media type is `{}`", wire.media_type)));
        }
        let asks_for_logs = !wire.ctlogs.is_empty();
        Ok(Self {
            logs: logs(wire.tlogs)?,
            certificate_logs: Some(logs(wire.ctlogs)?).filter(|_| asks_for_logs),
            authorities: authorities(wire.certificate_authorities)?,
            timestamp_authorities: authorities(wire.timestamp_authorities)?,
        })
    }
}

fn logs(wire: Vec<WireLog>) -> Result<Vec<Log>, Unreadable> {
    at_most("logs", wire.len(), TrustedRoot::MAX_SERVICES)?;
    wire.into_iter().filter_map(|log| Log::from_wire(log).transpose()).collect()
}

fn authorities(wire: Vec<WireAuthority>) -> Result<Vec<Authority>, Unreadable> {
    at_most("authorities", wire.len(), TrustedRoot::MAX_SERVICES)?;
    wire.into_iter().map(Authority::from_wire).collect()
}

impl Log {
    fn from_wire(wire: WireLog) -> Result<Option<Self>, Unreadable> {
        let scheme = match wire.public_key.key_details.as_str() {
            "PKIX_ECDSA_P256_SHA_256" => Scheme::EcdsaP256,
            "PKIX_ECDSA_P384_SHA_384" => Scheme::EcdsaP384,
            "PKIX_ECDSA_P384_SHA_256" => Scheme::EcdsaP384Sha256,
            "PKIX_ED25519" => Scheme::Ed25519,
            "PKIX_ED25519_PH" => Scheme::Ed25519ph,
            "PKIX_RSA_PKCS1V15_2048_SHA256" | "PKIX_RSA_PKCS1V15_3072_SHA256" | "PKIX_RSA_PKCS1V15_4096_SHA256" => {
                Scheme::RsaPkcs1
            }
            _ => return Ok(None),
        };
        let key = PublicKey::from_der(&wire.public_key.raw_bytes.0).and_then(|key| key.with_scheme(scheme));
        let key = key.map_err(|error| malformed(format!("the key of a log cannot be used: {error}")))?;
        Ok(Some(Self { id: wire.log_id.key_id.0, key, valid: wire.public_key.valid_for.into() }))
    }
}

impl Authority {
    /// From a chain that ends with the root. The first may be the one that issues, or the root alone.
    fn from_wire(wire: WireAuthority) -> Result<Self, Unreadable> {
        let certificates = wire.cert_chain.certificates.into_iter();
        let mut chain: Vec<_> = certificates.map(|one| CertificateDer::from(one.raw_bytes.0)).collect();
        let root = chain.pop().ok_or_else(|| malformed("an authority has no certificate".to_owned()))?;
        webpki::anchor_from_trusted_cert(&root)
            .map_err(|error| malformed(format!("the root of an authority cannot be used: {error}")))?;
        Ok(Self { root, intermediates: chain, valid: wire.valid_for.into() })
    }
}

impl From<WireValidity> for Validity {
    fn from(wire: WireValidity) -> Self {
        Self { start: wire.start.0, end: wire.end.map(|end| end.0) }
    }
}

fn malformed(problem: String) -> Unreadable {
    Unreadable::Malformed { kind: KIND, problem }
}
