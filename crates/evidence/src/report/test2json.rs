//! Go's `go test -json`: <https://pkg.go.dev/cmd/test2json>.
//!
//! It has no end: a package that was to be tested and was not begun cannot be missed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Became, TESTS_MAX, TestReport, malformed};
use crate::{Unreadable, at_most};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    package: Option<String>,
    test: Option<String>,
    import_path: Option<String>,
}

pub fn read(text: &str) -> Result<TestReport, Unreadable> {
    // A test that has begun has failed until more is heard of it; and a package likewise.
    let mut heard: BTreeMap<(String, Option<String>), Option<Became>> = BTreeMap::new();
    let mut failed_builds = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let event: Event = serde_json::from_str(line).map_err(malformed)?;
        let became = match event.action.as_str() {
            "pass" | "bench" => Some(Became::Passed),
            "skip" => Some(Became::Skipped),
            "fail" => Some(Became::Failed),
            "build-fail" => {
                failed_builds.push(format!("{} (build)", event.import_path.unwrap_or_default()));
                at_most("tests", failed_builds.len(), TESTS_MAX)?;
                continue;
            }
            _ => None,
        };
        let Some(package) = event.package else { continue };
        let known = heard.entry((package, event.test)).or_default();
        // A test that was run several times has failed if it failed once.
        *known = (*known).max(became);
        at_most("tests", heard.len(), TESTS_MAX)?;
    }
    let mut report = TestReport { format: "Go test2json".into(), failed: failed_builds, ..TestReport::default() };
    let mut packages = BTreeMap::new();
    for ((package, test), became) in heard {
        let became = became.unwrap_or(Became::Failed);
        match test {
            Some(test) => {
                let blamed: &mut (Became, bool) = packages.entry(package.clone()).or_insert((Became::Passed, false));
                blamed.1 |= became == Became::Failed;
                report.add(format!("{package}.{test}"), became)?;
            }
            None => packages.entry(package).or_insert((Became::Passed, false)).0 = became,
        }
    }
    // A package may fail without any of its tests: it does not compile, or its process ends.
    for (package, (became, a_test_failed)) in packages {
        if became == Became::Failed && !a_test_failed {
            report.add(package, Became::Failed)?;
        }
    }
    Ok(report)
}
