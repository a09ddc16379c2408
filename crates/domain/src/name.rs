//! Names, each a type of its own, so that a stage can never be taken for a project.

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {rule}")]
pub struct InvalidName {
    /// What the text should have been, for example `stage name`.
    pub what: &'static str,
    /// The text, cut to 200 characters.
    pub text: String,
    /// What is allowed.
    pub rule: &'static str,
}

const SLUG: &str =
    "lower-case letters, digits and single hyphens inside, at most 63 characters, beginning with a letter";
const WORD: &str =
    "letters, digits and `. _ - : / @ +` inside, at most 128 characters, beginning with a letter or digit";
const TAG: &str = "letters, digits, `_`, `.` and `-`, at most 128 characters, not beginning with `.` or `-`";
const REPOSITORY: &str = "path components of lower-case letters and digits, separated inside by `.`, `_`, `__` or hyphens and joined \
                          by `/`, at most 255 characters";
const ADDRESS: &str = "a host, perhaps with a port, and perhaps a path, such as `registry.example.org/team/shop`; `http://` in front \
                       is for a registry without TLS";
const PARTY: &str = "`person:` or `machine:` and then letters, digits and `. _ - @ / +`, at most 128 characters";
const KEY: &str = "1 to 128 visible ASCII characters";
const PREDICATE: &str =
    "a URI of at most 300 visible ASCII characters, such as `https://slsa.dev/provenance/v1`; or `*`";
const SIGNER: &str = "`key:` and the 64 lower-case hexadecimal digits of the SHA-256 of the key in DER";

fn slug(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn word(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:/@+".contains(&b))
}

fn tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn repository(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let component = |part: &str| {
        let bytes = part.as_bytes();
        let ends_well =
            bytes.first().is_some_and(|b| alphanumeric(*b)) && bytes.last().is_some_and(|b| alphanumeric(*b));
        ends_well
            && part
                .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
    };
    text.len() <= 255 && text.split('/').all(component)
}

/// Narrower than what URLs allow: every address has one spelling, which any client takes.
fn address(text: &str) -> bool {
    let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = bare.unwrap_or(text);
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_known = name.contains('.') || name == "localhost" || port.is_some() || bare.is_some();
    host_name(name) && port.is_none_or(is_port) && is_known && path.is_none_or(repository)
}

fn host_name(text: &str) -> bool {
    let label = |label: &str| {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let edges = label.starts_with('-') || label.ends_with('-') || label.starts_with("xn--");
        (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !edges
    };
    // A last part that is a number makes an address of it, which has four of them in their only spelling.
    let number = |part: &str| part.parse::<u8>().is_ok_and(|number| number.to_string() == part);
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    let named = text.len() <= 253 && text.split('.').all(label);
    named && (!is_address || (text.split('.').count() == 4 && text.split('.').all(number)))
}

fn party(text: &str) -> bool {
    let Some((kind, name)) = text.split_once(':') else { return false };
    matches!(kind, "person" | "machine")
        && text.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@/+".contains(&b))
}

fn predicate(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, rest)| (scheme.as_bytes(), rest));
    let is_uri = scheme.is_some_and(|(scheme, rest)| {
        scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(u8::is_ascii_alphanumeric)
            && !rest.is_empty()
    });
    text == "*" || (is_uri && text.len() <= 300 && text.bytes().all(|b| b.is_ascii_graphic()))
}

fn signer(text: &str) -> bool {
    let digits = text.strip_prefix("key:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $rule:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if $check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { what: $what, text: text.chars().take(200).collect(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A project: the tenant that owns components, a pipeline and roles.
    ProjectName, "project name", slug, SLUG;
    /// One of the parts that a release is made of, for example `web`.
    ComponentName, "component name", slug, SLUG;
    /// A stage of a pipeline, for example `prod`.
    StageName, "stage name", slug, SLUG;
    /// A place that a stage delivers to, for example `eu-registry`.
    TargetName, "target name", slug, SLUG;
    /// A registry that is not ours, with what its repositories begin with: `registry.example.org/team/shop`.
    RegistryAddress, "registry address", address, ADDRESS;
    /// A role that a grant gives, built in or defined by the project.
    RoleName, "role name", slug, SLUG;
    /// What evidence is about in general: `tests`, `scan`, `sbom`, or a predicate type of one's own.
    EvidenceKind, "kind of evidence", word, WORD;
    /// Which one of a kind: the suite of the tests, the name of the scanner.
    EvidenceName, "name of evidence", word, WORD;
    /// What kind of thing a signed statement says: the predicate type of in-toto, a URI.
    PredicateType, "predicate type", predicate, PREDICATE;
    /// A public key that a project trusts, for example `ci`.
    KeyName, "name of a key", slug, SLUG;
    /// Who signed something: whoever holds a key.
    SignerId, "signer", signer, SIGNER;
    /// A tag of the registry: a label, never an identity.
    TagName, "tag", tag, TAG;
    /// A repository of the registry. Its first path component names the project that it belongs to.
    RepositoryName, "repository name", repository, REPOSITORY;
    /// Who acts: a person or a machine, by a stable id. Display names live elsewhere, where they can be erased.
    Party, "party", party, PARTY;
    /// What makes asking twice safe: chosen by the caller, unique for each thing asked.
    CommandKey, "idempotency key", key, KEY;
    /// The public half of an access token: it names the token and opens nothing.
    TokenId, "token id", slug_hex, TOKEN_ID;
}

const TOKEN_ID: &str = "16 lower-case hexadecimal digits";

fn slug_hex(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl Party {
    /// Whether this is a person. Machines cannot approve.
    pub fn is_person(&self) -> bool {
        self.0.starts_with("person:")
    }
}

impl RepositoryName {
    /// The project that owns the repository: the first path component, where it is a project name at all.
    pub fn project(&self) -> Option<ProjectName> {
        self.0.split('/').next().and_then(|first| first.parse().ok())
    }
}

impl RegistryAddress {
    /// The registry: host and perhaps port, with `http://` or `https://` where it was written so.
    pub fn host(&self) -> &str {
        self.split().0
    }

    /// What its repositories begin with, if that is anything.
    pub fn below(&self) -> Option<&str> {
        self.split().1
    }

    fn split(&self) -> (&str, Option<&str>) {
        let from = self.0.find("://").map_or(0, |at| at + 3);
        match self.0[from..].find('/') {
            Some(slash) => (&self.0[..from + slash], Some(&self.0[from + slash + 1..])),
            None => (&self.0, None),
        }
    }
}
