//! Sigstore bundles 0.1 to 0.3 (sigstore/protobuf-specs: sigstore_bundle.proto, as protocol buffers write JSON).

mod body;
mod wire;

use super::{
    NotVerified, Verified,
    digest::Digest,
    dsse::{Envelope, Payload, pae},
    encoding,
    key::{Message, PublicKey},
    verified,
};
use crate::{Unreadable, at_most};
use body::Signed;

/// A signature or a signed envelope, with what it takes to believe it. Read, but not yet believed.
///
/// A bundle that was signed with a key names that key by a hint, which decides nothing: the keys that the caller trusts are tried.
/// What it says to have been logged is compared with what was signed, in every entry. That an entry is in a log is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    signed_with: SignedWith,
    content: Content,
    /// The bodies of the log's entries.
    logged: Vec<Logged>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignedWith {
    Key,
    Certificate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Envelope(Envelope),
    Message { digest: Option<Digest>, signature: Vec<u8> },
}

/// An entry of a transparency log, as a bundle brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Logged {
    kind: String,
    version: String,
    body: Vec<u8>,
}

/// Which rules a bundle follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V01,
    V02,
    V03,
}

const KIND: &str = "Sigstore bundle";

impl Bundle {
    /// The media type of bundles that are made now.
    pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
    /// The longest bundle that is read, in bytes: an envelope of the greatest length, and what comes with it.
    pub const MAX_BYTES: usize = Envelope::MAX_BYTES + (4 << 20);
    /// The most log entries that a bundle has, and the most timestamps.
    pub const MAX_ENTRIES: usize = 32;
    /// The most hashes of a proof that an entry is in a log: more than any tree needs.
    pub const MAX_PROOF_HASHES: usize = 63;

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`Unreadable`], for the shape of the bytes only: nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::from_wire(encoding::document(KIND, bytes, Self::MAX_BYTES)?)
    }

    fn from_wire(wire: wire::Bundle) -> Result<Self, Unreadable> {
        let version = Version::of_media_type(&wire.media_type)
            .ok_or_else(|| malformed(format!("its media type is `{}`", wire.media_type)))?;
        let material = wire.verification_material;
        let signed_with = match (material.public_key, material.certificate, material.x509_certificate_chain) {
            (Some(_), None, None) => SignedWith::Key,
            (None, Some(_), None) => SignedWith::Certificate,
            (None, None, Some(_)) if version < Version::V03 => SignedWith::Certificate,
            (None, None, Some(_)) => return Err(malformed("it has a chain of certificates".to_owned())),
            _ => return Err(malformed("it is signed with neither one key nor one certificate".to_owned())),
        };
        let timestamps = material.timestamp_verification_data.unwrap_or_default().rfc3161_timestamps;
        at_most("timestamps", timestamps.len(), Self::MAX_ENTRIES)?;
        at_most("log entries", material.tlog_entries.len(), Self::MAX_ENTRIES)?;
        let logged = material.tlog_entries.into_iter().map(|entry| Logged::from_wire(entry, version));
        let content = match (wire.dsse_envelope, wire.message_signature) {
            (Some(envelope), None) => Content::Envelope(only_signed_once(Envelope::from_wire(envelope)?)?),
            (None, Some(message)) => Content::Message {
                digest: message.message_digest.and_then(wire::MessageDigest::sha256).transpose().map_err(malformed)?,
                signature: message.signature.0,
            },
            _ => return Err(malformed("it has neither one envelope nor one signature over a message".to_owned())),
        };
        Ok(Self { signed_with, content, logged: logged.collect::<Result<_, _>>()? })
    }

    /// The payload of its envelope, if one of the keys signed it. Of which type it is remains to be asked.
    ///
    /// # Errors
    /// [`NotVerified`] says why it counts for nothing.
    pub fn open_envelope(self, keys: &[PublicKey]) -> Result<Verified<Payload>, NotVerified> {
        self.signed_with.is_key()?;
        let Content::Envelope(envelope) = self.content else {
            return Err(NotVerified::OtherKind { found: "a message".to_owned(), expected: "a DSSE envelope" });
        };
        let signature = envelope.signatures()[0].bytes.clone();
        let payload = envelope.verify(keys)?;
        let Payload { payload_type, bytes } = payload.content();
        let signed = Signed {
            signature: &signature,
            signers: payload.signers(),
            message: Digest::sha256(&pae(payload_type, bytes)),
            payload: Some(Digest::sha256(bytes)),
        };
        signed.is_logged_by(&self.logged)?;
        Ok(payload)
    }

    /// The digest of the message, if one of the keys signed that message. The message itself is not in the bundle.
    ///
    /// # Errors
    /// [`NotVerified`] says why it counts for nothing; [`NotVerified::Unsupported`] if the SHA-256 of the message is not known.
    pub fn open_message(self, message: &Message<'_>, keys: &[PublicKey]) -> Result<Verified<Digest>, NotVerified> {
        self.signed_with.is_key()?;
        let Content::Message { digest: stated, signature } = self.content else {
            return Err(NotVerified::OtherKind { found: "a DSSE envelope".to_owned(), expected: "a message" });
        };
        let digest = message.digest()?;
        if stated.is_some_and(|stated| stated != digest) {
            return Err(NotVerified::OtherBytes { what: "the digest in the bundle" });
        }
        let verified = verified(keys, message, [signature.as_slice()].into_iter(), digest)?;
        let signed = Signed { signature: &signature, signers: verified.signers(), message: digest, payload: None };
        signed.is_logged_by(&self.logged)?;
        Ok(verified)
    }
}

impl SignedWith {
    fn is_key(self) -> Result<(), NotVerified> {
        match self {
            Self::Key => Ok(()),
            Self::Certificate => Err(NotVerified::Unsupported { what: "a certificate" }),
        }
    }
}

impl Version {
    fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Some(Self::V01),
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Some(Self::V02),
            "application/vnd.dev.sigstore.bundle+json;version=0.3" | Bundle::MEDIA_TYPE => Some(Self::V03),
            _ => None,
        }
    }
}

impl Logged {
    fn from_wire(wire: wire::Entry, version: Version) -> Result<Self, Unreadable> {
        match &wire.inclusion_proof {
            Some(proof) => at_most("hashes in a proof", proof.hashes.len(), Bundle::MAX_PROOF_HASHES)?,
            None if version > Version::V01 => return Err(malformed("a log entry has no inclusion proof".to_owned())),
            None if wire.inclusion_promise.is_none() => return Err(malformed("a log entry has no promise".to_owned())),
            None => {}
        }
        let wire::KindVersion { kind, version } = wire.kind_version;
        Ok(Self { kind, version, body: wire.canonicalized_body.0 })
    }
}

/// Envelopes may have several signatures; those in bundles may not.
fn only_signed_once(envelope: Envelope) -> Result<Envelope, Unreadable> {
    match envelope.signatures().len() {
        1 => Ok(envelope),
        signatures => Err(malformed(format!("its envelope has {signatures} signatures, and has to have one"))),
    }
}

fn malformed(problem: String) -> Unreadable {
    Unreadable::Malformed { kind: KIND, problem }
}

#[cfg(test)]
mod tests;
