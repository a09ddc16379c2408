//! Public keys, and what their signatures look like. Which scheme a key signs with is configured, and never guessed from a signature.

use std::{fmt, str::FromStr};

use ed25519_dalek::ed25519;
use p256::{
    ecdsa::signature::{Verifier as _, hazmat::PrehashVerifier as _},
    pkcs8::{
        DecodePublicKey as _, EncodePublicKey, SubjectPublicKeyInfoRef,
        der::{Decode as _, Document},
    },
};
use rsa::{pkcs1v15, traits::PublicKeyParts as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    NotVerified,
    digest::{Digest, lower_hex},
    encoding::to_base64,
};

/// A public key with the one scheme that its signatures are made by. Where somebody signs by two, the key is given twice, and is one signer.
#[derive(Clone, Debug)]
pub struct PublicKey {
    id: KeyId,
    scheme: Scheme,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    Rsa(pkcs1v15::VerifyingKey<Sha256>),
}

/// How a signature is made, and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// ECDSA on P-256 over SHA-256, as ASN.1 DER: what cosign and Sigstore make, and the usual one of such a key.
    EcdsaP256,
    /// ECDSA on P-256 over SHA-256, as the 64 bytes of r and s.
    EcdsaP256Raw,
    /// ECDSA on P-384 over SHA-384, as ASN.1 DER: what cosign 3 makes, and the usual one of such a key.
    EcdsaP384,
    /// ECDSA on P-384 over SHA-256, as ASN.1 DER: what cosign 2 makes.
    EcdsaP384Sha256,
    /// Ed25519 (RFC 8032), the usual one of such a key.
    Ed25519,
    /// Ed25519ph over SHA-512 (RFC 8032), without a context: what cosign 3 makes over envelopes, with
    /// a key by which it signs blobs as [`Scheme::Ed25519`].
    Ed25519ph,
    /// RSASSA-PKCS1-v1_5 over SHA-256.
    RsaPkcs1,
}

/// SHA-256 of a key's SubjectPublicKeyInfo in DER, written as lower-case hexadecimal digits. A key has one, whatever its scheme.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

/// What a signature is over, hashed once for all keys and signatures that are tried.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: Option<&'a [u8]>,
    sha256: Option<[u8; 32]>,
}

/// Why something is no usable public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM with the label `PUBLIC KEY`.
    #[error("it is no public key in PEM; it begins with `-----BEGIN PUBLIC KEY-----`")]
    Pem,
    /// It is no private key on P-256 in PKCS#8 PEM.
    #[error("it is no private key on P-256 in PEM (PKCS#8); it begins with `-----BEGIN PRIVATE KEY-----`")]
    PrivatePem,
    /// It is no SubjectPublicKeyInfo, or is one in another form than the usual one.
    #[error("it is no public key as SubjectPublicKeyInfo in its one canonical form, with points uncompressed")]
    Der,
    /// It is a key of a kind that is not verified here.
    #[error("its algorithm `{0}` is not one of ECDSA on P-256 or P-384, Ed25519, RSA")]
    Algorithm(String),
    /// It is too weak to be believed.
    #[error("it is too weak: {0}")]
    Weak(&'static str),
    /// A key of its kind does not sign that way.
    #[error("a key of its kind does not sign by {0:?}")]
    Scheme(Scheme),
}

/// RSA keys have at least this many bits.
const RSA_BITS_MIN: u32 = 2048;

