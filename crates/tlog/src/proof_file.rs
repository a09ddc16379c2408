//! Proof files: an entry's inclusion in a signed log, checkable offline (c2sp.org/tlog-proof).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, VerifiedCheckpoint};
use crate::frontier::MAX_TREE_SIZE;
use crate::hash::{Hash, leaf_hash};
use crate::key::VerifierKey;
use crate::note::{Note, NoteError};
use crate::verify::{ProofError, verify_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An inclusion proof with the signed checkpoint it leads to, read but not yet believed.
///
/// Also called a spicy signature. `Display` writes the file; by custom its name ends in `.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Note,
}

/// What a proof file proved: the entry is number `index` of the log at this checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEntry {
    index: u64,
    checkpoint: VerifiedCheckpoint,
}

/// Why bytes are not a proof file, or a proof file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// The file is longer than [`TlogProof::MAX_BYTES`].
    #[error("the proof file has {length} bytes, more than the limit of {max}", max = TlogProof::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The first line is another one.
    #[error("not a proof file: its first line is not `{HEADER}`; fetch it again")]
    Header,
    /// A line is not what the format has at this place.
    #[error("line {line} of the proof file is not {wanted}; fetch it again")]
    Line {
        /// Number of the line, counted from 1.
        line: usize,
        /// What belongs there.
        wanted: &'static str,
    },
    /// More hashes than any proof has.
    #[error("the proof file has more than {max} hashes; fetch it again", max = TlogProof::MAX_HASHES)]
    TooManyHashes,
    /// The index is above what any tree has.
    #[error("entry `{index}` is beyond the limit of {MAX_TREE_SIZE} entries")]
    IndexTooLarge {
        /// The stated index.
        index: u64,
    },
    /// The checkpoint is not one, or not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not lead from the entry to the checkpoint's root.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl TlogProof {
    /// The longest file that is read, in bytes: a note of any size, the hashes, and some extra data.
    pub const MAX_BYTES: usize = Note::MAX_BYTES + 100_000;
    /// The most hashes an inclusion proof can have.
    pub const MAX_HASHES: usize = 63;

    /// The proof that entry `index` (from 0) is in the tree of the signed `checkpoint`; see
    /// [`inclusion_proof`](crate::inclusion_proof) for the hashes.
    ///
    /// # Errors
    /// [`ProofFileError::TooManyHashes`] or [`ProofFileError::IndexTooLarge`]. Nothing is verified.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: Note) -> Result<Self, ProofFileError> {
        if hashes.len() > Self::MAX_HASHES {
            return Err(ProofFileError::TooManyHashes);
        }
        if index >= MAX_TREE_SIZE {
            return Err(ProofFileError::IndexTooLarge { index });
        }
        Ok(Self { extra: None, index, hashes, checkpoint })
    }

    /// The same proof with extra data, which nothing authenticates.
    ///
    /// # Errors
    /// [`ProofFileError::TooLong`] when the file would be longer than [`TlogProof::MAX_BYTES`].
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, ProofFileError> {
        self.extra = Some(extra);
        let length = self.to_string().len();
        if length > Self::MAX_BYTES { Err(ProofFileError::TooLong { length }) } else { Ok(self) }
    }

    /// Reads a proof file.
    ///
    /// # Errors
    /// [`ProofFileError`], for the shape of the bytes only: nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ProofFileError::TooLong { length: bytes.len() });
        }
        let text = str::from_utf8(bytes)
            .map_err(|error| CheckpointError::Note(NoteError::Characters { at: error.valid_up_to() }))?;
        let mut lines = Lines { rest: text, number: 0 };
        if lines.next() != Some(HEADER) {
            return Err(ProofFileError::Header);
        }
        let mut line = lines.next();
        let extra = match line.and_then(|line| line.strip_prefix("extra ")) {
            None => None,
            Some(encoded) => {
                let extra = STANDARD.decode(encoded).map_err(|_| lines.refuse("base64 extra data"))?;
                line = lines.next();
                Some(extra)
            }
        };
        let index = line.and_then(|line| line.strip_prefix("index ")).and_then(crate::decimal::parse);
        let index = index.ok_or_else(|| lines.refuse("`index <decimal>`"))?;
        let mut hashes = Vec::new();
        loop {
            let wanted = "the base64 of a hash, or the blank line before the checkpoint";
            match lines.next() {
                None => return Err(lines.refuse(wanted)),
                Some("") => break,
                Some(_) if hashes.len() == Self::MAX_HASHES => return Err(ProofFileError::TooManyHashes),
                Some(line) => hashes.push(Hash::from_base64(line).map_err(|_| lines.refuse(wanted))?),
            }
        }
        let checkpoint = Note::parse(lines.rest.as_bytes()).map_err(CheckpointError::from)?;
        Ok(Self { extra, ..Self::new(index, hashes, checkpoint)? })
    }

    /// Index of the entry, as the file says.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The sibling hashes from the leaf to the root, as the file says.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The signed checkpoint, not yet verified.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// The extra data, which nothing authenticates: not even [`TlogProof::verify`].
    pub fn unauthenticated_extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Checks, with nothing but the keys, that the log holds exactly this entry.
    ///
    /// Two things remain the caller's to decide: whether the checkpoint's origin is the log that was meant (only logs
    /// whose keys are given can pass), and whether enough witnesses cosigned
    /// ([`VerifiedCheckpoint::cosignatures`]).
    ///
    /// # Errors
    /// [`ProofFileError::Checkpoint`] when the checkpoint is not believed, [`ProofFileError::Proof`] when the proof does
    /// not lead from the entry to its root.
    pub fn verify(&self, entry: &[u8], keys: &[VerifierKey]) -> Result<VerifiedEntry, ProofFileError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, keys)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size(), &self.hashes, &checkpoint.root())?;
        Ok(VerifiedEntry { index: self.index, checkpoint })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl VerifiedEntry {
    /// Index of the entry in the log, counted from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint of the tree that holds it.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}

/// The lines of a file, each ended by a newline, and the rest after them.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    fn refuse(&self, wanted: &'static str) -> ProofFileError {
        ProofFileError::Line { line: self.number, wanted }
    }
}

#[cfg(test)]
mod tests;
