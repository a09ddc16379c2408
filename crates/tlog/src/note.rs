//! Signed notes: a text and the signatures on it (c2sp.org/signed-note).

mod signature;

use std::fmt;

use crate::key::{KeyId, KeyName, SignerKey, VerifierKey};

pub use signature::{NoteSignature, VerifiedSignature};

/// A signed text, read but not yet believed.
///
/// Written by `Display`. Its text says nothing until [`Note::verify`] has accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A note on which at least one known key has signed, and no known key's signature failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNote<'a> {
    text: &'a str,
    signatures: Vec<VerifiedSignature>,
}

/// Why bytes are not a note, or a note is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is longer than [`Note::MAX_BYTES`].
    #[error("the note has {length} bytes, more than the limit of {max}; store large texts elsewhere and sign a digest", max = Note::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The note has more than [`Note::MAX_SIGNATURES`] signatures.
    #[error("the note has more than {max} signatures; remove those nobody checks", max = Note::MAX_SIGNATURES)]
    TooManySignatures,
    /// The bytes are not UTF-8, or have a control character other than the newline.
    #[error("the note has a control character or is not UTF-8 at byte {at}; fetch it again")]
    Characters {
        /// Offset of the first offending byte.
        at: usize,
    },
    /// The text does not end with a newline, or no blank line and signatures follow it.
    #[error("the note has no blank line followed by signatures; fetch it again, whole")]
    Shape,
    /// A signature line is not `— <name> <base64>`.
    #[error("signature line {line} of the note is not `— <name> <base64>`; fetch it again")]
    SignatureLine {
        /// Number of the line among the signature lines, counted from 1.
        line: usize,
    },
    /// A key that is known signed something else.
    #[error(
        "the signature of `{name}` (key id `{id}`) does not verify; the note was changed or the key is not the owner's"
    )]
    BadSignature {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
    /// Two different known keys have the same name and id, so a signature cannot be told to be of either.
    #[error("two different keys are called `{name}` with id `{id}`; remove one of them")]
    AmbiguousKey {
        /// The shared name.
        name: KeyName,
        /// The shared id.
        id: KeyId,
    },
    /// No known key signed the note.
    #[error("none of the {known} known keys signed the note, only {signers}; add the signer's key if you trust it", signers = quoted(.signers))]
    NoKnownSigner {
        /// How many keys were tried.
        known: usize,
        /// Who did sign, as the note says.
        signers: Vec<KeyName>,
    },
}

fn quoted(names: &[KeyName]) -> String {
    names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Note {
    /// The longest note that is read or made, in bytes, signatures included.
    pub const MAX_BYTES: usize = 1_000_000;
    /// The most signatures a note can have.
    pub const MAX_SIGNATURES: usize = 100;

    /// Signs a text (type 0x01). The text must end with a newline.
    ///
    /// # Errors
    /// [`NoteError`] when the text cannot be that of a note.
    pub fn sign(text: &str, signer: &SignerKey) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        check_characters(text.as_bytes())?;
        let (id, bytes) = signer.sign(text);
        let note =
            Self { text: text.to_owned(), signatures: vec![NoteSignature::new(signer.name().clone(), id, bytes)] };
        note.check_length()?;
        Ok(note)
    }

    /// Adds a signature, or replaces the one of the same key. It is not verified here.
    ///
    /// # Errors
    /// [`NoteError::TooManySignatures`] or [`NoteError::TooLong`]; the note is unchanged then.
    pub fn add_signature(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        let mut grown = self.clone();
        grown.signatures.retain(|other| (other.name(), other.key_id()) != (signature.name(), signature.key_id()));
        if grown.signatures.len() == Self::MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        grown.signatures.push(signature);
        grown.check_length()?;
        *self = grown;
        Ok(())
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`], for the shape of the bytes only: nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NoteError::TooLong { length: bytes.len() });
        }
        let note = check_characters(bytes)?;
        let text_end = note.rfind("\n\n").ok_or(NoteError::Shape)? + 1;
        let (text, rest) = note.split_at(text_end);
        let lines = rest[1..].strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (place, line) in lines.split('\n').enumerate() {
            if place == Self::MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let signature = NoteSignature::parse_line(line).ok_or(NoteError::SignatureLine { line: place + 1 })?;
            signatures.push(signature);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text with its final newline. Do not act on it before [`Note::verify`] accepts the note.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signatures as they stand in the note, verified or not, known or not.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks every signature by a known key; signatures by other keys are ignored.
    ///
    /// The answer lists each key once. Whether those keys are enough is the caller's to decide.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a known key's signature fails, even if others hold;
    /// [`NoteError::NoKnownSigner`]; [`NoteError::AmbiguousKey`].
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<VerifiedNote<'_>, NoteError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = known_key(keys, signature)? else { continue };
            let Some(timestamp) = key.verify(&self.text, signature.bytes()) else {
                return Err(NoteError::BadSignature { name: key.name().clone(), id: key.id() });
            };
            if verified.iter().all(|seen| seen.key() != key) {
                verified.push(VerifiedSignature::new(key.clone(), timestamp));
            }
        }
        if verified.is_empty() {
            let signers = self.signatures.iter().map(|signature| signature.name().clone()).collect();
            return Err(NoteError::NoKnownSigner { known: keys.len(), signers });
        }
        Ok(VerifiedNote { text: &self.text, signatures: verified })
    }

    fn check_length(&self) -> Result<(), NoteError> {
        let length = self.to_string().len();
        if length > Self::MAX_BYTES { Err(NoteError::TooLong { length }) } else { Ok(()) }
    }
}

/// The one known key with the name and id of the signature.
fn known_key<'k>(keys: &'k [VerifierKey], signature: &NoteSignature) -> Result<Option<&'k VerifierKey>, NoteError> {
    let mut matching = keys.iter().filter(|key| key.name() == signature.name() && key.id() == signature.key_id());
    let Some(key) = matching.next() else { return Ok(None) };
    if matching.any(|other| other != key) {
        return Err(NoteError::AmbiguousKey { name: key.name().clone(), id: key.id() });
    }
    Ok(Some(key))
}

/// The bytes as text, if a note may have them.
fn check_characters(bytes: &[u8]) -> Result<&str, NoteError> {
    let text = str::from_utf8(bytes).map_err(|error| NoteError::Characters { at: error.valid_up_to() })?;
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(at) => Err(NoteError::Characters { at }),
        None => Ok(text),
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl<'a> VerifiedNote<'a> {
    /// The text with its final newline.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The keys that signed, each once.
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }

    /// The keys that signed, each once, without the text.
    pub fn into_signatures(self) -> Vec<VerifiedSignature> {
        self.signatures
    }
}

#[cfg(test)]
mod tests;
