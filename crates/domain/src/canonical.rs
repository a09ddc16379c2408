//! Canonical JSON (RFC 8785): one value, one byte string, so that any language can recompute a digest or a leaf.

#[cfg(test)]
mod tests;

use serde::{Serialize, de::DeserializeOwned};

/// The canonical bytes of `value`.
///
/// # Panics
/// When `value` cannot be JSON at all (a map with keys that are no strings): that is a mistake in a type, found by its first test.
pub fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("our types serialise to JSON")
}

/// Why bytes are no canonical JSON of the type asked for.
#[derive(Debug, thiserror::Error)]
pub enum NotCanonical {
    /// Not JSON, or not of this type.
    #[error("not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Readable, yet not spelled the one way that counts (order, white space, duplicate or unknown members).
    #[error("readable, but not in canonical form (RFC 8785)")]
    Respelled,
}

/// Reads `bytes`, and refuses any spelling but the canonical one.
pub fn from_slice<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, NotCanonical> {
    let value: T = serde_json::from_slice(bytes)?;
    if to_vec(&value) == bytes { Ok(value) } else { Err(NotCanonical::Respelled) }
}
