//! OSV-Scanner, `--format json`: <https://google.github.io/osv-scanner/output/#json>.
//!
//! It tells whole advisories, and in groups which of them are one vulnerability. What its analysis of calls says does not suppress anything: that
//! nothing calls a function is a guess of the scanner, and nobody's word.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Finding, Findings, list, push, said};
use crate::{
    Unreadable,
    advisory::Advisory,
    package::{Installed, Package},
    severity::Severity,
};

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(borrow, deserialize_with = "list")]
    results: Vec<Source<'a>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow, deserialize_with = "list")]
    packages: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    package: Named,
    #[serde(borrow, default, deserialize_with = "list")]
    vulnerabilities: Vec<&'a RawValue>,
    #[serde(default, deserialize_with = "list")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    ecosystem: String,
}

#[derive(Deserialize)]
struct Group {
    #[serde(deserialize_with = "list")]
    ids: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    aliases: Vec<String>,
    #[serde(default)]
    max_severity: String,
}

pub fn read(bytes: &[u8]) -> Result<Findings, Unreadable> {
    let report: Report<'_> = super::read(bytes)?;
    let mut findings = Vec::new();
    for listed in report.results.into_iter().flat_map(|source| source.packages) {
        listed.add_to(&mut findings)?;
    }
    Ok(Findings { format: "OSV-Scanner".into(), scanner: "OSV-Scanner".into(), findings, ..Findings::default() })
}

impl Listed<'_> {
    fn add_to(self, findings: &mut Vec<Finding>) -> Result<(), Unreadable> {
        let installed = Installed {
            package: Package::new(&self.package.ecosystem, &self.package.name),
            version: self.package.version.clone(),
        };
        let mut advisories = BTreeMap::new();
        for record in self.vulnerabilities {
            let advisory = Advisory::parse(record.get().as_bytes())?;
            advisories.insert(advisory.id.clone(), advisory);
        }
        for group in self.groups {
            let told: Vec<_> = group.ids.iter().filter_map(|id| advisories.remove(id)).collect();
            if let Some(finding) = of_group(&self.package, &installed, &group, &told) {
                push(findings, finding)?;
            }
        }
        for advisory in advisories.into_values() {
            let group = Group { ids: vec![advisory.id.clone()], aliases: Vec::new(), max_severity: String::new() };
            if let Some(finding) = of_group(&self.package, &installed, &group, &[advisory]) {
                push(findings, finding)?;
            }
        }
        Ok(())
    }
}

/// What is told of one vulnerability; `None` if it has no id.
fn of_group(package: &Named, installed: &Installed, group: &Group, told: &[Advisory]) -> Option<Finding> {
    let id = group.ids.first()?.clone();
    let others = told.iter().flat_map(|advisory| advisory.aliases.iter()).chain(&group.ids).chain(&group.aliases);
    let mut aliases: Vec<_> = others.filter(|other| **other != id).cloned().collect();
    aliases.sort();
    aliases.dedup();
    let answers: Vec<_> = told.iter().filter_map(|advisory| advisory.about(installed)).collect();
    let mut fixed: Vec<_> = answers.iter().filter_map(|answer| answer.fixed.clone()).collect();
    fixed.sort();
    fixed.dedup();
    let rated = [
        Severity::of_score(&group.max_severity),
        answers.iter().map(|answer| answer.severity).max().unwrap_or_default(),
        told.iter().map(Advisory::severity).max().unwrap_or_default(),
    ];
    let text = |text: &str| said(text.to_owned());
    Some(Finding {
        id,
        aliases,
        purl: None,
        package: text(&package.name),
        version: text(&package.version),
        severity: rated.into_iter().find(|rated| *rated != Severity::Unknown).unwrap_or_default(),
        fixed,
        suppressed: None,
    })
}
