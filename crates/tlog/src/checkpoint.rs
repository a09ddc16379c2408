//! Checkpoints: signed tree heads (c2sp.org/tlog-checkpoint) and cosignatures on them (c2sp.org/tlog-cosignature).

use std::fmt;
use std::str::FromStr;

use crate::frontier::MAX_TREE_SIZE;
use crate::hash::Hash;
use crate::key::{KeyName, SignatureType, SignerKey, VerifierKey};
use crate::note::{Note, NoteError, NoteSignature, VerifiedSignature};

/// The head of a log: at this size it has this root.
///
/// `Display` and `FromStr` use the note text of the specification, with its final newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint signed by its log, and everyone known who signed it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    signatures: Vec<VerifiedSignature>,
}

/// Why something is not a checkpoint, or a checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not well-formed or not believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line is empty, has a control character, or one of the first three is missing.
    #[error("line {line} of the checkpoint is missing, empty or has a control character; fetch it again, whole")]
    Line {
        /// Number of the line, counted from 1.
        line: usize,
    },
    /// The tree size is not a decimal without leading zeros.
    #[error("line 2 of the checkpoint is not a tree size, a decimal without leading zeros; fetch it again")]
    Size,
    /// The tree size is above [`MAX_TREE_SIZE`].
    #[error("a tree of `{size}` entries is larger than the limit of {MAX_TREE_SIZE}")]
    TooLarge {
        /// The stated size.
        size: u64,
    },
    /// The root is not the base64 of 32 bytes.
    #[error("line 3 of the checkpoint is not a root, the base64 of 32 bytes; fetch it again")]
    Root,
    /// The signer has another name than the log.
    #[error("key `{signer}` cannot sign for log `{origin}`; give the log key the log's origin as its name")]
    SignerIsNotOrigin {
        /// Name of the key.
        signer: KeyName,
        /// Origin of the checkpoint.
        origin: String,
    },
    /// Known keys signed it, but none of them is a log key (type 0x01) with the checkpoint's origin as its name.
    #[error("the checkpoint of `{origin}` is not signed by a known key of that log; give the log's own public key")]
    NotSignedByLog {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// A cosignature's time is above 2⁶³ − 1 seconds.
    #[error("`{timestamp}` is not a time a cosignature can carry; give seconds since 1970")]
    Timestamp {
        /// The time asked for.
        timestamp: u64,
    },
}

impl Checkpoint {
    /// The head of the log `origin` (by custom a URL without its scheme) at `size` entries.
    ///
    /// # Errors
    /// [`CheckpointError::Line`] when the origin is empty or has a control character; [`CheckpointError::TooLarge`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        check_line(origin, 1)?;
        if size > MAX_TREE_SIZE {
            return Err(CheckpointError::TooLarge { size });
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// The same head with extension lines, which the specification discourages: no monitor can audit them.
    ///
    /// # Errors
    /// [`CheckpointError::Line`] when a line is empty or has a control character.
    pub fn with_extensions(mut self, extensions: Vec<String>) -> Result<Self, CheckpointError> {
        extensions.iter().zip(4..).try_for_each(|(line, number)| check_line(line, number))?;
        self.extensions = extensions;
        Ok(self)
    }

    /// Which log this is the head of.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash of those entries.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The extension lines, usually none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the head as its log. Never sign two heads of which one does not extend the other.
    ///
    /// # Errors
    /// [`CheckpointError::SignerIsNotOrigin`] when the key has another name than the log, since
    /// [`Checkpoint::open`] would refuse the result.
    pub fn sign(&self, signer: &SignerKey) -> Result<Note, CheckpointError> {
        if signer.name().as_str() != self.origin {
            return Err(CheckpointError::SignerIsNotOrigin {
                signer: signer.name().clone(),
                origin: self.origin.clone(),
            });
        }
        Ok(Note::sign(&self.to_string(), signer)?)
    }

    /// Cosigns the head as a witness, at a time in seconds since the Unix epoch.
    ///
    /// It states that this is the largest tree of the log the witness has seen, consistent with all before: check that
    /// and remember it durably before you call this.
    ///
    /// # Errors
    /// [`CheckpointError::Timestamp`].
    pub fn cosign(&self, witness: &SignerKey, timestamp: u64) -> Result<NoteSignature, CheckpointError> {
        let (id, bytes) =
            witness.cosign(&self.to_string(), timestamp).ok_or(CheckpointError::Timestamp { timestamp })?;
        Ok(NoteSignature::new(witness.name().clone(), id, bytes))
    }

    /// Reads a signed checkpoint and verifies it against the keys of logs and witnesses.
    ///
    /// # Errors
    /// [`CheckpointError`]: see [`Checkpoint::verify`].
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, CheckpointError> {
        Self::verify(&Note::parse(note)?, keys)
    }

    /// Verifies a signed checkpoint against the keys of logs and witnesses.
    ///
    /// The log itself must have signed: a key of type 0x01 whose name is the checkpoint's origin. Cosignatures by known
    /// witnesses are verified and listed; how many are enough is the caller's to decide.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] as [`Note::verify`]; [`CheckpointError::NotSignedByLog`]; the other variants when the
    /// text is not a checkpoint.
    pub fn verify(note: &Note, keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, CheckpointError> {
        let verified = note.verify(keys)?;
        let checkpoint: Self = verified.text().parse()?;
        let by_log = |signature: &VerifiedSignature| {
            let key = signature.key();
            key.signature_type() == SignatureType::Ed25519 && key.name().as_str() == checkpoint.origin
        };
        if !verified.signatures().iter().any(by_log) {
            return Err(CheckpointError::NotSignedByLog { origin: checkpoint.origin });
        }
        Ok(VerifiedCheckpoint { checkpoint, signatures: verified.into_signatures() })
    }
}

fn check_line(line: &str, number: usize) -> Result<(), CheckpointError> {
    let bad = line.is_empty() || line.bytes().any(|byte| byte < b' ');
    if bad { Err(CheckpointError::Line { line: number }) } else { Ok(()) }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root.to_base64())?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text of a checkpoint without any signature: use it for texts you made or verified.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        if text.len() > Note::MAX_BYTES {
            return Err(NoteError::TooLong { length: text.len() }.into());
        }
        let body = text.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut lines = body.split('\n');
        let mut next = |line| lines.next().ok_or(CheckpointError::Line { line });
        let (origin, size, root) = (next(1)?, next(2)?, next(3)?);
        let size = crate::decimal::parse(size).ok_or(CheckpointError::Size)?;
        let root = Hash::from_base64(root).map_err(|_| CheckpointError::Root)?;
        Self::new(origin, size, root)?.with_extensions(lines.map(str::to_owned).collect())
    }
}

impl VerifiedCheckpoint {
    /// The head the log signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which log this is the head of.
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root hash of those entries.
    pub fn root(&self) -> Hash {
        self.checkpoint.root
    }

    /// Every known key that signed, each once: the log's and the witnesses'.
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }

    /// The witnesses that cosigned, each key once. Two names may still be one public key: give each witness its own.
    pub fn cosignatures(&self) -> impl Iterator<Item = &VerifiedSignature> {
        self.signatures.iter().filter(|signature| signature.key().signature_type() == SignatureType::Cosignature)
    }
}

#[cfg(test)]
mod tests;
