//! What was found, as an in-toto statement of the kind `vulns`:
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>.

use domain::{Digest, Timestamp};
use serde_json::{Value, json};

use super::{Answer, FindingAnswer, source::Source};

/// The statement about `subject`, as JSON. What does not count is not in it: the predicate has no place for reasons.
pub fn statement(answer: &Answer, subject: &Digest, started: Timestamp, finished: Timestamp) -> String {
    let (uri, version, scanned) = match &answer.by {
        Source::Looked { .. } => ("https://example.invalid/selfsame", Some(env!("CARGO_PKG_VERSION")), None),
        Source::Told { scanner, scanner_version, scanned, .. } => {
            (scanner.as_str(), scanner_version.as_deref(), scanned.as_deref())
        }
    };
    let finished = scanned.map_or_else(|| finished.to_string(), str::to_owned);
    let started = scanned.map_or_else(|| started.to_string(), str::to_owned);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { subject.algorithm().to_string(): subject.hex() } }],
        "predicateType": "https://in-toto.io/attestation/vulns/v0.2",
        "predicate": {
            "scanner": {
                "uri": uri,
                "version": version,
                "db": { "lastUpdate": answer.by.age() },
                "result": answer.findings.iter().map(result).collect::<Vec<_>>(),
            },
            "metadata": { "scanStartedOn": started, "scanFinishedOn": finished },
        },
    });
    statement.to_string()
}

fn result(finding: &FindingAnswer) -> Value {
    json!({
        "id": finding.id,
        "severity": [{ "method": "selfsame", "score": finding.severity }],
        "annotations": [{
            "package": finding.purl,
            "aliases": finding.aliases,
            "fixed": finding.fixed,
            "uncertain": finding.uncertain,
        }],
    })
}
