//! [`Package`]: what an advisory is about and a bill of materials lists.

use std::str::FromStr;

use packageurl::PackageUrl;

/// A package as the OSV schema names it. How its versions are ordered follows from the ecosystem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// The ecosystem, with the release where there are several: `Go`, `Debian:12`.
    pub ecosystem: String,
    /// The name in that ecosystem, in the one spelling that counts there.
    pub name: String,
}

/// A package at one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Installed {
    /// The package.
    pub package: Package,
    /// Its version.
    pub version: String,
}

impl Package {
    /// A package, its name in the one spelling that counts.
    pub fn new(ecosystem: &str, name: &str) -> Self {
        let name = match ecosystem {
            // PEP 503: runs of these are one, and case does not count.
            "PyPI" => {
                let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
                parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
            }
            "NuGet" | "Packagist" => name.to_lowercase(),
            _ => name.to_owned(),
        };
        Self { ecosystem: ecosystem.to_owned(), name }
    }

    /// The ecosystem without its release: `Debian`.
    pub fn family(&self) -> &str {
        self.ecosystem.split_once(':').map_or(&self.ecosystem, |(family, _)| family)
    }

    /// Whether an advisory about `other` is about this. Where only one of them names a release of the ecosystem, it is: rather one finding too many.
    pub fn is(&self, other: &Self) -> bool {
        let release = |package: &Self| package.ecosystem.split_once(':').map(|(_, release)| release.to_owned());
        let same = match (release(self), release(other)) {
            (Some(one), Some(other)) => releases_agree(&one, &other),
            _ => true,
        };
        same && self.family() == other.family() && self.name == other.name
    }
}

/// `22.04` is `22.04:LTS`, and `v3.18` is what version 3.18.4 belongs to.
fn releases_agree(one: &str, other: &str) -> bool {
    let parts = |text: &str| text.split(':').next().unwrap_or_default().trim_start_matches('v').to_owned();
    parts(one) == parts(other)
}

/// What a package URL names, as the OSV schema names it; `None` if it names no version, or an ecosystem that has no advisories.
///
/// Distributions publish advisories about source packages, so where the URL says from which source the package was built (`upstream`), that is what
/// counts.
pub fn from_purl(purl: &str) -> Option<Installed> {
    let purl = PackageUrl::from_str(purl).ok()?;
    let version = purl.version()?.to_owned();
    let qualifier = |name: &str| purl.qualifiers().get(name).map(ToString::to_string);
    let joined = |separator: &str| {
        purl.namespace().map_or_else(|| purl.name().to_owned(), |space| format!("{space}{separator}{}", purl.name()))
    };
    let (ecosystem, name) = match purl.ty() {
        "cargo" => ("crates.io".to_owned(), purl.name().to_owned()),
        "composer" => ("Packagist".to_owned(), joined("/")),
        "conan" => ("ConanCenter".to_owned(), purl.name().to_owned()),
        "cran" => ("CRAN".to_owned(), purl.name().to_owned()),
        "gem" => ("RubyGems".to_owned(), purl.name().to_owned()),
        "golang" => ("Go".to_owned(), joined("/")),
        "hackage" => ("Hackage".to_owned(), purl.name().to_owned()),
        "hex" => ("Hex".to_owned(), purl.name().to_owned()),
        "maven" => ("Maven".to_owned(), joined(":")),
        "npm" => ("npm".to_owned(), joined("/")),
        "nuget" => ("NuGet".to_owned(), purl.name().to_owned()),
        "pub" => ("Pub".to_owned(), purl.name().to_owned()),
        "pypi" => ("PyPI".to_owned(), purl.name().to_owned()),
        "swift" => ("SwiftURL".to_owned(), joined("/")),
        "apk" | "deb" | "rpm" => {
            let ecosystem = distribution(purl.namespace()?, qualifier("distro").as_deref())?;
            return Some(of_source(
                &ecosystem,
                purl.name(),
                &version,
                qualifier("upstream").as_deref(),
                qualifier("epoch").as_deref(),
            ));
        }
        _ => return None,
    };
    Some(Installed { package: Package::new(&ecosystem, &name), version })
}

