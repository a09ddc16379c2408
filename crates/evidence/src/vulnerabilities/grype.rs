//! Grype, `--output json`: <https://github.com/anchore/grype/tree/main/grype/presenter/models>.

use serde::Deserialize;

use super::{Finding, Findings, list, push, said};
use crate::{Unreadable, severity::Severity, time::Time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(deserialize_with = "list")]
    matches: Vec<Match>,
    #[serde(default, deserialize_with = "list")]
    ignored_matches: Vec<Match>,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
struct Descriptor {
    name: String,
    version: Option<String>,
    timestamp: Option<String>,
    db: Option<Database>,
}

/// Up to schema 5 the database says itself when it was made, later its status does.
#[derive(Deserialize)]
struct Database {
    built: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    built: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: Vulnerability,
    #[serde(default, deserialize_with = "list")]
    related_vulnerabilities: Vec<Related>,
    artifact: Artifact,
    #[serde(default, deserialize_with = "list")]
    applied_ignore_rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    severity: String,
    #[serde(default, deserialize_with = "list")]
    cvss: Vec<Cvss>,
    #[serde(default)]
    fix: Fix,
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(default)]
    vector: String,
}

#[derive(Default, Deserialize)]
struct Fix {
    #[serde(default, deserialize_with = "list")]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Related {
    id: String,
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    purl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Rule {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    vex_status: String,
    #[serde(default)]
    vex_justification: String,
}

pub fn read(bytes: &[u8]) -> Result<Findings, Unreadable> {
    let document: Document = super::read(bytes)?;
    let mut findings = Vec::new();
    for found in document.matches {
        push(&mut findings, found.finding(false))?;
    }
    for found in document.ignored_matches {
        push(&mut findings, found.finding(true))?;
    }
    let built = document.descriptor.db.and_then(|db| db.built.or_else(|| db.status.and_then(|status| status.built)));
    Ok(Findings {
        format: "Grype".into(),
        scanner: document.descriptor.name,
        scanner_version: document.descriptor.version,
        database: Time::told(built.as_deref()),
        scanned: Time::told(document.descriptor.timestamp.as_deref()),
        findings,
    })
}

impl Match {
    fn finding(self, ignored: bool) -> Finding {
        let why = self.applied_ignore_rules.into_iter().next().map(Rule::why);
        let word = Severity::of_word(&self.vulnerability.severity);
        let worst = self.vulnerability.cvss.iter().map(|cvss| Severity::of_cvss(&cvss.vector)).max();
        // An advisory that several vulnerabilities belong to has another id than each of them. What is said of one of them is not said of all.
        let aliases = match self.related_vulnerabilities.len() {
            1 => self.related_vulnerabilities.into_iter().map(|related| related.id).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        Finding {
            aliases: aliases.into_iter().filter(|alias| *alias != self.vulnerability.id).collect(),
            id: self.vulnerability.id,
            purl: self.artifact.purl.and_then(said),
            package: said(self.artifact.name),
            version: said(self.artifact.version),
            severity: if word == Severity::Unknown { worst.unwrap_or_default() } else { word },
            fixed: self.vulnerability.fix.versions,
            suppressed: ignored.then(|| why.unwrap_or_else(|| "ignored".into())),
        }
    }
}

impl Rule {
    fn why(self) -> String {
        let told = [self.vex_status, self.vex_justification, self.reason];
        let told: Vec<_> = told.into_iter().filter_map(said).collect();
        if told.is_empty() { "ignored".into() } else { told.join(": ") }
    }
}
