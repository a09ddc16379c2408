//! The private half of a key.

use std::fmt;
use std::ops::Deref;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signer as _, SigningKey};

use super::verifier::cosigned_message;
use super::{KeyError, KeyId, KeyName, SignatureType, VerifierKey};

/// An Ed25519 private key with its name.
///
/// It can sign as a log (type 0x01) and as a witness (type 0x04). Use one key for one of the two only. The key is
/// erased from memory when it is dropped and never shown by `Debug`.
#[derive(Clone)]
pub struct SignerKey {
    name: KeyName,
    key: SigningKey,
}

impl SignerKey {
    /// The key with this name and this 32-byte seed (RFC 8032), which must come from a good random source.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        Ok(Self { name: name.parse()?, key: SigningKey::from_bytes(&seed) })
    }

    /// Reads a PKCS#8 PEM file, version 1 or 2, such as `openssl genpkey -algorithm ed25519` writes.
    ///
    /// # Errors
    /// [`KeyError::Name`] or [`KeyError::Pem`].
    pub fn from_pkcs8_pem(name: &str, pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Pem)?;
        Ok(Self { name: name.parse()?, key })
    }

    /// The private key as PKCS#8 PEM, erased from memory when dropped.
    ///
    /// Version 1, without the public key: the form that every OpenSSL reads.
    ///
    /// # Errors
    /// [`KeyError::Pem`] when the encoder fails, which it has no reason to.
    pub fn to_pkcs8_pem(&self) -> Result<impl Deref<Target = String> + use<>, KeyError> {
        let keypair = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        keypair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Pem)
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The public key that verifies what this key signs as a log (type 0x01).
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey::of_point(self.name.clone(), SignatureType::Ed25519, self.key.verifying_key())
    }

    /// The public key that verifies what this key cosigns as a witness (type 0x04).
    pub fn cosignature_key(&self) -> VerifierKey {
        VerifierKey::of_point(self.name.clone(), SignatureType::Cosignature, self.key.verifying_key())
    }

    /// Key id and signature bytes of type 0x01 over a note text.
    pub(crate) fn sign(&self, text: &str) -> (KeyId, Vec<u8>) {
        (self.verifier_key().id(), self.key.sign(text.as_bytes()).to_vec())
    }

    /// Key id and signature bytes of type 0x04; `None` when the time is above 2⁶³ − 1 seconds.
    pub(crate) fn cosign(&self, text: &str, timestamp: u64) -> Option<(KeyId, Vec<u8>)> {
        let message = cosigned_message(timestamp, text)?;
        let mut bytes = timestamp.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.key.sign(message.as_bytes()).to_bytes());
        Some((self.cosignature_key().id(), bytes))
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerKey").field("name", &self.name).finish_non_exhaustive()
    }
}
