//! Envelopes of DSSE 1.0.2 (secure-systems-lab/dsse: protocol.md, envelope.md).

use serde::{Deserialize, Serialize};

use super::{
    NotVerified, Verified,
    encoding::{self, Base64},
    key::{Message, PublicKey},
    verified,
};
use crate::{Unreadable, at_most};

/// A payload with signatures, read but not yet believed.
///
/// What it holds says nothing until [`Envelope::verify`] has accepted it, so nothing here hands the payload out before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What the signer calls the key. It is not signed, so it decides nothing.
    pub keyid: Option<String>,
    /// The signature over the envelope's [`pae`].
    pub bytes: Vec<u8>,
}

/// What an envelope carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What its bytes are: a media type, or a URI.
    pub payload_type: String,
    /// The bytes that were signed.
    pub bytes: Vec<u8>,
}

/// Unknown members are ignored, as the specification demands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    payload: Base64,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize)]
struct WireSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: Base64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Encoded<'a> {
    payload_type: &'a str,
    payload: String,
    signatures: Vec<EncodedSignature<'a>>,
}

#[derive(Serialize)]
struct EncodedSignature<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    keyid: Option<&'a str>,
    sig: String,
}

impl<'a> EncodedSignature<'a> {
    fn of(signature: &'a Signature) -> Self {
        Self { keyid: signature.keyid.as_deref(), sig: encoding::to_base64(&signature.bytes) }
    }
}

/// Pre-authentication encoding: what is signed instead of the payload, so that bytes of one type are never taken for those of another.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

impl Envelope {
    /// The longest envelope that is read, in bytes. Bills of materials are carried in envelopes too.
    pub const MAX_BYTES: usize = 32 << 20;
    /// The most signatures that an envelope has.
    pub const MAX_SIGNATURES: usize = 32;
    /// The longest type of a payload, in bytes.
    pub const MAX_TYPE_BYTES: usize = 1024;

    /// An envelope of what was signed elsewhere, by signatures over [`pae`].
    ///
    /// # Errors
    /// [`Unreadable::TooLarge`] if nobody would read it.
    pub fn new(payload: Payload, signatures: Vec<Signature>) -> Result<Self, Unreadable> {
        at_most("signatures", signatures.len(), Self::MAX_SIGNATURES)?;
        at_most("bytes of payload type", payload.payload_type.len(), Self::MAX_TYPE_BYTES)?;
        Ok(Self { payload_type: payload.payload_type, payload: payload.bytes, signatures })
    }

    /// An envelope with one signature over [`pae`]. It does not name the key: clients that look keys up by name each have names of their own.
    ///
    /// # Errors
    /// [`Unreadable::TooLarge`] if nobody would read it.
    pub fn signed(payload: Payload, signature: Vec<u8>) -> Result<Self, Unreadable> {
        Self::new(payload, vec![Signature { keyid: None, bytes: signature }])
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// [`Unreadable`], for the shape of the bytes only: nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::from_wire(encoding::document("DSSE envelope", bytes, Self::MAX_BYTES)?)
    }

    pub(super) fn from_wire(wire: Wire) -> Result<Self, Unreadable> {
        let payload = Payload { payload_type: wire.payload_type, bytes: wire.payload.0 };
        let signature = |signature: WireSignature| Signature {
            // Unset and empty are the same.
            keyid: signature.keyid.filter(|keyid| !keyid.is_empty()),
            bytes: signature.sig.0,
        };
        Self::new(payload, wire.signatures.into_iter().map(signature).collect())
    }

    /// The envelope as JSON, with standard padded base64: some clients read no other.
    pub fn encode(&self) -> String {
        serde_json::to_string(&self.encoded()).expect("strings and lists can be written")
    }

    pub(super) fn encoded(&self) -> Encoded<'_> {
        Encoded {
            payload_type: &self.payload_type,
            payload: encoding::to_base64(&self.payload),
            signatures: self.signatures.iter().map(EncodedSignature::of).collect(),
        }
    }

    /// The signatures as they stand in the envelope, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The payload, if at least one of the keys signed it. Every key is tried on every signature: what a signature calls its key is not signed.
    ///
    /// Whether the keys that signed are enough is the caller's to decide, and so is whether the payload is of the type that is wanted.
    ///
    /// # Errors
    /// [`NotVerified::NoKnownSigner`].
    pub fn verify(self, keys: &[PublicKey]) -> Result<Verified<Payload>, NotVerified> {
        let encoded = pae(&self.payload_type, &self.payload);
        let signatures = self.signatures.iter().map(|signature| signature.bytes.as_slice());
        let payload = Payload { payload_type: self.payload_type, bytes: self.payload };
        verified(keys, &Message::of_bytes(&encoded), signatures, payload)
    }
}

#[cfg(test)]
mod tests;
