//! [`Advisory`]: a record of the OSV schema, and whether it is about a version.
//!
//! The schema: <https://ossf.github.io/osv-schema/>, 1.7. What it says beyond what is needed here is ignored, as it asks.

mod range;

use serde::Deserialize;

use crate::{
    Unreadable, at_most,
    package::{Installed, Package},
    severity::Severity,
    version::Scheme,
};

pub use range::Affects;
use range::Range;

/// How large a record may be, in bytes.
pub const BYTES_MAX: usize = 16 << 20;

/// What Go's database writes in its sources where a date is not known yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A record of the OSV schema.
#[derive(Clone, Debug)]
pub struct Advisory {
    /// Its id: `GHSA-…`, `GO-…`, `CVE-…`.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// When it was last changed, as it says; empty if it does not.
    pub modified: String,
    /// Whether its authors took it back. It then is about nothing.
    pub withdrawn: bool,
    /// In one line.
    pub summary: String,
    affected: Vec<Affected>,
    severity: Severity,
}

#[derive(Clone, Debug)]
struct Affected {
    package: Package,
    scheme: Option<Scheme>,
    versions: Vec<String>,
    ranges: Vec<Range>,
    severity: Severity,
}

/// What an advisory says about an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the version is affected.
    pub affects: Affects,
    /// The first version after it that is not, if there is one.
    pub fixed: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

impl Advisory {
    /// Reads a record.
    ///
    /// # Errors
    /// When it is no record of the schema, or larger than [`BYTES_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        let record: record::Record = serde_json::from_slice(bytes)
            .map_err(|error| Unreadable::Malformed { kind: "OSV record", problem: error.to_string() })?;
        Ok(record.into())
    }

    /// The packages that it is about.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.affected.iter().map(|affected| &affected.package)
    }

    /// How bad it is, whatever package it is about.
    pub fn severity(&self) -> Severity {
        let affected = self.affected.iter().map(|affected| affected.severity).max().unwrap_or_default();
        affected.max(self.severity)
    }

    /// Whether it is about `installed`; `None` if it is about other packages.
    pub fn about(&self, installed: &Installed) -> Option<Answer> {
        if self.withdrawn {
            return None;
        }
        let answers = self.affected.iter().filter(|affected| installed.package.is(&affected.package)).map(|affected| {
            let (affects, fixed) = affected.about(&installed.version);
            let severity = if affected.severity == Severity::Unknown { self.severity } else { affected.severity };
            Answer { affects, fixed, severity }
        });
        answers.max_by_key(|answer| answer.affects)
    }
}

impl Affected {
    fn about(&self, version: &str) -> (Affects, Option<String>) {
        let Some(scheme) = self.scheme else {
            let listed = self.versions.iter().any(|listed| listed == version);
            // Without an order, only what is listed can be told.
            let affects = if listed {
                Affects::Yes
            } else if self.ranges.is_empty() {
                Affects::No
            } else {
                Affects::Unknown
            };
            return (affects, None);
        };
        let equal =
            |listed: &String| listed == version || scheme.compare(listed, version).is_ok_and(std::cmp::Ordering::is_eq);
        let listed = if self.versions.iter().any(equal) { Affects::Yes } else { Affects::No };
        let affects = self.ranges.iter().map(|range| range.about(scheme, version)).fold(listed, Affects::max);
        // A record that names neither is about every version.
        let affects = if self.versions.is_empty() && self.ranges.is_empty() { Affects::Yes } else { affects };
        let fixed =
            (affects != Affects::No).then(|| self.ranges.iter().find_map(|range| range.fixed_after(scheme, version)));
        (affects, fixed.flatten())
    }
}

/// The schema as it is written.
mod record {
    use super::*;

    #[derive(Deserialize)]
    pub struct Record {
        id: String,
        #[serde(default)]
        modified: String,
        withdrawn: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
        #[serde(default)]
        summary: String,
        #[serde(default)]
        affected: Vec<AffectedRecord>,
        #[serde(default)]
        severity: Vec<SeverityRecord>,
        #[serde(default)]
        database_specific: Specific,
    }

    #[derive(Deserialize)]
    struct AffectedRecord {
        package: Option<PackageRecord>,
        #[serde(default)]
        ranges: Vec<range::RangeRecord>,
        #[serde(default)]
        versions: Vec<String>,
        #[serde(default)]
        severity: Vec<SeverityRecord>,
        #[serde(default)]
        database_specific: Specific,
        #[serde(default)]
        ecosystem_specific: Specific,
    }

    #[derive(Deserialize)]
    struct PackageRecord {
        ecosystem: String,
        name: String,
    }

    #[derive(Deserialize)]
    struct SeverityRecord {
        #[serde(default)]
        score: String,
    }

    /// What a database adds: a word for how bad it is, if it has one, and whatever else.
    #[derive(Default, Deserialize)]
    #[serde(transparent)]
    struct Specific(serde_json::Value);

    impl Specific {
        fn severity(&self) -> Severity {
            self.0.get("severity").and_then(|word| word.as_str()).map_or(Severity::Unknown, Severity::of_word)
        }
    }

    /// The worst of what vectors say, or else what the database calls it.
    fn severity(vectors: &[SeverityRecord], words: &[&Specific]) -> Severity {
        let rated = vectors.iter().map(|rated| match Severity::of_cvss(&rated.score) {
            Severity::Unknown => Severity::of_word(&rated.score),
            severity => severity,
        });
        let worst = rated.max().unwrap_or_default();
        let word = words.iter().map(|word| word.severity()).max().unwrap_or_default();
        if worst == Severity::Unknown { word } else { worst }
    }

    impl From<Record> for Advisory {
        fn from(record: Record) -> Self {
            let affected = record.affected.into_iter().filter_map(|affected| {
                let named = affected.package?;
                Some(Affected {
                    scheme: Scheme::of_ecosystem(&named.ecosystem),
                    package: Package::new(&named.ecosystem, &named.name),
                    severity: severity(
                        &affected.severity,
                        &[&affected.ecosystem_specific, &affected.database_specific],
                    ),
                    versions: affected.versions,
                    ranges: affected.ranges.into_iter().filter_map(Range::from_record).collect(),
                })
            });
            Self {
                affected: affected.collect(),
                severity: severity(&record.severity, &[&record.database_specific]),
                withdrawn: record.withdrawn.is_some(),
                id: record.id,
                aliases: record.aliases,
                modified: if record.modified == NEVER { String::new() } else { record.modified },
                summary: record.summary,
            }
        }
    }
}

#[cfg(test)]
mod tests;
