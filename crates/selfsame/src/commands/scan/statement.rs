//! What was found, as an in-toto statement of the kind `vulns`:
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>.

use domain::{Digest, Timestamp};
use evidence::scan::{Finding, Report};
use serde_json::{Value, json};

/// A scan and when it was done.
pub struct Scanned<'a> {
    pub report: &'a Report,
    /// When the newest advisory was changed.
    pub newest: &'a str,
    pub started: Timestamp,
}

impl Scanned<'_> {
    /// The statement about `subject`, as JSON.
    pub fn statement(&self, subject: &Digest, finished: Timestamp) -> String {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "digest": { subject.algorithm().to_string(): subject.hex() } }],
            "predicateType": "https://in-toto.io/attestation/vulns/v0.2",
            "predicate": {
                "scanner": {
                    "uri": "https://example.invalid/selfsame",
                    "version": env!("CARGO_PKG_VERSION"),
                    "db": { "lastUpdate": self.newest },
                    "result": self.report.findings.iter().map(result).collect::<Vec<_>>(),
                },
                "metadata": { "scanStartedOn": self.started.to_string(), "scanFinishedOn": finished.to_string() },
            },
        });
        statement.to_string()
    }
}

fn result(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "severity": [{ "method": "selfsame", "score": finding.severity.as_str() }],
        "annotations": [{
            "package": finding.purl,
            "aliases": finding.aliases,
            "fixed": finding.fixed,
            "uncertain": finding.uncertain,
        }],
    })
}
