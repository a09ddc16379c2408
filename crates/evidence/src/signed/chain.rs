//! Chains of certificates, from one that says something up to a root that the caller believes (RFC 5280).

use std::{fmt, time::Duration};

use p256::ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _};
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime, alg_id,
};
use rsa::{pkcs1::DecodeRsaPublicKey as _, pkcs1v15};
use sha2::{Digest as _, Sha256};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::key;

/// The key, as SubjectPublicKeyInfo, of whoever issued the leaf for that usage: the root, or one of the intermediates that lead to it. All were
/// valid at that time, in seconds since the Unix epoch.
pub(super) fn issuer(
    leaf: &EndEntityCert<'_>,
    root: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    at: u64,
    usage: KeyUsage,
) -> Option<Vec<u8>> {
    let anchors = [webpki::anchor_from_trusted_cert(root).ok()?];
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    let path = leaf.verify_for_usage(ALGORITHMS, &anchors, intermediates, at, usage, None, None);
    path.ok().map(|path: VerifiedPath<'_>| path.issuer_spki().to_vec())
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
