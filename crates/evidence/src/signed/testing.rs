//! Keys that sign, for the tests.

use p256::{
    ecdsa::signature::Signer as _,
    pkcs8::{EncodePublicKey as _, LineEnding},
};

use super::{
    dsse::{Envelope, Payload, Signature, pae},
    encoding::to_base64,
    key::PublicKey,
};

/// What is signed.
pub(super) const BLOB: &[u8] = b"hello\n";

/// A private key on P-256, one for each seed.
pub(super) fn p256(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

pub(super) fn p256_key(seed: u8) -> PublicKey {
    PublicKey::from_pem(&pem(seed)).unwrap()
}

/// The public key on P-256, as files have it.
pub(super) fn pem(seed: u8) -> String {
    p256(seed).verifying_key().to_public_key_pem(LineEnding::LF).unwrap()
}

/// A signature on P-256 in DER.
pub(super) fn sign(seed: u8, message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::DerSignature = p256(seed).sign(message);
    signature.as_bytes().to_vec()
}

/// A signature on P-256 as r and s.
pub(super) fn sign_raw(seed: u8, message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = p256(seed).sign(message);
    signature.to_bytes().to_vec()
}

pub(super) fn ed25519(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn ed25519_key(seed: u8) -> PublicKey {
    PublicKey::from_der(ed25519(seed).verifying_key().to_public_key_der().unwrap().as_bytes()).unwrap()
}

/// An envelope that the keys on P-256 with these seeds signed.
pub(super) fn envelope(payload_type: &str, payload: &[u8], seeds: &[u8]) -> Envelope {
    let message = pae(payload_type, payload);
    let signature = |seed: &u8| Signature { keyid: None, bytes: sign(*seed, &message) };
    let payload = Payload { payload_type: payload_type.to_owned(), bytes: payload.to_vec() };
    Envelope::new(payload, seeds.iter().map(signature).collect()).unwrap()
}

/// The text with one part replaced, which has to be in it.
pub(super) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in {text}");
    text.replace(from, to)
}

/// As base64, of the alphabet for URLs and without padding.
pub(super) fn url_safe(bytes: &[u8]) -> String {
    to_base64(bytes).replace('+', "-").replace('/', "_").replace('=', "")
}