impl PublicKey {
    /// The longest key that is read, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads a key in PEM, with the usual scheme of its kind.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not one that can be used.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > Self::MAX_BYTES {
            return Err(KeyError::Pem);
        }
        let (label, document) = Document::from_pem(pem).map_err(|_| KeyError::Pem)?;
        if label != "PUBLIC KEY" {
            return Err(KeyError::Pem);
        }
        Self::from_der(document.as_bytes())
    }

    /// Reads a key as SubjectPublicKeyInfo in DER, with the usual scheme of its kind.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not one that can be used.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > Self::MAX_BYTES {
            return Err(KeyError::Der);
        }
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Der)?;
        let (algorithm, curve) = info.algorithm.oids().map_err(|_| KeyError::Der)?;
        let curve = curve.map(|curve| curve.to_string());
        let algorithm = algorithm.to_string();
        let (material, scheme, canonical) = match (algorithm.as_str(), curve.as_deref()) {
            ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => {
                let key = p256::ecdsa::VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::Der)?;
                (Material::P256(key), Scheme::EcdsaP256, canonical(&key)?)
            }
            ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => {
                let key = p384::ecdsa::VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::Der)?;
                (Material::P384(key), Scheme::EcdsaP384, canonical(&key)?)
            }
            ("1.3.101.112", None) => {
                let key = ed25519_dalek::VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::Der)?;
                if key.is_weak() {
                    return Err(KeyError::Weak("it is a point of small order"));
                }
                (Material::Ed25519(key), Scheme::Ed25519, canonical(&key)?)
            }
            ("1.2.840.113549.1.1.1", None) => {
                let key = strong(rsa::PublicKey::from_public_key_der(der).map_err(|_| KeyError::Der)?)?;
                let canonical = canonical(&key)?;
                (Material::Rsa(pkcs1v15::VerifyingKey::new(key)), Scheme::RsaPkcs1, canonical)
            }
            _ => return Err(KeyError::Algorithm(curve.unwrap_or(algorithm))),
        };
        // A key in two forms would have two ids, and count as two signers.
        if canonical.as_bytes() != der {
            return Err(KeyError::Der);
        }
        Ok(Self { id: KeyId(Sha256::digest(der).into()), scheme, material })
    }

    /// The same key, where its signatures are made in another way than is usual.
    ///
    /// # Errors
    /// [`KeyError::Scheme`] if a key of its kind does not sign that way.
    pub fn with_scheme(self, scheme: Scheme) -> Result<Self, KeyError> {
        let fits = match self.material {
            Material::P256(_) => matches!(scheme, Scheme::EcdsaP256 | Scheme::EcdsaP256Raw),
            Material::P384(_) => matches!(scheme, Scheme::EcdsaP384 | Scheme::EcdsaP384Sha256),
            Material::Ed25519(_) => matches!(scheme, Scheme::Ed25519 | Scheme::Ed25519ph),
            Material::Rsa(_) => matches!(scheme, Scheme::RsaPkcs1),
        };
        if fits { Ok(Self { scheme, ..self }) } else { Err(KeyError::Scheme(scheme)) }
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// How its signatures are made.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether this key made that signature over the message.
    pub fn verifies(&self, message: &Message<'_>, signature: &[u8]) -> bool {
        match &self.material {
            Material::P256(key) => {
                let signature = match self.scheme {
                    Scheme::EcdsaP256Raw => p256::ecdsa::Signature::from_slice(signature),
                    _ => p256::ecdsa::Signature::from_der(signature),
                };
                let (Ok(signature), Some(hash)) = (signature, message.sha256) else { return false };
                key.verify_prehash(&hash, &signature).is_ok()
            }
            Material::P384(key) => {
                let Ok(signature) = p384::ecdsa::Signature::from_der(signature) else { return false };
                match (self.scheme, message.bytes, message.sha256) {
                    (Scheme::EcdsaP384Sha256, _, Some(hash)) => key.verify_prehash(&hash, &signature).is_ok(),
                    (Scheme::EcdsaP384, Some(bytes), _) => key.verify(bytes, &signature).is_ok(),
                    _ => false,
                }
            }
            Material::Ed25519(key) => {
                let (Ok(signature), Some(bytes)) = (ed25519::Signature::from_slice(signature), message.bytes) else {
                    return false;
                };
                match self.scheme {
                    Scheme::Ed25519ph => {
                        key.verify_prehashed_strict(Sha512::new_with_prefix(bytes), None, &signature).is_ok()
                    }
                    _ => key.verify_strict(bytes, &signature).is_ok(),
                }
            }
            Material::Rsa(key) => {
                let (Ok(signature), Some(hash)) = (pkcs1v15::Signature::try_from(signature), message.sha256) else {
                    return false;
                };
                key.verify_prehash(&hash, &signature).is_ok()
            }
        }
    }
}

fn canonical(key: &impl EncodePublicKey) -> Result<Document, KeyError> {
    key.to_public_key_der().map_err(|_| KeyError::Der)
}

/// Refuses RSA keys that could be broken.
pub(super) fn strong(key: rsa::PublicKey) -> Result<rsa::PublicKey, KeyError> {
    if key.n().bit_width() < RSA_BITS_MIN {
        return Err(KeyError::Weak("an RSA key has 2048 bits or more"));
    }
    if key.e().bit_width() < 17 {
        return Err(KeyError::Weak("the public exponent of an RSA key is 65537 or more"));
    }
    Ok(key)
}

impl<'a> Message<'a> {
    /// These bytes.
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes: Some(bytes), sha256: Some(Sha256::digest(bytes).into()) }
    }

    /// The bytes that have this digest, which are not at hand. Only schemes over SHA-256 can tell from it, and only if it is one.
    pub fn of_digest(digest: &Digest) -> Self {
        let sha256 = if let Digest::Sha256(hash) = digest { Some(*hash) } else { None };
        Self { bytes: None, sha256 }
    }

    /// The message's SHA-256 digest.
    pub(super) fn digest(&self) -> Result<Digest, NotVerified> {
        self.sha256.map(Digest::Sha256).ok_or(NotVerified::Unsupported { what: "another hash than SHA-256" })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.scheme) == (other.id, other.scheme)
    }
}

impl Eq for PublicKey {}

impl KeyId {
    /// The same in base64, as cosign calls a key in bundles and envelopes.
    pub fn hint(&self) -> String {
        to_base64(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Text that is no id of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no id of a key: that is 64 lower-case hexadecimal digits")]
pub struct InvalidKeyId;

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        lower_hex(text).map(Self).ok_or(InvalidKeyId)
    }
}

#[cfg(test)]
mod tests;
