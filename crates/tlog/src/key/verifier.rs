//! The public half of a key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

use super::{KeyError, KeyId, KeyName, SignatureType};

/// A public key with its name and the one kind of signature it verifies.
///
/// `Display` and `FromStr` use the `vkey` of c2sp.org/signed-note: `name+hex(id)+base64(type ‖ public key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    signature_type: SignatureType,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key with this name that verifies signatures of this type by this Ed25519 public key.
    ///
    /// # Errors
    /// [`KeyError::Name`], or [`KeyError::PublicKey`] when the bytes are not a point of the curve or a weak one, for
    /// which anyone can make signatures.
    pub fn new(name: &str, signature_type: SignatureType, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        let name: KeyName = name.parse()?;
        match VerifyingKey::from_bytes(public_key) {
            Ok(key) if !key.is_weak() => Ok(Self::of_point(name, signature_type, key)),
            _ => Err(KeyError::PublicKey { name }),
        }
    }

    pub(super) fn of_point(name: KeyName, signature_type: SignatureType, key: VerifyingKey) -> Self {
        let id = KeyId::compute(&name, signature_type, key.as_bytes());
        Self { name, id, signature_type, key }
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The kind of signature it verifies.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The Ed25519 public key (RFC 8032).
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Verifies the signature bytes of a note line, after the key id, over a note text.
    ///
    /// `None` when they do not verify; otherwise the timestamp they carry, if their type has one.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        match self.signature_type {
            SignatureType::Ed25519 => self.verifies(text.as_bytes(), signature).then_some(None),
            SignatureType::Cosignature => {
                let (timestamp, signature) = signature.split_first_chunk()?;
                let timestamp = u64::from_be_bytes(*timestamp);
                let message = cosigned_message(timestamp, text)?;
                self.verifies(message.as_bytes(), signature).then_some(Some(timestamp))
            }
        }
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// What a cosignature of type 0x04 signs; `None` when the time is above the specification's limit of 2⁶³ − 1 seconds.
pub(super) fn cosigned_message(timestamp: u64, text: &str) -> Option<String> {
    i64::try_from(timestamp).is_ok().then(|| format!("cosignature/v1\ntime {timestamp}\n{text}"))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.signature_type.byte()];
        material.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(material))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // Neither a name nor the id can have a `+`; base64 can.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Shape);
        };
        let name: KeyName = name.parse()?;
        let stated = parse_id(id).ok_or(KeyError::Shape)?;
        let material = STANDARD.decode(material).map_err(|_| KeyError::Shape)?;
        let (&byte, public_key) = material.split_first().ok_or(KeyError::Shape)?;
        let signature_type = [SignatureType::Ed25519, SignatureType::Cosignature]
            .into_iter()
            .find(|signature_type| signature_type.byte() == byte);
        let Some(signature_type) = signature_type else { return Err(KeyError::UnsupportedType { name, byte }) };
        let Ok(public_key) = public_key.try_into() else { return Err(KeyError::PublicKey { name }) };
        let key = Self::new(name.as_str(), signature_type, public_key)?;
        if key.id != stated {
            return Err(KeyError::IdMismatch { name, stated, computed: key.id });
        }
        Ok(key)
    }
}

fn parse_id(text: &str) -> Option<KeyId> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    let id = KeyId::from_bytes(bytes);
    (id.to_string() == text).then_some(id)
}
