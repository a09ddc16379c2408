//! [`Findings`]: what a scanner of somebody else found, in whichever of the usual forms it was told.
//!
//! Reports of Trivy, Grype and OSV-Scanner, SARIF 2.1.0, and the predicates that carry them: in-toto vulns 0.1 and 0.2, and cosign's vuln. Nothing is
//! judged again: what the scanner says is taken as it is said, and what it does not say is not known. Where a scanner says itself that it
//! did not finish, there is no report.

mod grype;
mod osv_scanner;
mod predicate;
mod sarif;
mod trivy;

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

use crate::{Unreadable, at_most, scan, severity::Severity, time::Time};

pub use predicate::PREDICATE_TYPES;

/// How large a report may be, in bytes.
pub const BYTES_MAX: usize = 64 << 20;

/// How many vulnerabilities a report may tell of, duplicates among them.
pub const FINDINGS_MAX: usize = 250_000;

/// How long the names in a finding may be together, in bytes. Many findings share them, so that a long name would be there many times.
const NAMES_BYTES_MAX: usize = 4 << 10;

/// What a scanner found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What form it was told in: `Trivy`, `SARIF 2.1.0`, `cosign vuln v1: Grype`.
    pub format: String,
    /// What the scanner calls itself, or the URI that it is known by.
    pub scanner: String,
    /// Its version, if it is told.
    pub scanner_version: Option<String>,
    /// When what it knows was last brought up to date, if that is told.
    pub database: Option<Time>,
    /// When it looked, if that is told: when it was done, or else when it began.
    pub scanned: Option<Time>,
    /// What it found: each vulnerability of each package once, the worst first.
    pub findings: Vec<Finding>,
}

/// A vulnerability of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The id that the scanner gives it.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// The package URL of what is affected, if it is told.
    pub purl: Option<String>,
    /// The name of what is affected, if it is told.
    pub package: Option<String>,
    /// Its version, if it is told.
    pub version: Option<String>,
    /// How bad it is: the scanner's own word, or else what the CVSS vectors that it tells come to.
    pub severity: Severity,
    /// The versions in which it is fixed, as far as they are told.
    pub fixed: Vec<String>,
    /// Why the scanner does not count it, if it does not.
    pub suppressed: Option<String>,
}

impl Findings {
    /// Reads a scanner's own report: of Trivy, Grype or OSV-Scanner as JSON, or SARIF 2.1.0.
    ///
    /// # Errors
    /// When it is none of them, beyond a limit, or of a scan that did not succeed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        Ok(raw(bytes)?.settled())
    }

    /// Reads the predicate of a statement; `None` if the type is none of [`PREDICATE_TYPES`].
    ///
    /// # Errors
    /// When it is not what its type says, or as for [`Findings::parse`].
    pub fn of_predicate(predicate_type: &str, bytes: &[u8]) -> Option<Result<Self, Unreadable>> {
        if !PREDICATE_TYPES.contains(&predicate_type) {
            return None;
        }
        let read = at_most("bytes", bytes.len(), BYTES_MAX).and_then(|()| predicate::read(predicate_type, bytes));
        Some(read.map(Self::settled))
    }

    /// How many there are of each severity, without what is suppressed.
    pub fn counts(&self) -> BTreeMap<Severity, usize> {
        let mut counts = BTreeMap::new();
        for finding in self.findings.iter().filter(|finding| finding.suppressed.is_none()) {
            *counts.entry(finding.severity).or_default() += 1;
        }
        counts
    }

    /// Each vulnerability of each package once, the worst first. Scanners tell of one for every file in which they saw the package.
    fn settled(mut self) -> Self {
        type Key = (String, Option<String>, Option<String>, Option<String>);
        let mut known: BTreeMap<Key, Finding> = BTreeMap::new();
        let mut of_no_package = Vec::new();
        for finding in self.findings {
            if finding.purl.is_none() && finding.package.is_none() {
                of_no_package.push(finding);
                continue;
            }
            let key = (finding.id.clone(), finding.purl.clone(), finding.package.clone(), finding.version.clone());
            match known.get_mut(&key) {
                Some(same) => same.join(finding),
                None => {
                    known.insert(key, finding);
                }
            }
        }
        self.findings = known.into_values().chain(of_no_package).collect();
        self.findings.sort_by(|one, other| {
            let place = (&one.purl, &one.package, &one.id).cmp(&(&other.purl, &other.package, &other.id));
            other.severity.cmp(&one.severity).then(place)
        });
        self
    }
}

impl Finding {
    /// Its ids, the scanner's own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Takes over what is told of the same once more. It is suppressed if it is everywhere.
    fn join(&mut self, same: Self) {
        self.severity = self.severity.max(same.severity);
        self.suppressed = self.suppressed.take().filter(|_| same.suppressed.is_some());
        for (ours, theirs) in [(&mut self.aliases, same.aliases), (&mut self.fixed, same.fixed)] {
            ours.extend(theirs);
            ours.sort();
            ours.dedup();
        }
    }
}

/// What our own scan found counts like what others did. What is uncertain counts as if it were not, there as here.
impl From<&scan::Finding> for Finding {
    fn from(found: &scan::Finding) -> Self {
        Self {
            id: found.id.clone(),
            aliases: found.aliases.clone(),
            purl: Some(found.purl.clone()),
            package: None,
            version: Some(found.version.clone()),
            severity: found.severity,
            fixed: found.fixed.iter().cloned().collect(),
            suppressed: None,
        }
    }
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct Form {
    #[serde(rename = "SchemaVersion")]
    trivy: Option<IgnoredAny>,
    #[serde(rename = "matches")]
    grype: Option<IgnoredAny>,
    #[serde(rename = "results")]
    osv_scanner: Option<IgnoredAny>,
    #[serde(rename = "runs")]
    sarif: Option<IgnoredAny>,
}

fn raw(bytes: &[u8]) -> Result<Findings, Unreadable> {
    let form: Form = read(bytes)?;
    match (form.trivy.is_some(), form.grype.is_some(), form.osv_scanner.is_some(), form.sarif.is_some()) {
        (true, false, false, false) => trivy::read(bytes),
        (false, true, false, false) => grype::read(bytes),
        (false, false, true, false) => osv_scanner::read(bytes),
        (false, false, false, true) => sarif::read(bytes),
        _ => Err(malformed("it is no report of Trivy, Grype or OSV-Scanner, nor SARIF")),
    }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(malformed)
}

fn malformed(problem: impl ToString) -> Unreadable {
    Unreadable::Malformed { kind: "scan report", problem: problem.to_string() }
}

/// Adds a finding, if there may be one more.
fn push(findings: &mut Vec<Finding>, finding: Finding) -> Result<(), Unreadable> {
    at_most("vulnerabilities", findings.len() + 1, FINDINGS_MAX)?;
    let names = [Some(&finding.id), finding.purl.as_ref(), finding.package.as_ref(), finding.version.as_ref()];
    at_most("bytes of names of a vulnerability", names.into_iter().flatten().map(String::len).sum(), NAMES_BYTES_MAX)?;
    if finding.id.is_empty() {
        return Err(malformed("a vulnerability has no id"));
    }
    findings.push(finding);
    Ok(())
}

/// A text that says something.
fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// `null` where a list is expected: what Go writes for a list that has nothing.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text or a number, as text: scanners differ in how they write scores.
fn score<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(de::Error::custom("a score is a number, or text")),
    }
}

#[cfg(test)]
mod tests;
