//! [`Trust`]: whose signed statements count in a project, and for what; [`Statement`]: what somebody signed, as far as gates ask for it.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use crate::{Digest, KeyName, PredicateType, SignerId, Timestamp};

/// How many keys a project trusts at most.
pub const KEYS_MAX: usize = 64;
/// How many predicate types one key may attest at most, each spelled out.
pub const ATTESTS_MAX: usize = 50;
/// How many signers of one statement are kept at most.
pub const SIGNERS_MAX: usize = 32;
/// How many claims of one statement are kept at most, and how many bytes each has with its name.
pub const CLAIMS_MAX: usize = 8;
/// See [`CLAIMS_MAX`].
pub const CLAIM_BYTES_MAX: usize = 400;
/// How many bytes a public key has at most, in DER: more than RSA with 8192 bits needs.
const KEY_BYTES_MAX: usize = 2048;

/// Whose signed statements count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Public keys, by the names that gates call them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<KeyName, TrustedKey>,
}

/// A public key, what it may attest, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKeyPem,
    /// The predicate types that it may attest; [`PredicateType::ANY`] for all of them.
    pub attests: Vec<PredicateType>,
    /// When it went out of use: what was recorded before still counts, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
    /// Since when it is not to be believed: nothing that was recorded from then on counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// A public key as PEM (`-----BEGIN PUBLIC KEY-----`, RFC 7468). Which algorithms are verified is said elsewhere; here a key is known by its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKeyPem {
    text: String,
    id: SignerId,
}

/// A text is no public key as PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no public key as PEM: it begins with `-----BEGIN PUBLIC KEY-----` and has at most {KEY_BYTES_MAX} bytes"
)]
pub struct InvalidPem;

/// What somebody signed: what kind of thing it says, whose signatures held when it was recorded, and what of it gates ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The digest of what was signed, whatever it came wrapped in: by it the same word is known when somebody brings it again.
    pub digest: Digest,
    /// What kind of thing it says.
    pub predicate: PredicateType,
    /// Whose signatures held; without those that were known for this very statement before.
    pub signers: BTreeSet<SignerId>,
    /// What of it gates ask for, for example `builder` and `source` of a build.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// Why a key's word does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It had gone out of use.
    Retired(Timestamp),
    /// It was not to be believed any more.
    Revoked(Timestamp),
    /// It may not attest such a thing.
    NotFor,
}

impl Trust {
    /// Whether nobody's signature counts.
    pub fn is_nothing(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the word of at least one of the signers counts, if it was recorded at `at`.
    pub fn believes(&self, statement: &Statement, at: Timestamp) -> bool {
        let signed = self.keys.values().filter(|key| statement.signers.contains(key.key.id()));
        signed.into_iter().any(|key| key.distrusted(&statement.predicate, at).is_none())
    }

    /// What is wrong with it: the members that lead to the place, and a sentence.
    pub(crate) fn check(&self) -> Result<(), (Vec<String>, String)> {
        let keys = || vec!["keys".to_owned()];
        if self.keys.len() > KEYS_MAX {
            return Err((keys(), format!("a project trusts at most {KEYS_MAX} keys")));
        }
        let mut ids = BTreeMap::new();
        for (name, trusted) in &self.keys {
            let at = |member: &str| vec!["keys".to_owned(), name.to_string(), member.to_owned()];
            if !(1..=ATTESTS_MAX).contains(&trusted.attests.len()) {
                let problem = format!("`attests` has 1 to {ATTESTS_MAX} predicate types; `\"*\"` is for all of them");
                return Err((at("attests"), problem));
            }
            if let Some(other) = ids.insert(trusted.key.id(), name) {
                return Err((at("key"), format!("it is the same key as `{other}`, and would count as two signers")));
            }
        }
        Ok(())
    }
}

impl TrustedKey {
    /// Why its word on `predicate`, recorded at `at`, does not count; `None` if it does.
    pub fn distrusted(&self, predicate: &PredicateType, at: Timestamp) -> Option<Distrust> {
        if !self.may_attest(predicate) {
            return Some(Distrust::NotFor);
        }
        let revoked = self.revoked.filter(|since| at >= *since).map(Distrust::Revoked);
        revoked.or_else(|| self.retired.filter(|since| at >= *since).map(Distrust::Retired))
    }

    /// Whether it may attest `predicate` at all.
    pub fn may_attest(&self, predicate: &PredicateType) -> bool {
        self.attests.iter().any(|allowed| allowed == predicate || allowed.is_any())
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retired(since) => write!(f, "retired since {since}"),
            Self::Revoked(since) => write!(f, "revoked since {since}"),
            Self::NotFor => f.write_str("not trusted with that"),
        }
    }
}

impl PredicateType {
    /// Stands for every predicate type.
    pub const ANY: &str = "*";

    /// Whether it stands for every predicate type.
    pub fn is_any(&self) -> bool {
        self.as_str() == Self::ANY
    }
}

impl PublicKeyPem {
    /// Who signs with it: the SHA-256 of its SubjectPublicKeyInfo in DER.
    pub fn id(&self) -> &SignerId {
        &self.id
    }

    /// The PEM text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for PublicKeyPem {
    type Error = InvalidPem;

    fn try_from(text: String) -> Result<Self, InvalidPem> {
        let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----").ok_or(InvalidPem)?;
        let inner = inner.strip_suffix("-----END PUBLIC KEY-----").ok_or(InvalidPem)?;
        let digits: String = inner.lines().map(str::trim).collect();
        if digits.len() > KEY_BYTES_MAX.div_ceil(3) * 4 {
            return Err(InvalidPem);
        }
        let der = BASE64_STANDARD.decode(digits).map_err(|_| InvalidPem)?;
        if der.is_empty() || der.len() > KEY_BYTES_MAX {
            return Err(InvalidPem);
        }
        let id = format!("key:{}", Digest::sha256(&der).hex()).parse().map_err(|_| InvalidPem)?;
        Ok(Self { text: text.trim().to_owned(), id })
    }
}

impl From<PublicKeyPem> for String {
    fn from(key: PublicKeyPem) -> Self {
        key.text
    }
}

impl fmt::Debug for PublicKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)
    }
}
