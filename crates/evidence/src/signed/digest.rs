//! Digests as statements and signatures name them: only algorithms that nobody can find collisions of.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256, Sha512};

/// The digest of some bytes. MD5 and SHA-1 are no digests here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// Text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest; it looks like `sha256:` and 64 lower-case hexadecimal digits")]
pub struct InvalidDigest(pub String);

impl Digest {
    /// The SHA-256 digest of bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(bytes).into())
    }

    /// The SHA-512 digest of bytes.
    pub fn sha512(bytes: &[u8]) -> Self {
        Self::Sha512(Sha512::digest(bytes).into())
    }

    /// The name of its algorithm, as OCI and in-toto have it.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// A digest from the name of its algorithm and lower-case hexadecimal digits; `None` if the algorithm does not count.
    ///
    /// # Errors
    /// [`InvalidDigest`] if the algorithm counts and the digits are not those of one of its digests.
    pub fn of_parts(algorithm: &str, digits: &str) -> Option<Result<Self, InvalidDigest>> {
        let digest = match algorithm {
            "sha256" => lower_hex(digits).map(Self::Sha256),
            "sha512" => lower_hex(digits).map(Self::Sha512),
            _ => return None,
        };
        Some(digest.ok_or_else(|| InvalidDigest(format!("{algorithm}:{}", shortened(digits)))))
    }
}

/// The bytes that lower-case hexadecimal digits stand for.
pub(super) fn lower_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_lower = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
    (is_lower && hex::decode_to_slice(digits, &mut bytes).is_ok()).then_some(bytes)
}

fn shortened(text: &str) -> String {
    text.chars().take(128).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: &[u8] = match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        };
        write!(f, "{}:{}", self.algorithm(), hex::encode(bytes))
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let (algorithm, digits) = text.split_once(':').unwrap_or((text, ""));
        Self::of_parts(algorithm, digits).unwrap_or_else(|| Err(InvalidDigest(shortened(text))))
    }
}
