//! Tags that say what their manifest is about: older clients attach by a tag's name, newer ones by the manifest's `subject`.
//!
//! * `sha256-<digits>` is the index that a client keeps of what it attached, where it takes the registry for one without referrers (OCI
//!   distribution specification 1.1, "Referrers Tag Schema"). Of longer digests it has the first 64 digits.
//! * `sha256-<digits>.sig`, `.att` and `.sbom` are cosign's signatures, attestations and bills of materials.

#[cfg(test)]
mod tests;

use crate::{Algorithm, Digest, TagName};

/// How many digits of a digest a tag has.
const DIGITS: usize = 64;
/// What cosign adds.
const SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// What a tag says that its manifest is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// This manifest.
    Digest(Digest),
    /// The manifest whose digest begins so.
    Beginning(Box<str>),
}

impl TagName {
    /// What the tag says that its manifest is about; `None` for a tag that says nothing of that kind.
    pub fn about(&self) -> Option<About> {
        let (algorithm, rest) = self.as_str().split_once('-')?;
        let algorithm: Algorithm = algorithm.parse().ok()?;
        let (digits, suffix) = rest.split_at_checked(DIGITS)?;
        let known = suffix.is_empty() || (algorithm == Algorithm::Sha256 && SUFFIXES.contains(&suffix));
        let is_hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !known || !is_hex {
            return None;
        }
        let beginning = format!("{algorithm}:{digits}");
        Some(beginning.parse().map_or_else(|_| About::Beginning(beginning.into()), About::Digest))
    }
}

impl Digest {
    /// The tags under which a manifest may be that is about the one with this digest: [`Digest::referrers_tag`], then
    /// [`Digest::cosign_tags`].
    pub fn tags_about(&self) -> Vec<TagName> {
        std::iter::once(self.referrers_tag()).chain(self.cosign_tags()).collect()
    }

    /// The tag of the index in which clients list what refers to the manifest, where a registry does not.
    pub fn referrers_tag(&self) -> TagName {
        let name = format!("{}-{}", self.algorithm(), &self.hex()[..DIGITS]);
        name.parse().expect("an algorithm and hexadecimal digits are a tag")
    }

    /// The tags under which cosign keeps what it knows about the manifest. With all digits of a SHA-512 they would be longer than a tag may be.
    pub fn cosign_tags(&self) -> Vec<TagName> {
        let suffixes = SUFFIXES.iter().filter(|_| self.algorithm() == Algorithm::Sha256);
        suffixes.filter_map(|suffix| format!("{}{suffix}", self.referrers_tag()).parse().ok()).collect()
    }
}
