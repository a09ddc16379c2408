//! Canonical JSON (RFC 8785): one value, one byte string, so that any language can recompute a digest or a leaf.

#[cfg(test)]
mod tests;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The canonical bytes of `value`.
///
/// # Panics
/// When `value` cannot be JSON at all (a map with keys that are no strings): that is a mistake in a type, found by its first test.
pub fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("our types serialise to JSON");
    let bytes = if is_plain(&value) { serde_json::to_vec(&value) } else { serde_json_canonicalizer::to_vec(&value) };
    bytes.expect("a JSON value can be written")
}

/// How many bytes the canonical form of `value` has, as far as our types go: the order of members does not change that.
///
/// # Panics
/// As [`to_vec`].
pub fn length<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).expect("our types serialise to JSON").len()
}

/// Whether serde_json writes `value` as RFC 8785 wants it, as it does what all our types are made of, several times faster. It orders members
/// by code points, not by UTF-16 code units, which differ from U+E000 on; and it spells fractions and numbers beyond 2^53 in its own way.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(members) => {
            members.iter().all(|(key, value)| key.chars().all(|letter| letter < '\u{e000}') && is_plain(value))
        }
    }
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
