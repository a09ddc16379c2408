//! Certificates that say who signed: issued for minutes by an authority that saw a token of an identity provider (sigstore/fulcio: docs/oid-info.md).

mod timestamp;

use std::{collections::BTreeSet, fmt, time::Duration};

use p256::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime, alg_id,
};
use rsa::{pkcs1::DecodeRsaPublicKey as _, pkcs1v15};
use sha2::{Digest as _, Sha256};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_cert::{
    Certificate,
    der::{Decode as _, Encode as _, asn1::Utf8StringRef},
    ext::{
        Extension,
        pkix::{SubjectAltName, name::GeneralName},
    },
};

use super::{
    NotVerified, Signer,
    key::{self, PublicKey},
    trust::{Authority, TrustedRoot},
};

/// What a certificate says, once it is believed.
pub(super) struct Certified {
    pub(super) signer: Signer,
    pub(super) key: PublicKey,
}

/// The longest certificate that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// 1.3.6.1.5.5.7.3.3, code signing, as it is encoded.
const CODE_SIGNING: KeyUsage = KeyUsage::required(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03]);

/// The identity provider that vouched for the subject, as UTF8String; and where older certificates have it, not encoded at all.
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
const ISSUER_RAW: &str = "1.3.6.1.4.1.57264.1.1";
/// A subject that is neither a URI nor an address.
const OTHER_NAME: &str = "1.3.6.1.4.1.57264.1.7";

/// Believes a certificate that was valid at each of these times, was issued by an authority of the root, and is in a log of certificates.
pub(super) fn certified(der: &[u8], root: &TrustedRoot, times: &BTreeSet<u64>) -> Result<Certified, NotVerified> {
    if der.len() > MAX_BYTES {
        return Err(refused("it is too long"));
    }
    let certificate = Certificate::from_der(der).map_err(|_| refused("it cannot be read"))?;
    let der = CertificateDer::from(der);
    let leaf = EndEntityCert::try_from(&der).map_err(|_| refused("it cannot be read"))?;
    let issuer = issuer(&leaf, root, times)?;
    timestamp::is_logged(&certificate, &issuer, &root.certificate_logs)?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der();
    let key = key.ok().and_then(|der| PublicKey::from_der(&der).ok());
    Ok(Certified { signer: signer(&certificate)?, key: key.ok_or_else(|| refused("its key cannot be used"))? })
}

/// The key, as SubjectPublicKeyInfo, of whoever issued it.
fn issuer(leaf: &EndEntityCert<'_>, root: &TrustedRoot, times: &BTreeSet<u64>) -> Result<Vec<u8>, NotVerified> {
    let Some(first) = times.first() else { return Err(refused("nothing tells when it was used")) };
    let issued_at = |authority: &Authority, seconds: u64| {
        let anchors = [webpki::anchor_from_trusted_cert(&authority.root).ok()?];
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let path = leaf.verify_for_usage(ALGORITHMS, &anchors, &authority.intermediates, at, CODE_SIGNING, None, None);
        path.ok().map(|path: VerifiedPath<'_>| path.issuer_spki().to_vec())
    };
    let issued_by = |authority: &Authority| {
        let always = times.iter().all(|at| authority.valid.contains(*at) && issued_at(authority, *at).is_some());
        always.then(|| issued_at(authority, *first)).flatten()
    };
    root.authorities.iter().find_map(issued_by).ok_or_else(|| {
        refused("no authority of the trusted root issued it for code signing at the time that it was used")
    })
}

fn signer(certificate: &Certificate) -> Result<Signer, NotVerified> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let names = names.ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let [name] = names.as_slice() else { return Err(refused("it does not name one subject")) };
    let subject = match name {
        GeneralName::UniformResourceIdentifier(text) | GeneralName::Rfc822Name(text) => Some(text.as_str().to_owned()),
        GeneralName::OtherName(other) if other.type_id.to_string() == OTHER_NAME => {
            other.value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned())
        }
        _ => None,
    };
    let subject = subject.filter(|subject| !subject.is_empty());
    let issuer = vouched_by(certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default());
    match (subject, issuer) {
        (Some(subject), Some(issuer)) => Ok(Signer::Identity { issuer, subject }),
        _ => Err(refused("it does not say who its subject is, or who vouched for that")),
    }
}

fn vouched_by(extensions: &[Extension]) -> Option<String> {
    let value = |oid: &str| {
        let mut found = extensions.iter().filter(|extension| extension.extn_id.to_string() == oid);
        found.next().filter(|_| found.next().is_none()).map(|extension| extension.extn_value.as_bytes())
    };
    let issuer = match (value(ISSUER), value(ISSUER_RAW)) {
        (Some(der), _) => Utf8StringRef::from_der(der).ok().map(|text| text.as_str().to_owned()),
        (None, Some(raw)) => String::from_utf8(raw.to_vec()).ok(),
        (None, None) => None,
    };
    issuer.filter(|issuer| !issuer.is_empty())
}

/// How authorities sign what they issue.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    &Issuing { key: alg_id::ECDSA_P256, signature: alg_id::ECDSA_SHA256, holds: by_p256 },
    &Issuing { key: alg_id::ECDSA_P384, signature: alg_id::ECDSA_SHA256, holds: by_p384_and_sha256 },
    &Issuing { key: alg_id::ECDSA_P384, signature: alg_id::ECDSA_SHA384, holds: by_p384 },
    &Issuing { key: alg_id::RSA_ENCRYPTION, signature: alg_id::RSA_PKCS1_SHA256, holds: by_rsa },
    &Issuing { key: alg_id::ED25519, signature: alg_id::ED25519, holds: by_ed25519 },
];

/// Whether the key, as it stands in a certificate, made the signature over the message.
type Holds = fn(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()>;

/// One way of signing certificates.
struct Issuing {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    holds: Holds,
}

impl fmt::Debug for Issuing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.signature)
    }
}

impl SignatureVerificationAlgorithm for Issuing {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        (self.holds)(key, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

fn by_p256(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?.verify(message, &signature).ok()
}

fn by_p384(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?.verify(message, &signature).ok()
}

fn by_p384_and_sha256(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    key.verify_prehash(&Sha256::digest(message), &signature).ok()
}

fn by_rsa(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = key::strong(rsa::PublicKey::from_pkcs1_der(key).ok()?).ok()?;
    let signature = pkcs1v15::Signature::try_from(signature).ok()?;
    pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &signature).ok()
}

fn by_ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?.verify_strict(message, &signature).ok()
}

fn refused(problem: &'static str) -> NotVerified {
    NotVerified::Certificate { problem }
}
