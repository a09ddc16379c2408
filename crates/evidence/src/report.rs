//! [`TestReport`]: which tests passed, as the usual programs that run tests write it; and the in-toto predicate that says so.
//!
//! JUnit XML, TAP 13 and 14, and the lines of Go's `test2json`. Where a report does not agree with itself, or ends too early, a test counts as
//! failed: of the plan, the suite or the package that is not whole.

mod junit;
mod tap;
mod test2json;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Unreadable, at_most};

/// How large a report may be, in bytes.
pub const BYTES_MAX: usize = 64 << 20;

/// How many tests a report may tell of.
pub const TESTS_MAX: usize = 250_000;

/// How long a test's name may be, in bytes. The tests of a suite share its name.
const NAME_BYTES_MAX: usize = 4 << 10;

/// The type of the predicate: <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>.
pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// What became of tests, by their names, in the order of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    /// What form it came in: `JUnit XML`, `TAP 14`, `Go test2json`.
    pub format: String,
    /// What passed at once.
    pub passed: Vec<String>,
    /// What failed and, run again, passed.
    pub flaky: Vec<String>,
    /// What failed, could not be run, or was not heard of again.
    pub failed: Vec<String>,
    /// What was not run, or need not pass yet.
    pub skipped: Vec<String>,
}

/// What all tests together come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestOutcome {
    /// All that were run passed at once.
    Passed,
    /// All that were run passed, some of them only when they were run again.
    Warned,
    /// Some failed, or none was run.
    Failed,
}

/// The predicate of an in-toto statement about tests, version 0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// What they come to.
    pub result: TestOutcome,
    /// What they were run with.
    pub configuration: Vec<Configuration>,
    /// Where the run can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What passed at once.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// What passed with a warning: here, only when it was run again.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// What failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

/// What tests were run with: an in-toto resource descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests, in hexadecimal, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
}

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    Passed,
    Skipped,
    Flaky,
    Failed,
}

impl TestReport {
    /// Reads a report, in whichever of the forms it is.
    ///
    /// # Errors
    /// When it is in none of them, or beyond a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(format!("it is not UTF-8: {error}")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
        match text.as_bytes().first() {
            Some(b'<') => junit::read(text),
            Some(b'{') => test2json::read(text),
            _ if text.starts_with(tap::BEGIN) => tap::read(text),
            _ => Err(malformed("it is neither JUnit XML, nor TAP 13 or 14, nor lines of Go's test2json")),
        }
    }

    /// What all tests together come to. A report of no test that was run is no good news.
    pub fn outcome(&self) -> TestOutcome {
        match (self.failed.is_empty(), self.flaky.is_empty(), self.passed.is_empty()) {
            (true, true, false) => TestOutcome::Passed,
            (true, false, _) => TestOutcome::Warned,
            (false, _, _) | (true, true, true) => TestOutcome::Failed,
        }
    }

    /// The predicate that says what became of the tests. Those that were skipped are not in it: it has no place for them.
    pub fn predicate(self, configuration: Vec<Configuration>, url: Option<String>) -> TestResult {
        TestResult {
            result: self.outcome(),
            configuration,
            url,
            passed_tests: self.passed,
            warned_tests: self.flaky,
            failed_tests: self.failed,
        }
    }

    fn add(&mut self, name: String, became: Became) -> Result<(), Unreadable> {
        let known = self.passed.len() + self.flaky.len() + self.failed.len() + self.skipped.len();
        at_most("tests", known + 1, TESTS_MAX)?;
        at_most("bytes of a test's name", name.len(), NAME_BYTES_MAX)?;
        match became {
            Became::Passed => self.passed.push(name),
            Became::Skipped => self.skipped.push(name),
            Became::Flaky => self.flaky.push(name),
            Became::Failed => self.failed.push(name),
        }
        Ok(())
    }
}

impl TestResult {
    /// Reads the predicate.
    ///
    /// # Errors
    /// When it is not what the specification says, does not agree with itself, or is beyond a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        let read: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        at_most("tests", read.passed_tests.len() + read.warned_tests.len() + read.failed_tests.len(), TESTS_MAX)?;
        match (read.result, read.failed_tests.first()) {
            (TestOutcome::Passed | TestOutcome::Warned, Some(failed)) => {
                Err(malformed(format!("it says that the tests passed, and that `{failed}` failed")))
            }
            _ => Ok(read),
        }
    }
}

fn malformed(problem: impl ToString) -> Unreadable {
    Unreadable::Malformed { kind: "test report", problem: problem.to_string() }
}

#[cfg(test)]
mod tests;
