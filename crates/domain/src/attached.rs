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
    /// The tags under which a manifest may be that is about the one with this digest, the index of such manifests first.
    pub fn tags_about(&self) -> Vec<TagName> {
        let index = format!("{}-{}", self.algorithm(), &self.hex()[..DIGITS]);
        // With all digits of a SHA-512, cosign's names would be longer than a tag may be.
        let suffixes = SUFFIXES.iter().filter(|_| self.algorithm() == Algorithm::Sha256);
        let names = suffixes.map(|suffix| format!("{index}{suffix}"));
        std::iter::once(index.clone()).chain(names).filter_map(|name| name.parse().ok()).collect()
    }
}