/// `debian` with `debian-12` is `Debian:12`.
fn distribution(vendor: &str, distro: Option<&str>) -> Option<String> {
    let release = distro.and_then(|distro| distro.rsplit_once('-')).map(|(_, release)| release);
    let major = release.map(|release| release.split('.').next().unwrap_or(release).to_owned());
    let minor = release.map(|release| release.split('.').take(2).collect::<Vec<_>>().join("."));
    let (family, release) = match vendor {
        "almalinux" => ("AlmaLinux", major),
        "alpine" => ("Alpine", minor.map(|release| format!("v{release}"))),
        "chainguard" => ("Chainguard", None),
        "debian" => ("Debian", major),
        "mageia" => ("Mageia", major),
        "openeuler" => ("openEuler", None),
        "opensuse" => ("openSUSE", None),
        "redhat" | "rhel" => ("Red Hat", None),
        "rocky" | "rockylinux" => ("Rocky Linux", major),
        "suse" | "sles" => ("SUSE", None),
        "ubuntu" => ("Ubuntu", minor),
        "wolfi" => ("Wolfi", None),
        _ => return None,
    };
    Some(release.map_or_else(|| family.to_owned(), |release| format!("{family}:{release}")))
}

/// The source that a distribution's package was built from: `openssl`, `openssl@3.0.11-1`, or for rpm the file `openssl-3.0.7-24.el9.src.rpm`.
fn of_source(ecosystem: &str, name: &str, version: &str, upstream: Option<&str>, epoch: Option<&str>) -> Installed {
    let with_epoch = |version: &str| match epoch {
        Some(epoch) if !version.contains(':') => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    };
    let (name, version) = match upstream {
        Some(file) if file.ends_with(".src.rpm") => {
            let mut parts = file.trim_end_matches(".src.rpm").rsplitn(3, '-');
            let (release, number, name) = (parts.next(), parts.next(), parts.next());
            match (name, number, release) {
                (Some(name), Some(number), Some(release)) => (name, with_epoch(&format!("{number}-{release}"))),
                _ => (name.unwrap_or(file), with_epoch(version)),
            }
        }
        Some(source) => match source.split_once('@') {
            Some((name, version)) => (name, version.to_owned()),
            None => (source, with_epoch(version)),
        },
        None => (name, with_epoch(version)),
    };
    Installed { package: Package::new(ecosystem, name), version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_name_packages_as_advisories_do() {
        for (purl, expected) in [
            ("pkg:golang/github.com/goharbor/harbor@v2.8.5", Some(("Go", "github.com/goharbor/harbor", "v2.8.5"))),
            ("pkg:npm/%40angular/core@15.0.0", Some(("npm", "@angular/core", "15.0.0"))),
            ("pkg:maven/org.apache/log4j@2.14.1?type=jar", Some(("Maven", "org.apache:log4j", "2.14.1"))),
            ("pkg:pypi/Zope_Interface@5.0", Some(("PyPI", "zope-interface", "5.0"))),
            ("pkg:cargo/serde@1.0.0", Some(("crates.io", "serde", "1.0.0"))),
            ("pkg:composer/Laravel/Framework@7.12.0", Some(("Packagist", "laravel/framework", "7.12.0"))),
            (
                "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
                Some(("Debian:12", "openssl", "3.0.11-1~deb12u2")),
            ),
            ("pkg:deb/debian/g%2B%2B@12.2?upstream=gcc-defaults%401.203", Some(("Debian", "gcc-defaults", "1.203"))),
            (
                "pkg:apk/alpine/libcrypto3@3.1.4-r0?distro=alpine-3.18.4&upstream=openssl",
                Some(("Alpine:v3.18", "openssl", "3.1.4-r0")),
            ),
            (
                "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.4?distro=ubuntu-22.04",
                Some(("Ubuntu:22.04", "curl", "7.81.0-1ubuntu1.4")),
            ),
            (
                "pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?epoch=1&distro=rocky-9.3&upstream=openssl-3.0.7-24.el9.src.rpm",
                Some(("Rocky Linux:9", "openssl", "1:3.0.7-24.el9")),
            ),
            ("pkg:npm/lodash", None),
            ("pkg:generic/openssl@3.0.0", None),
            ("pkg:deb/hummingbird/x@1", None),
            ("not a purl", None),
            ("", None),
        ] {
            let found = from_purl(purl);
            let found = found
                .as_ref()
                .map(|found| (found.package.ecosystem.as_str(), found.package.name.as_str(), found.version.as_str()));
            assert_eq!(found, expected, "{purl}");
        }
    }

    #[test]
    fn releases_of_an_ecosystem_are_told_apart() {
        let package = |ecosystem| Package::new(ecosystem, "openssl");
        for (one, other, same) in [
            ("Debian:12", "Debian:12", true),
            ("Debian:12", "Debian:11", false),
            ("Debian:12", "Debian", true),
            ("Debian", "Debian:11", true),
            ("Ubuntu:22.04", "Ubuntu:22.04:LTS", true),
            ("Alpine:v3.18", "Alpine:3.18", true),
            ("Debian:12", "Ubuntu:12", false),
        ] {
            assert_eq!(package(one).is(&package(other)), same, "{one} and {other}");
        }
        assert!(!Package::new("Go", "a").is(&Package::new("Go", "b")));
    }
}
