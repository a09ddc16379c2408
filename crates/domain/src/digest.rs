//! [`Digest`]: the identity of bytes.

mod hasher;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

pub use hasher::Hasher;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

/// A content digest as OCI writes it: `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits.
///
/// * Upper-case digits, other algorithms and other lengths are refused: one digest has one spelling.
/// * Weak algorithms (MD5, SHA-1) have no spelling at all, so nothing can be downgraded to them.
///
/// ```
/// use domain::Digest;
/// let digest = Digest::sha256(b"hello");
/// assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
/// assert!("sha256:ABCD".parse::<Digest>().is_err());
/// assert!("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709".parse::<Digest>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(Box<str>);

/// The hash function of a [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, the default everywhere.
    Sha256,
    /// SHA-512, accepted from clients that ask for it.
    Sha512,
}

/// A text is no [`Algorithm`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no hash function of digests: write `sha256` or `sha512`")]
pub struct UnknownAlgorithm {
    /// The text, cut to 200 characters.
    pub text: String,
}

/// Why a text is no [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no digest: write `sha256:` and 64 lower-case hexadecimal digits (or `sha512:` and 128)")]
pub struct InvalidDigest {
    /// The text, cut to 200 characters.
    pub text: String,
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::from_hash(Algorithm::Sha256, &Sha256::digest(bytes))
    }

    /// The SHA-512 digest of `bytes`.
    pub fn sha512(bytes: &[u8]) -> Self {
        Self::from_hash(Algorithm::Sha512, &Sha512::digest(bytes))
    }

    /// The digest of `bytes` by `algorithm`.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::sha256(bytes),
            Algorithm::Sha512 => Self::sha512(bytes),
        }
    }

    /// The digest whose hash was computed elsewhere, for example while bytes were received.
    ///
    /// # Panics
    /// When `hash` has not the length of `algorithm`'s output: that is a mistake of the calling code, never of input.
    pub fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        assert_eq!(hash.len() * 2, algorithm.hex_len(), "a hash of {algorithm} has a fixed length");
        Self(format!("{algorithm}:{}", hex::encode(hash)).into())
    }

    /// The hash function.
    pub fn algorithm(&self) -> Algorithm {
        if self.0.starts_with("sha256:") { Algorithm::Sha256 } else { Algorithm::Sha512 }
    }

    /// The hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.0[7..]
    }

    /// The whole digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people's eyes only; never an identity.
    pub fn short(&self) -> &str {
        &self.0[7..19]
    }
}

impl Algorithm {
    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        })
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            other => Err(UnknownAlgorithm { text: other.chars().take(200).collect() }),
        }
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let fits = |algorithm: Algorithm, digits: &str| {
            digits.len() == algorithm.hex_len() && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let valid = text
            .split_once(':')
            .is_some_and(|(name, digits)| name.parse().is_ok_and(|algorithm| fits(algorithm, digits)));
        if valid { Ok(Self(text.into())) } else { Err(InvalidDigest { text: text.chars().take(200).collect() }) }
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0.into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
