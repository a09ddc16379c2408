//! A test report or a bill of materials: any bytes are read or refused, and no report passes in which a test failed or none was run.

#![no_main]

use evidence::{
    report::{TestOutcome, TestReport, TestResult},
    sbom::Sbom,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(listed) = Sbom::parse(bytes) {
        assert!(!listed.format.is_empty());
    }
    let Ok(report) = TestReport::parse(bytes) else { return };
    if report.outcome() == TestOutcome::Passed {
        assert!(report.failed.is_empty() && !report.passed.is_empty());
    }
    let predicate = report.predicate(Vec::new(), None);
    let written = serde_json::to_vec(&predicate).expect("a predicate is JSON");
    assert_eq!(TestResult::parse(&written), Ok(predicate));
});
