//! SHA-256 Merkle tree hashes (RFC 6962, section 2.1).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// One hash of the tree: a leaf hash, an inner node, or a root.
///
/// Written as lower-case hex by `Display` and read back by `FromStr`; as standard base64 by [`Hash::to_base64`] and by
/// serde, which is how checkpoints and proofs carry it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::LEN]);

/// Text that is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not 64 lower-case hexadecimal digits.
    #[error(
        "not a hash: wanted 64 lower-case hexadecimal digits, got {length} bytes of other text; check what was copied"
    )]
    Hex {
        /// Length of the refused text, in bytes.
        length: usize,
    },
    /// Not the padded standard base64 of 32 bytes.
    #[error(
        "not a hash: wanted the 44 characters of standard base64 for 32 bytes, got {length} bytes of other text; check what was copied"
    )]
    Base64 {
        /// Length of the refused text, in bytes.
        length: usize,
    },
}

impl Hash {
    /// Length of a hash in bytes.
    pub const LEN: usize = 32;

    pub(crate) const ZERO: Self = Self([0; Self::LEN]);

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The hash in padded standard base64 (RFC 4648, section 4): 44 characters.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes, and nothing else.
    ///
    /// # Errors
    /// [`HashError::Base64`] for any other text, including URL-safe, unpadded and non-canonical base64.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        let refused = HashError::Base64 { length: text.len() };
        // 32 bytes are always 44 characters: a longer text is refused before it is decoded.
        if text.len() != 44 {
            return Err(refused);
        }
        let bytes = STANDARD.decode(text).map_err(|_| refused.clone())?;
        bytes.try_into().map(Self).map_err(|_| refused)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let refused = HashError::Hex { length: text.len() };
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(refused);
        }
        let mut bytes = [0; Self::LEN];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| refused)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_base64(&text).map_err(serde::de::Error::custom)
    }
}

/// The hash of one entry: `SHA-256(0x00 ‖ entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
}

/// The hash of two subtrees side by side: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of the tree without entries: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

#[cfg(test)]
mod tests;
