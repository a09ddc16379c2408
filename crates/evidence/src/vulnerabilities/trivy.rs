//! Trivy, `--format json`: <https://trivy.dev/latest/docs/configuration/reporting/#json>.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Finding, Findings, list, malformed, push, said};
use crate::{Unreadable, severity::Severity, time::Time};

/// The only schema that has been written since 2020.
const SCHEMA: u64 = 2;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    schema_version: u64,
    #[serde(default)]
    trivy: Info,
    created_at: Option<String>,
    #[serde(default, deserialize_with = "list")]
    results: Vec<Target>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    #[serde(default, deserialize_with = "list")]
    vulnerabilities: Vec<Detected>,
    #[serde(default, rename = "ExperimentalModifiedFindings", deserialize_with = "list")]
    modified: Vec<Modified>,
}

#[derive(Deserialize)]
struct Detected {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(default, rename = "VendorIDs", deserialize_with = "list")]
    aliases: Vec<String>,
    #[serde(default, rename = "PkgName")]
    package: String,
    #[serde(default, rename = "PkgIdentifier")]
    identifier: Identifier,
    #[serde(default, rename = "InstalledVersion")]
    version: String,
    #[serde(default, rename = "FixedVersion")]
    fixed: String,
    #[serde(default, rename = "Severity")]
    severity: String,
    #[serde(rename = "CVSS")]
    cvss: Option<BTreeMap<String, Rating>>,
}

#[derive(Default, Deserialize)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rating {
    v2_vector: Option<String>,
    v3_vector: Option<String>,
    v40_vector: Option<String>,
}

/// What somebody's word has changed: an ignore file's, or a VEX document's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modified {
    #[serde(rename = "Type")]
    kind: String,
    status: String,
    #[serde(default)]
    statement: String,
    finding: serde_json::Value,
}

pub fn read(bytes: &[u8]) -> Result<Findings, Unreadable> {
    let report: Report = super::read(bytes)?;
    if report.schema_version != SCHEMA {
        return Err(malformed(format!("Trivy's schema {} is not read, but {SCHEMA}", report.schema_version)));
    }
    let mut findings = Vec::new();
    for target in report.results {
        for detected in target.vulnerabilities {
            push(&mut findings, detected.finding(None))?;
        }
        for modified in target.modified.into_iter().filter(|modified| modified.kind == "vulnerability") {
            let detected: Detected = serde_json::from_value(modified.finding).map_err(malformed)?;
            let suppressed = match modified.status.as_str() {
                "ignored" | "not_affected" | "fixed" if modified.statement.is_empty() => Some(modified.status),
                "ignored" | "not_affected" | "fixed" => Some(format!("{}: {}", modified.status, modified.statement)),
                _ => None,
            };
            push(&mut findings, detected.finding(suppressed))?;
        }
    }
    Ok(Findings {
        format: "Trivy".into(),
        scanner: "Trivy".into(),
        scanner_version: report.trivy.version,
        database: None,
        scanned: Time::told(report.created_at.as_deref()),
        findings,
    })
}

impl Detected {
    fn finding(self, suppressed: Option<String>) -> Finding {
        let vectors = self
            .cvss
            .iter()
            .flat_map(BTreeMap::values)
            .flat_map(|rating| [&rating.v2_vector, &rating.v3_vector, &rating.v40_vector].into_iter().flatten());
        let worst = vectors.map(|vector| Severity::of_cvss(vector)).max().unwrap_or_default();
        let word = Severity::of_word(&self.severity);
        Finding {
            id: self.id,
            aliases: self.aliases,
            purl: self.identifier.purl.and_then(said),
            package: said(self.package),
            version: said(self.version),
            severity: if word == Severity::Unknown { worst } else { word },
            fixed: self.fixed.split(',').map(|version| version.trim().to_owned()).filter_map(said).collect(),
            suppressed,
        }
    }
}
