//! One signature line of a note.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{KeyId, KeyName, VerifierKey};

/// A signature as it stands in a note, of any type, not yet verified.
///
/// `Display` writes its line without the newline: `— <name> base64(key id ‖ signature)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    key_id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    pub(crate) fn new(name: KeyName, key_id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, key_id, bytes }
    }

    /// Reads one signature line, without its newline, as a witness answers with; `None` when it is not one.
    pub fn parse_line(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self::new(name.parse().ok()?, KeyId::from_bytes(*key_id), signature.to_vec()))
    }

    /// Name of the key that is said to have signed.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key that is said to have signed.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The signature, after the key id; what it is depends on the key.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([self.key_id.as_bytes().as_slice(), &self.bytes].concat());
        write!(f, "— {} {encoded}", self.name)
    }
}

/// A known key whose signature on a note holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    key: VerifierKey,
    timestamp: Option<u64>,
}

impl VerifiedSignature {
    pub(super) fn new(key: VerifierKey, timestamp: Option<u64>) -> Self {
        Self { key, timestamp }
    }

    /// The key that signed.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// When a witness cosigned, in seconds since the Unix epoch, by its own clock; `None` for other signatures.
    pub fn timestamp(&self) -> Option<u64> {
        self.timestamp
    }
}
