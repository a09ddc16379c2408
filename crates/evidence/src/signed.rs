//! Signed statements: untrusted bytes go in, and what comes out was signed by a key that the caller named. And the other way: what is signed here.
//!
//! A signature says who, not whether: if the keys that signed are enough is the caller's to decide.

pub mod bundle;
pub mod cosign;
pub mod digest;
pub mod dsse;
pub mod key;
pub mod private;
pub mod statement;
pub mod summary;
pub mod trust;

mod certificate;
mod chain;
mod encoding;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timestamp;

use std::collections::BTreeSet;

use crate::Unreadable;
use key::{KeyId, Message, PublicKey};

/// Something that was signed, with who signed it. Nothing outside this module makes one, and nothing in it does before a signature held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    content: T,
    signers: BTreeSet<Signer>,
    times: BTreeSet<u64>,
}

/// Who signed something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// Whoever holds the key with this id.
    Key(KeyId),
    /// Somebody who has shown to be the subject, to an identity provider that the certificate names.
    Identity {
        /// The identity provider's URL. A subject means nothing without it.
        issuer: String,
        /// Who it is there: an address, or the URI of what runs there.
        subject: String,
    },
}

impl<T> Verified<T> {
    /// What was signed.
    pub fn content(&self) -> &T {
        &self.content
    }

    /// Who signed it, each once however often they signed; never empty. Signers count, not signatures.
    pub fn signers(&self) -> &BTreeSet<Signer> {
        &self.signers
    }

    /// When it was signed at the latest, in seconds since the Unix epoch: what logs and timestamp authorities of the caller's trusted root tell.
    /// Empty where they were not asked, or tell nothing.
    pub fn times(&self) -> &BTreeSet<u64> {
        &self.times
    }

    /// What was signed, without who signed it.
    pub fn into_content(self) -> T {
        self.content
    }

    /// Reads the content as something else that the same signers signed by it.
    fn read<U>(self, read: impl FnOnce(T) -> Result<U, NotVerified>) -> Result<Verified<U>, NotVerified> {
        Ok(Verified { content: read(self.content)?, signers: self.signers, times: self.times })
    }
}

/// Why something does not count as signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// What carries the signature, or what was signed, is not what it should be.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// No signature is by one of the keys.
    #[error("none of its {signatures} signatures is by one of the {keys} keys; add the signer's key if you trust it")]
    NoKnownSigner {
        /// How many signatures there are.
        signatures: usize,
        /// How many keys were tried.
        keys: usize,
    },
    /// It is signed, and is something else than was asked for.
    #[error("it is signed as `{found}`, and `{expected}` was asked for")]
    OtherKind {
        /// What it is signed as.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// It names the digest of other bytes than those that it is to be about.
    #[error("it is about other bytes: {what} differs")]
    OtherBytes {
        /// What differs.
        what: &'static str,
    },
    /// The certificate that it is signed with says nothing.
    #[error("its certificate is not believed: {problem}")]
    Certificate {
        /// What is the matter with it.
        problem: &'static str,
    },
    /// A log that the caller knows did not say what it is said to have said, or nothing about this.
    #[error("it is not known to be logged: {problem}")]
    NotLogged {
        /// What is the matter.
        problem: &'static str,
    },
    /// It can only be believed with what the caller did not give, or what is not looked at here.
    #[error("it is signed with {what}, which cannot be verified here")]
    Unsupported {
        /// What it needs.
        what: &'static str,
    },
}

/// The content, if at least one of the signatures over `message` is by one of the keys.
fn verified<'s, T>(
    keys: &[PublicKey],
    message: &Message<'_>,
    signatures: impl ExactSizeIterator<Item = &'s [u8]> + Clone,
    content: T,
) -> Result<Verified<T>, NotVerified> {
    let is_signer = |key: &&PublicKey| signatures.clone().any(|signature| key.verifies(message, signature));
    let signers: BTreeSet<_> = keys.iter().filter(is_signer).map(|key| Signer::Key(key.id())).collect();
    if signers.is_empty() {
        let keys: BTreeSet<_> = keys.iter().map(PublicKey::id).collect();
        return Err(NotVerified::NoKnownSigner { signatures: signatures.len(), keys: keys.len() });
    }
    Ok(Verified { content, signers, times: BTreeSet::new() })
}
