//! [`Scheme`]: how an ecosystem orders the versions of its packages.
//!
//! Each ecosystem has an order of its own, and a version that is compared by another's order is judged wrongly: `1.0-1` comes after `1.0` in Debian
//! and before it on npm.

mod alpine;
mod debian;
mod dotted;
mod maven;
mod packagist;
mod pypi;
mod rpm;
mod rubygems;

use std::cmp::Ordering;

/// How versions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// apk-tools: Alpine, Chainguard, Wolfi.
    Alpine,
    /// R's packages: numbers between dots and dashes.
    Cran,
    /// dpkg: Debian, Ubuntu.
    Debian,
    /// Haskell's packages.
    Hackage,
    /// Maven's `ComparableVersion`.
    Maven,
    /// NuGet: Semantic Versioning with four numbers, and no case.
    NuGet,
    /// PHP's `version_compare`, as Composer uses it.
    Packagist,
    /// Dart's packages: Semantic Versioning in which build metadata counts.
    Pub,
    /// PEP 440, with the versions from before it in front.
    PyPi,
    /// rpm's `rpmvercmp`: Red Hat, SUSE, openEuler and others.
    Rpm,
    /// Ruby's `Gem::Version`.
    RubyGems,
    /// Semantic Versioning 2.0.0: crates.io, Go, npm and others.
    SemVer,
}

/// A version that its ecosystem's order says nothing about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{version}` is no version of {scheme:?}: {rule}")]
pub struct InvalidVersion {
    /// What was given.
    pub version: String,
    /// Whose order was asked for.
    pub scheme: Scheme,
    /// What a version looks like there.
    pub rule: &'static str,
}

impl Scheme {
    /// The order of an ecosystem, by the name that the OSV schema gives it, with or without a release (`Debian:12`); `None` if that ecosystem's order is
    /// not known.
    pub fn of_ecosystem(name: &str) -> Option<Self> {
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        Some(match name {
            "Alpaquita" | "Alpine" | "BellSoft Hardened Containers" | "Chainguard" | "MinimOS" | "Wolfi" => {
                Self::Alpine
            }
            "CRAN" => Self::Cran,
            "Debian" | "Echo" | "Ubuntu" => Self::Debian,
            "Hackage" => Self::Hackage,
            "Maven" => Self::Maven,
            "NuGet" => Self::NuGet,
            "Packagist" => Self::Packagist,
            "Pub" => Self::Pub,
            "PyPI" => Self::PyPi,
            "AlmaLinux" | "Azure Linux" | "Mageia" | "Photon OS" | "Red Hat" | "Rocky Linux" | "SUSE" | "openEuler"
            | "openSUSE" => Self::Rpm,
            "RubyGems" => Self::RubyGems,
            "Bioconductor" | "Bitnami" | "ConanCenter" | "GHC" | "GitHub Actions" | "Go" | "Hex" | "Julia"
            | "SwiftURL" | "crates.io" | "npm" => Self::SemVer,
            _ => return None,
        })
    }

    /// Which of two versions comes first.
    ///
    /// # Errors
    /// When one of them is no version in this scheme. Schemes that order whatever they are given never fail.
    pub fn compare(self, one: &str, other: &str) -> Result<Ordering, InvalidVersion> {
        match self {
            Self::Alpine => Ok(alpine::compare(one, other)),
            Self::Cran => dotted::cran(one, other),
            Self::Debian => debian::compare(one, other),
            Self::Hackage => dotted::hackage(one, other),
            Self::Maven => Ok(maven::compare(one, other)),
            Self::NuGet => Ok(dotted::nuget(one, other)),
            Self::Packagist => Ok(packagist::compare(one, other)),
            Self::Pub => Ok(dotted::r#pub(one, other)),
            Self::PyPi => Ok(pypi::compare(one, other)),
            Self::Rpm => Ok(rpm::compare(one, other)),
            Self::RubyGems => Ok(rubygems::compare(one, other)),
            Self::SemVer => Ok(dotted::semver(one, other)),
        }
    }

    fn invalid(self, version: &str, rule: &'static str) -> InvalidVersion {
        InvalidVersion { version: version.to_owned(), scheme: self, rule }
    }
}

/// Whether this is a number: digits, at least one.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares two runs of digits as numbers of any length; nothing counts as zero.
fn numbers(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Takes the longest start of `text` that consists of what `is` says.
fn take<'a>(text: &mut &'a str, is: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !is(c)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

/// Takes the digits at the start of `text`.
fn take_digits<'a>(text: &mut &'a str) -> &'a str {
    take(text, |c| c.is_ascii_digit())
}

/// Pairs what stands at the same place, until both end.
fn pairs<'a, T>(one: &'a [T], other: &'a [T]) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    (0..one.len().max(other.len())).map(|index| (one.get(index), other.get(index)))
}

/// The first of `orders` that is not equal.
fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
