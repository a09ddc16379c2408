//! Keys that sign notes and keys that verify them (c2sp.org/signed-note, c2sp.org/tlog-cosignature).

mod name;
mod signer;
mod verifier;

pub use name::{KeyId, KeyName};
pub use signer::SignerKey;
pub use verifier::VerifierKey;

/// What a signature states, and over which bytes it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// Type 0x01: Ed25519 over the note text.
    Ed25519,
    /// Type 0x04: a witness saw this tree head and checked it to extend all it saw before (`cosignature/v1`).
    Cosignature,
}

impl SignatureType {
    /// The identifier byte of the specification.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// Text that is not a key or a key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, longer than 255 bytes, or has a space, a `+` or a control character.
    #[error(
        "`{name}` is not a key name; use 1 to 255 bytes without spaces, `+` or control characters, such as `example.com/log`"
    )]
    Name {
        /// The refused name, cut to its first 64 characters.
        name: String,
    },
    /// Not `<name>+<8 hex digits>+<base64>`.
    #[error("not a verifier key; it looks like `example.com/log+530d903a+AekyeRrm...`, on one line")]
    Shape,
    /// A signature type this crate does not verify.
    #[error("key `{name}` has signature type 0x{byte:02x}; give an Ed25519 key (0x01) or a cosignature key (0x04)")]
    UnsupportedType {
        /// Name of the key.
        name: KeyName,
        /// The type byte.
        byte: u8,
    },
    /// The public key is not a usable Ed25519 point.
    #[error("key `{name}` does not hold a usable Ed25519 public key; ask its owner for it again")]
    PublicKey {
        /// Name of the key.
        name: KeyName,
    },
    /// The id in the text is not the id of the name and public key beside it.
    #[error(
        "key `{name}` states id `{stated}` but has id `{computed}`; one of its parts was changed, ask its owner for it again"
    )]
    IdMismatch {
        /// Name of the key.
        name: KeyName,
        /// The id in the text.
        stated: KeyId,
        /// The id of the name and public key.
        computed: KeyId,
    },
    /// Not an Ed25519 private key in PKCS#8 PEM.
    #[error("not an Ed25519 private key in PKCS#8 PEM; make one with `openssl genpkey -algorithm ed25519`")]
    Pem,
}

#[cfg(test)]
mod tests;
