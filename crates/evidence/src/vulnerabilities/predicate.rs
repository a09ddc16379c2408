//! Predicates of in-toto statements: vulns 0.1 and 0.2 (<https://github.com/in-toto/attestation/tree/main/spec/predicates>), and cosign's vuln
//! (<https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>), which has a scanner's own report in it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Finding, Findings, list, malformed, push, raw, said, score};
use crate::{Unreadable, severity::Severity, time::Time};

const VULNS_1: &str = "https://in-toto.io/attestation/vulns/v0.1";
const VULNS_2: &str = "https://in-toto.io/attestation/vulns/v0.2";
const COSIGN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

/// The types of predicates that are read.
pub const PREDICATE_TYPES: [&str; 3] = [VULNS_1, VULNS_2, COSIGN];

/// Whose annotations are ours, and so known.
const OURS: &str = "selfsame";

#[derive(Deserialize)]
struct Predicate<'a> {
    #[serde(borrow)]
    scanner: Scanner<'a>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Scanner<'a> {
    #[serde(default)]
    uri: String,
    version: Option<String>,
    #[serde(default)]
    db: Database,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Database {
    last_update: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    scan_started_on: Option<String>,
    scan_finished_on: Option<String>,
}

/// A vulnerability. The text of version 0.1 wraps it in another object, its example does not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Wrapped { vulnerability: Vulnerability },
    Bare(Vulnerability),
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(deserialize_with = "list")]
    severity: Vec<Rating>,
    #[serde(default)]
    annotations: serde_json::Value,
}

#[derive(Deserialize)]
struct Rating {
    #[serde(default)]
    method: String,
    #[serde(default, deserialize_with = "score")]
    score: Option<String>,
}

/// What our own scans add.
#[derive(Default, Deserialize)]
struct Annotation {
    package: Option<String>,
    #[serde(default, deserialize_with = "list")]
    aliases: Vec<String>,
    fixed: Option<String>,
}

pub fn read(predicate_type: &str, bytes: &[u8]) -> Result<Findings, Unreadable> {
    let predicate: Predicate<'_> = super::read(bytes)?;
    let result = predicate.scanner.result.get().as_bytes();
    let mut read = match predicate_type {
        COSIGN => {
            let report = raw(result)?;
            Findings { format: format!("cosign vuln v1: {}", report.format), ..report }
        }
        _ => Findings {
            format: format!("in-toto vulns {}", if predicate_type == VULNS_1 { "v0.1" } else { "v0.2" }),
            scanner: predicate.scanner.uri,
            findings: told(result)?,
            ..Findings::default()
        },
    };
    // The report inside knows better than what is wrapped around it.
    read.scanner_version = read.scanner_version.or(predicate.scanner.version.and_then(said));
    read.database = read.database.or_else(|| Time::told(predicate.scanner.db.last_update.as_deref()));
    read.scanned = read
        .scanned
        .or_else(|| Time::told(predicate.metadata.scan_finished_on.as_deref()))
        .or_else(|| Time::told(predicate.metadata.scan_started_on.as_deref()));
    Ok(read)
}

fn told(result: &[u8]) -> Result<Vec<Finding>, Unreadable> {
    let told: Vec<Told> = super::read(result)?;
    let mut findings = Vec::new();
    for Told::Wrapped { vulnerability } | Told::Bare(vulnerability) in told {
        push(&mut findings, vulnerability.finding()?)?;
    }
    Ok(findings)
}

impl Vulnerability {
    fn finding(self) -> Result<Finding, Unreadable> {
        let severity = self.severity.iter().map(Rating::severity).max().unwrap_or_default();
        let is_ours = self.severity.iter().any(|rating| rating.method == OURS);
        let annotations: Vec<Annotation> = match self.annotations {
            annotations if is_ours => serde_json::from_value(annotations).map_err(malformed)?,
            _ => Vec::new(),
        };
        let ours = annotations.into_iter().next().unwrap_or_default();
        Ok(Finding {
            id: self.id,
            aliases: ours.aliases,
            purl: ours.package,
            severity,
            fixed: ours.fixed.into_iter().collect(),
            ..Finding::default()
        })
    }
}

impl Rating {
    /// A word or a vector says what it is. A number does so only where the method is CVSS: other methods have other scales.
    fn severity(&self) -> Severity {
        let score = self.score.as_deref().unwrap_or_default();
        let method = self.method.to_ascii_lowercase();
        let number =
            if method.starts_with("cvss") || method == "nvd" { Severity::of_score(score) } else { Severity::Unknown };
        [Severity::of_word(score), Severity::of_cvss(score), number].into_iter().max().unwrap_or_default()
    }
}
