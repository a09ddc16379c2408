//! [`Hasher`]: the digest of bytes that come in pieces.

use sha2::{Digest as _, Sha256, Sha512, digest::common::hazmat::SerializableState};

use super::{Algorithm, Digest};

/// Computes a digest piece by piece.
///
/// ```
/// use domain::{Algorithm, Digest, Hasher};
/// let mut hasher = Hasher::new(Algorithm::Sha256);
/// hasher.update(b"hel");
/// let mut elsewhere = Hasher::resume(Algorithm::Sha256, &hasher.save()).unwrap();
/// elsewhere.update(b"lo");
/// assert_eq!(elsewhere.finish(), Digest::sha256(b"hello"));
/// ```
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::from_hash(Algorithm::Sha256, &hasher.finalize()),
            Self::Sha512(hasher) => Digest::from_hash(Algorithm::Sha512, &hasher.finalize()),
        }
    }

    /// Its state, to go on with elsewhere.
    pub fn save(&self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.serialize().to_vec(),
            Self::Sha512(hasher) => hasher.serialize().to_vec(),
        }
    }

    /// Goes on from a state that was saved; `None` if the bytes are none.
    pub fn resume(algorithm: Algorithm, state: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Sha256 => Sha256::deserialize(state.try_into().ok()?).map(Self::Sha256).ok(),
            Algorithm::Sha512 => Sha512::deserialize(state.try_into().ok()?).map(Self::Sha512).ok(),
        }
    }
}
