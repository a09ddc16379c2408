//! A transparency log without the log server: hashing, tiles, proofs, signed notes and checkpoints.
//!
//! This crate is **pure**. It does no I/O, reads no clock and draws no random numbers: bytes, times and key seeds are
//! arguments, and everything else follows from them. A ledger writer, a mirror, a browser and an offline verifier can
//! therefore share it. All parsers are total: any input gives a value or a typed error, never a panic, and every length
//! that comes from outside is bounded.
//!
//! | Module | What it holds | Specification |
//! |---|---|---|
//! | [`hash`] | [`Hash`](struct@Hash), [`leaf_hash`], [`node_hash`], [`empty_root`] | RFC 6962, section 2.1 |
//! | [`frontier`] | [`Frontier`]: the smallest state from which a tree can grow | RFC 6962, section 2.1 |
//! | [`verify`] | [`verify_inclusion`], [`verify_consistency`] | RFC 6962, sections 2.1.1 and 2.1.2 |
//! | [`prove`] | [`inclusion_proof`], [`consistency_proof`], [`root_from_tiles`] over a [`HashReader`] | the same |
//! | [`tile`] | [`Tile`], [`EntryBundle`], their paths and codecs, [`tiles_for`], [`TileBuilder`] | [c2sp.org/tlog-tiles] |
//! | [`key`] | [`SignerKey`], [`VerifierKey`] (vkey), [`KeyName`], [`KeyId`] | [c2sp.org/signed-note] |
//! | [`note`] | [`Note`]: signed text | [c2sp.org/signed-note] |
//! | [`checkpoint`] | [`Checkpoint`]: a signed tree head, and its cosignatures | [c2sp.org/tlog-checkpoint], [c2sp.org/tlog-cosignature] |
//! | [`proof_file`] | [`TlogProof`]: the offline `.tlog-proof` file | [c2sp.org/tlog-proof] |
//!
//! Signature types 0x01 (Ed25519) and 0x04 (`cosignature/v1`) are spoken; every other type is carried along unread.
//!
//! # From entries to an offline proof
//!
//! ```
//! use tlog::{Checkpoint, Frontier, SignerKey, TileBuilder, TlogProof, leaf_hash};
//!
//! // The writer: append, sign the new head, publish the tiles.
//! let (mut frontier, mut tiles) = (Frontier::default(), TileBuilder::default());
//! for entry in [b"first".as_slice(), b"second", b"third"] {
//!     frontier.append(leaf_hash(entry));
//!     tiles.append(leaf_hash(entry));
//! }
//! let log = SignerKey::from_seed("example.com/log", [7; 32])?;
//! let head = Checkpoint::new("example.com/log", frontier.size(), frontier.root())?.sign(&log)?;
//! let published: std::collections::BTreeMap<_, _> = tiles.take_tiles().into_iter().collect();
//!
//! // Anyone with the tiles makes the proof; anyone with the log's public key checks it, offline.
//! let path = tlog::inclusion_proof(1, frontier.size(), &published)?;
//! let file = TlogProof::new(1, path, head)?.to_string();
//! let verified = TlogProof::parse(file.as_bytes())?.verify(b"second", &[log.verifier_key()])?;
//! assert_eq!((verified.index(), verified.checkpoint().size()), (1, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [c2sp.org/tlog-tiles]: https://c2sp.org/tlog-tiles
//! [c2sp.org/signed-note]: https://c2sp.org/signed-note
//! [c2sp.org/tlog-checkpoint]: https://c2sp.org/tlog-checkpoint
//! [c2sp.org/tlog-cosignature]: https://c2sp.org/tlog-cosignature
//! [c2sp.org/tlog-proof]: https://c2sp.org/tlog-proof

pub mod checkpoint;
pub mod frontier;
pub mod hash;
pub mod key;
pub mod note;
pub mod proof_file;
pub mod prove;
pub mod tile;
pub mod verify;

mod decimal;

#[cfg(test)]
mod testing;

pub use checkpoint::{Checkpoint, CheckpointError, VerifiedCheckpoint};
pub use frontier::{Frontier, FrontierError, MAX_TREE_SIZE};
pub use hash::{Hash, HashError, empty_root, leaf_hash, node_hash};
pub use key::{KeyError, KeyId, KeyName, SignatureType, SignerKey, VerifierKey};
pub use note::{Note, NoteError, NoteSignature, VerifiedNote, VerifiedSignature};
pub use proof_file::{ProofFileError, TlogProof, VerifiedEntry};
pub use prove::{HashReader, Impossible, ProveError, consistency_proof, inclusion_proof, root_from_tiles};
pub use tile::{
    BundleError, EntryBundle, Tile, TileBuilder, TileError, UncheckedTile, bundles_for, checked_tile, subtree_root,
    tiles_for,
};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
