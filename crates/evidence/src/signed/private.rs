//! Private keys, as far as something is signed here: ECDSA on P-256 over SHA-256, which every verifier in use reads.

use std::{fmt, ops::Deref};

use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer as _},
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};

use super::key::{KeyError, PublicKey};

/// A private key on P-256. It is erased from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
    pem: String,
}

impl PrivateKey {
    /// The key with this secret number, which must come from a good random source.
    ///
    /// # Errors
    /// [`KeyError::Der`] if the number is not between 1 and the order of the curve: of random ones, less than one in 2³² is not.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(SigningKey::from_slice(secret).map_err(|_| KeyError::Der)?)
    }

    /// Reads a PKCS#8 PEM file, such as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` writes.
    ///
    /// # Errors
    /// [`KeyError::PrivatePem`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        Self::new(SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::PrivatePem)?)
    }

    fn new(key: SigningKey) -> Result<Self, KeyError> {
        let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Der)?;
        Ok(Self { public: PublicKey::from_pem(&pem)?, key, pem })
    }

    /// The private key as PKCS#8 PEM, erased from memory when dropped.
    ///
    /// # Errors
    /// [`KeyError::PrivatePem`] when the encoder fails, which it has no reason to.
    pub fn to_pkcs8_pem(&self) -> Result<impl Deref<Target = String> + use<>, KeyError> {
        self.key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::PrivatePem)
    }

    /// The public key that verifies what this key signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The same as PEM, `-----BEGIN PUBLIC KEY-----`.
    pub fn public_pem(&self) -> &str {
        &self.pem
    }

    /// Its signature over `message`, as ASN.1 DER. The same message has the same one always (RFC 6979).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.key.sign(message);
        signature.as_bytes().to_vec()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public.id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed::key::Message;

    const OPENSSL: &str = include_str!("private/p256.pem");

    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        let key = PrivateKey::from_secret(&[7; 32]).unwrap();
        let signature = key.sign(b"these bytes");
        assert_eq!(signature, key.sign(b"these bytes"));
        assert!(key.public().verifies(&Message::of_bytes(b"these bytes"), &signature));
        assert!(!key.public().verifies(&Message::of_bytes(b"those bytes"), &signature));
        let other = PrivateKey::from_secret(&[8; 32]).unwrap();
        assert!(!other.public().verifies(&Message::of_bytes(b"these bytes"), &signature));
    }

    #[test]
    fn a_key_is_the_same_after_a_file() {
        let key = PrivateKey::from_secret(&[7; 32]).unwrap();
        let read = PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
        assert_eq!(read.public(), key.public());
        assert_eq!(PublicKey::from_pem(read.public_pem()).unwrap(), *key.public());
        let of_openssl = PrivateKey::from_pkcs8_pem(OPENSSL).unwrap();
        assert_eq!(of_openssl.public().id().to_string().len(), 64);
        assert!(!format!("{key:?}").contains("0707"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(PrivateKey::from_secret(&[0; 32]).is_err());
        assert!(PrivateKey::from_secret(&[0xff; 32]).is_err());
        for text in ["", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", &OPENSSL[..60]] {
            assert_eq!(PrivateKey::from_pkcs8_pem(text).unwrap_err(), KeyError::PrivatePem, "{text}");
        }
    }
}
