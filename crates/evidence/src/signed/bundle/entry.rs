//! Entries of transparency logs, as bundles bring them: with a log's promise to take them in, or with the proof that it did.

use tlog::{Checkpoint, Hash, Note, leaf_hash, verify_inclusion};

use super::{Bundle, Version, malformed, wire};
use crate::{
    Unreadable, at_most,
    signed::{
        NotVerified, encoding,
        key::Message,
        trust::{Log, Validity},
    },
};

/// An entry of a transparency log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: String,
    pub(super) version: String,
    pub(super) body: Vec<u8>,
    log: Vec<u8>,
    index: u64,
    /// When the log took it in, in seconds since the Unix epoch. Only the promise signs it.
    integrated: u64,
    promise: Option<Vec<u8>>,
    proof: Option<Proof>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof {
    index: u64,
    hashes: Vec<Hash>,
    /// A signed note.
    checkpoint: String,
}

/// What a log that is known has told about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InLog {
    /// When it took it in.
    pub(super) time: Option<u64>,
    /// When the log was in use.
    pub(super) valid: Validity,
}

/// The one kind of entry that Rekor 2 takes, and older ones do not.
const REKOR_2: (&str, &str) = ("hashedrekord", "0.0.2");

impl Entry {
    pub(super) fn from_wire(wire: wire::Entry, version: Version) -> Result<Self, Unreadable> {
        let proof = wire.inclusion_proof.map(Proof::from_wire).transpose()?;
        match (&proof, &wire.inclusion_promise) {
            (None, _) if version > Version::V01 => Err(malformed("a log entry has no inclusion proof".to_owned())),
            (None, None) => Err(malformed("a log entry has neither a promise nor a proof".to_owned())),
            _ => Ok(Self {
                kind: wire.kind_version.kind,
                version: wire.kind_version.version,
                body: wire.canonicalized_body.0,
                log: wire.log_id.map(|id| id.key_id.0).unwrap_or_default(),
                index: wire.log_index.0,
                integrated: wire.integrated_time.0,
                promise: wire.inclusion_promise.map(|promise| promise.signed_entry_timestamp.0),
                proof,
            }),
        }
    }

    /// What the logs tell about it; `None` if it is said to be in none of them.
    ///
    /// # Errors
    /// [`NotVerified::NotLogged`] if it is said to be in one of them, and that one said no such thing.
    pub(super) fn in_logs(&self, logs: &[Log]) -> Result<Option<InLog>, NotVerified> {
        let mut known = logs.iter().filter(|log| log.id == self.log).peekable();
        if known.peek().is_none() {
            return Ok(None);
        }
        let told = known.find_map(|log| self.in_log(log));
        told.map(Some)
            .ok_or(NotVerified::NotLogged { problem: "the log that it names did not promise or prove to have it" })
    }

    fn in_log(&self, log: &Log) -> Option<InLog> {
        if let Some(proof) = &self.proof {
            self.is_proved(proof, log)?;
        }
        let time = if let Some(promise) = &self.promise {
            let is_promised = log.key.verifies(&Message::of_bytes(&self.promised()), promise);
            Some(self.integrated).filter(|time| is_promised && log.valid.contains(*time)).map(Some)?
        } else {
            None
        };
        Some(InLog { time, valid: log.valid })
    }

    /// What a log signs when it promises to take an entry in: canonical JSON.
    fn promised(&self) -> Vec<u8> {
        let (body, log) = (encoding::to_base64(&self.body), hex::encode(&self.log));
        let (time, index) = (self.integrated, self.index);
        format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{log}","logIndex":{index}}}"#).into_bytes()
    }

    fn is_proved(&self, proof: &Proof, log: &Log) -> Option<()> {
        let note = Note::parse(proof.checkpoint.as_bytes()).ok()?;
        let text = Message::of_bytes(note.unverified_text().as_bytes());
        if !note.signatures().iter().any(|signature| log.key.verifies(&text, signature.bytes())) {
            return None;
        }
        let head: Checkpoint = note.unverified_text().parse().ok()?;
        // A log in shards counts its entries over all of them, and in the proof those of one. Rekor 2 has none, and says to look here.
        let index = if (self.kind.as_str(), self.version.as_str()) == REKOR_2 { self.index } else { proof.index };
        verify_inclusion(&leaf_hash(&self.body), index, head.size(), &proof.hashes, &head.root()).ok()
    }
}

impl Proof {
    fn from_wire(wire: wire::InclusionProof) -> Result<Self, Unreadable> {
        at_most("hashes in a proof", wire.hashes.len(), Bundle::MAX_PROOF_HASHES)?;
        let hash = |hash: encoding::Base64| hash.0.try_into().map(Hash::from_bytes);
        let hashes: Result<_, _> = wire.hashes.into_iter().map(hash).collect();
        Ok(Self {
            index: wire.log_index.0,
            hashes: hashes.map_err(|_| malformed("a hash in a proof has another length than 32 bytes".to_owned()))?,
            checkpoint: wire.checkpoint.map(|checkpoint| checkpoint.envelope).unwrap_or_default(),
        })
    }
}
