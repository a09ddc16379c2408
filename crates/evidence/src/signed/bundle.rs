//! Sigstore bundles 0.1 to 0.3 (sigstore/protobuf-specs: sigstore_bundle.proto, as protocol buffers write JSON).

mod body;
mod entry;
mod wire;

use std::collections::BTreeSet;

use super::{
    NotVerified, Signer, Verified, certificate,
    digest::Digest,
    dsse::{Envelope, Payload, pae},
    encoding,
    key::{KeyId, Message, PublicKey},
    timestamp,
    trust::{Trust, TrustedRoot},
    verified,
};
use crate::{Unreadable, at_most};
use body::{By, Signed};
use entry::Entry;

/// A signature or a signed envelope, with what it takes to believe it. Read, but not yet believed.
///
/// A bundle that was signed with a key names that key by a hint, which decides nothing: the keys that the caller believes are tried. One that
/// was signed with a certificate is believed if that comes from the caller's trusted root, if one of the root's logs has the signature, and if that
/// log or an authority of the root tells when.
///
/// What is said to have been logged is compared with what was signed, in every entry, whether the log is known or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    signed_with: SignedWith,
    content: Content,
    entries: Vec<Entry>,
    /// As the authorities answered.
    timestamps: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SignedWith {
    Key,
    /// In DER.
    Certificate(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Envelope(Envelope),
    Message { digest: Option<Digest>, signature: Vec<u8> },
}

/// What is known of a signature from those who had no part in it.
#[derive(Default)]
struct Told {
    is_logged: bool,
    /// In seconds since the Unix epoch.
    times: BTreeSet<u64>,
}

/// Whose signature counts, and what is known of when it was made.
struct Believed {
    keys: Vec<PublicKey>,
    /// Who has the key, where a certificate tells.
    identity: Option<Signer>,
    times: BTreeSet<u64>,
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

    /// A bundle of the newest version as JSON, of an envelope that the key with this id has signed, and no other.
    ///
    /// # Errors
    /// [`Unreadable`] if nobody would read it.
    pub fn encode(envelope: Envelope, by: KeyId) -> Result<String, Unreadable> {
        let envelope = only_signed_once(envelope)?;
        let written = serde_json::to_string(&serde_json::json!({
            "mediaType": Self::MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": by.hint()}, "tlogEntries": []},
            "dsseEnvelope": envelope.encoded(),
        }));
        written.map_err(|error| malformed(error.to_string()))
    }

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
            (None, Some(certificate), None) => SignedWith::Certificate(certificate.raw_bytes.0),
            (None, None, Some(chain)) if version < Version::V03 => SignedWith::first_of(chain)?,
            (None, None, Some(_)) => return Err(malformed("it has a chain of certificates".to_owned())),
            _ => return Err(malformed("it is signed with neither one key nor one certificate".to_owned())),
        };
        let timestamps = material.timestamp_verification_data.unwrap_or_default().rfc3161_timestamps;
        at_most("timestamps", timestamps.len(), Self::MAX_ENTRIES)?;
        at_most("log entries", material.tlog_entries.len(), Self::MAX_ENTRIES)?;
        let entries = material.tlog_entries.into_iter().map(|entry| Entry::from_wire(entry, version));
        let content = match (wire.dsse_envelope, wire.message_signature) {
            (Some(envelope), None) => Content::Envelope(only_signed_once(Envelope::from_wire(envelope)?)?),
            (None, Some(message)) => Content::Message {
                digest: message.message_digest.and_then(wire::MessageDigest::sha256).transpose().map_err(malformed)?,
                signature: message.signature.0,
            },
            _ => return Err(malformed("it has neither one envelope nor one signature over a message".to_owned())),
        };
        let timestamps = timestamps.into_iter().map(|timestamp| timestamp.signed_timestamp.0).collect();
        Ok(Self { signed_with, content, entries: entries.collect::<Result<_, _>>()?, timestamps })
    }

    /// The payload of its envelope, if somebody signed it whom the caller believes. Of which type it is remains to be asked.
    ///
    /// # Errors
    /// [`NotVerified`] says why it counts for nothing.
    pub fn open_envelope(self, trust: Trust<'_>) -> Result<Verified<Payload>, NotVerified> {
        let believed = self.believed(trust)?;
        let Content::Envelope(envelope) = self.content else {
            return Err(NotVerified::OtherKind { found: "a message".to_owned(), expected: "a DSSE envelope" });
        };
        let signature = envelope.signatures()[0].bytes.clone();
        let payload = envelope.verify(&believed.keys)?;
        let Payload { payload_type, bytes } = payload.content();
        let signed = Signed {
            signature: &signature,
            by: self.signed_with.by(payload.signers()),
            message: Digest::sha256(&pae(payload_type, bytes)),
            payload: Some(Digest::sha256(bytes)),
        };
        signed.is_logged_by(&self.entries)?;
        Ok(believed.tell(payload))
    }

    /// The digest of the message, if somebody signed that message whom the caller believes. The message itself is not in the bundle.
    ///
    /// # Errors
    /// [`NotVerified`] says why it counts for nothing; [`NotVerified::Unsupported`] if the SHA-256 of the message is not known.
    pub fn open_message(self, message: &Message<'_>, trust: Trust<'_>) -> Result<Verified<Digest>, NotVerified> {
        let believed = self.believed(trust)?;
        let Content::Message { digest: stated, signature } = self.content else {
            return Err(NotVerified::OtherKind { found: "a DSSE envelope".to_owned(), expected: "a message" });
        };
        let digest = message.digest()?;
        if stated.is_some_and(|stated| stated != digest) {
            return Err(NotVerified::OtherBytes { what: "the digest in the bundle" });
        }
        let verified = verified(&believed.keys, message, [signature.as_slice()].into_iter(), digest)?;
        let by = self.signed_with.by(verified.signers());
        Signed { signature: &signature, by, message: digest, payload: None }.is_logged_by(&self.entries)?;
        Ok(believed.tell(verified))
    }

    fn believed(&self, trust: Trust<'_>) -> Result<Believed, NotVerified> {
        match (&self.signed_with, trust.root()) {
            (SignedWith::Key, root) => {
                let told = root.map(|root| self.told(root)).transpose()?.unwrap_or_default();
                Ok(Believed { keys: trust.keys().to_vec(), identity: None, times: told.times })
            }
            (SignedWith::Certificate(_), None) => Err(NotVerified::Unsupported { what: "a certificate" }),
            (SignedWith::Certificate(der), Some(root)) => {
                let Told { is_logged, times } = self.told(root)?;
                if !is_logged {
                    return Err(NotVerified::NotLogged {
                        problem: "no log of the trusted root that was in use has it",
                    });
                }
                if times.is_empty() {
                    return Err(NotVerified::NotLogged {
                        problem: "nobody in the trusted root tells when it was signed",
                    });
                }
                let certified = certificate::certified(der, root, &times)?;
                Ok(Believed { keys: vec![certified.key], identity: Some(certified.signer), times })
            }
        }
    }

    /// What the root's logs and timestamp authorities tell. A timestamp by somebody else tells nothing.
    fn told(&self, root: &TrustedRoot) -> Result<Told, NotVerified> {
        let (mut logs, mut times) = (Vec::new(), BTreeSet::new());
        for entry in &self.entries {
            if let Some(in_log) = entry.in_logs(&root.logs)? {
                logs.push(in_log.valid);
                times.extend(in_log.time);
            }
        }
        let signature = self.content.signature();
        let seen = |response: &Vec<u8>| timestamp::seen_at(response, signature, &root.timestamp_authorities);
        times.extend(self.timestamps.iter().filter_map(seen));
        // The key of a log that is out of use may be anybody's.
        let is_logged = logs.iter().any(|valid| times.iter().all(|at| valid.contains(*at)));
        Ok(Told { is_logged, times })
    }
}

impl Content {
    fn signature(&self) -> &[u8] {
        match self {
            Self::Envelope(envelope) => &envelope.signatures()[0].bytes,
            Self::Message { signature, .. } => signature,
        }
    }
}

impl Believed {
    fn tell<T>(self, verified: Verified<T>) -> Verified<T> {
        let signers = self.identity.map_or(verified.signers, |identity| BTreeSet::from([identity]));
        Verified { content: verified.content, signers, times: self.times }
    }
}

impl SignedWith {
    /// Only the first of a chain says who signed. Those above it are the trusted root's to tell.
    fn first_of(chain: wire::Chain) -> Result<Self, Unreadable> {
        let first = chain.certificates.into_iter().next();
        first
            .map(|certificate| Self::Certificate(certificate.raw_bytes.0))
            .ok_or_else(|| malformed("its chain has no certificate".to_owned()))
    }

    fn by<'a>(&'a self, signers: &'a BTreeSet<Signer>) -> By<'a> {
        match self {
            Self::Key => By::Keys(signers),
            Self::Certificate(der) => By::Certificate(der),
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
