//! How a key is called: its name and its short id.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::{KeyError, SignatureType};

/// The name of a key: by custom a URL without its scheme, such as `example.com/log`.
///
/// 1 to [`KeyName::MAX_BYTES`] bytes, without Unicode spaces, `+` and control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The longest accepted name, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        if fits && !text.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError::Name { name: text.chars().take(64).collect() })
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The short id of a key: enough to choose a key, far too short to trust one. Written as 8 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`.
    pub(crate) fn compute(name: &KeyName, signature_type: SignatureType, public_key: &[u8; 32]) -> Self {
        let digest = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', signature_type.byte()])
            .chain_update(public_key)
            .finalize();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
