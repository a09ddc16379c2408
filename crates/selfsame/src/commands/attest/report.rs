//! A report of tests as evidence: its result, how many tests there were, and all of it as an in-toto statement of the kind `test-result`:
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use domain::{Digest, EvidenceName, EvidenceResult};
use evidence::report::{BYTES_MAX, Configuration, PREDICATE_TYPE, TestOutcome, TestReport, TestResult};
use serde_json::json;

use super::DOCUMENT_BYTES_MAX;
use crate::outcome::{Failure, Outcome};

/// Reads a report.
pub fn read(path: &Path) -> Outcome<TestReport> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, &error))?;
    TestReport::parse(&bytes).map_err(|error| Failure::broken(format!("`{}`: {error}", path.display())))
}

/// How many tests became what.
pub fn counts(report: &TestReport) -> BTreeMap<String, String> {
    let counts = [
        ("passed", report.passed.len()),
        ("flaky", report.flaky.len()),
        ("failed", report.failed.len()),
        ("skipped", report.skipped.len()),
    ];
    counts.map(|(became, count)| (became.to_owned(), count.to_string())).into()
}

/// What all tests together come to. Those that passed only when they were run again are a warning.
pub fn result(report: &TestReport) -> EvidenceResult {
    match report.outcome() {
        TestOutcome::Passed => EvidenceResult::Passed,
        TestOutcome::Warned => EvidenceResult::Warned,
        TestOutcome::Failed => EvidenceResult::Failed,
    }
}

/// The statement about `subject`, as JSON. Where there are too many tests for a document, those that passed are not named.
pub fn statement(report: TestReport, suite: Option<&EvidenceName>, subject: &Digest) -> Outcome<String> {
    let suite = suite.map(|name| Configuration { name: Some(name.to_string()), uri: None, digest: BTreeMap::new() });
    let mut result = report.predicate(suite.into_iter().collect(), None);
    let mut text = written(&result, subject);
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        result.passed_tests.clear();
        text = written(&result, subject);
    }
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        let text =
            format!("the names of what failed have {} bytes, and {DOCUMENT_BYTES_MAX} can be recorded", text.len());
        return Err(Failure::broken(text));
    }
    Ok(text)
}

fn written(result: &TestResult, subject: &Digest) -> String {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { subject.algorithm().to_string(): subject.hex() } }],
        "predicateType": PREDICATE_TYPE,
        "predicate": result,
    });
    statement.to_string()
}
