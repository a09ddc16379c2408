//! [`Advisories`]: which of them are about what a bill of materials lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    advisory::{Advisory, Affects},
    package::Installed,
    sbom::Sbom,
    severity::Severity,
};

/// Advisories, found by the package that they are about.
#[derive(Clone, Debug, Default)]
pub struct Advisories {
    by_id: BTreeMap<String, Advisory>,
    /// Ids by the family of the ecosystem and the name.
    by_package: BTreeMap<(String, String), BTreeSet<String>>,
    newest: String,
}

/// A vulnerability of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id: the first in order of the advisories that tell of it.
    pub id: String,
    /// Its other ids, those of other advisories among them.
    pub aliases: Vec<String>,
    /// In one line.
    pub summary: String,
    /// The package, as the bill of materials names it.
    pub purl: String,
    /// The installed version.
    pub version: String,
    /// The first version in which it is fixed, if there is one.
    pub fixed: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it cannot be told if the version is affected. It then counts as if it were.
    pub uncertain: bool,
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The vulnerabilities, the worst first.
    pub findings: Vec<Finding>,
    /// How many components were looked up.
    pub matched: usize,
    /// What could not be looked up: no package URL with a version, or an ecosystem without advisories.
    pub unmatched: Vec<String>,
}

impl Advisories {
    /// Adds an advisory, in place of an older one with its id.
    pub fn add(&mut self, advisory: Advisory) {
        if self.by_id.get(&advisory.id).is_some_and(|known| known.modified > advisory.modified) {
            return;
        }
        for package in advisory.packages() {
            let key = (package.family().to_owned(), package.name.clone());
            self.by_package.entry(key).or_default().insert(advisory.id.clone());
        }
        if advisory.modified > self.newest {
            self.newest.clone_from(&advisory.modified);
        }
        self.by_id.insert(advisory.id.clone(), advisory);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// When the newest of them was changed, as it says itself; empty without any.
    pub fn newest(&self) -> &str {
        &self.newest
    }

    /// Looks up everything that `sbom` lists.
    pub fn scan(&self, sbom: &Sbom) -> Report {
        let mut report = Report::default();
        let mut seen = BTreeSet::new();
        for component in &sbom.components {
            match (component.installed(), &component.purl) {
                (Some(installed), Some(purl)) => {
                    report.matched += 1;
                    if seen.insert(purl) {
                        report.findings.extend(self.findings(purl, &installed));
                    }
                }
                _ => report.unmatched.push(format!("{} {}", component.name, component.version).trim_end().to_owned()),
            }
        }
        report.findings.sort_by(|one, other| {
            other.severity.cmp(&one.severity).then_with(|| (&one.purl, &one.id).cmp(&(&other.purl, &other.id)))
        });
        report
    }

    fn findings(&self, purl: &str, installed: &Installed) -> Vec<Finding> {
        let key = (installed.package.family().to_owned(), installed.package.name.clone());
        let ids = self.by_package.get(&key).into_iter().flatten();
        let mut findings: Vec<Finding> = Vec::new();
        for advisory in ids.filter_map(|id| self.by_id.get(id)) {
            let Some(answer) = advisory.about(installed).filter(|answer| answer.affects != Affects::No) else {
                continue;
            };
            let finding = Finding {
                id: advisory.id.clone(),
                aliases: advisory.aliases.clone(),
                summary: advisory.summary.clone(),
                purl: purl.to_owned(),
                version: installed.version.clone(),
                fixed: answer.fixed,
                severity: answer.severity,
                uncertain: answer.affects == Affects::Unknown,
            };
            merge(&mut findings, finding);
        }
        findings
    }
}

/// Adds a finding, together with those that share an id with it: several databases tell of one vulnerability.
fn merge(findings: &mut Vec<Finding>, mut finding: Finding) {
    let mut index = 0;
    while index < findings.len() {
        if findings[index].names().all(|id| finding.names().all(|other| id != other)) {
            index += 1;
            continue;
        }
        let known = findings.remove(index);
        let names: BTreeSet<String> = known.names().chain(finding.names()).map(ToOwned::to_owned).collect();
        let severity = known.severity.max(finding.severity);
        let uncertain = known.uncertain && finding.uncertain;
        let fixed = known.fixed.clone().or_else(|| finding.fixed.clone());
        finding = Finding { severity, uncertain, fixed, ..known };
        finding.aliases = names.into_iter().filter(|name| *name != finding.id).collect();
    }
    findings.push(finding);
}

impl Finding {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}
