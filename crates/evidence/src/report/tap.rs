//! The Test Anything Protocol, versions 13 and 14: <https://testanything.org/tap-version-14-specification.html>.
//!
//! Subtests are indented and summed up by the test that they belong to, so what is indented is passed over.

use super::{Became, TestReport, malformed};
use crate::Unreadable;

/// How a report begins.
pub const BEGIN: &str = "TAP version ";

pub fn read(text: &str) -> Result<TestReport, Unreadable> {
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix(BEGIN)).map(str::trim);
    let Some(version @ ("13" | "14")) = version else {
        return Err(malformed("of TAP, only versions 13 and 14 are read"));
    };
    let mut report = TestReport { format: format!("TAP {version}"), ..TestReport::default() };
    let (mut planned, mut told) = (None, 0usize);
    for line in lines {
        if let Some(plan) = line.strip_prefix("1..") {
            let number = plan.split([' ', '#']).next().unwrap_or_default();
            let number: usize = number.parse().map_err(|_| malformed(format!("`{line}` is no plan")))?;
            if planned.replace(number).is_some() {
                return Err(malformed("it has more than one plan"));
            }
        } else if let Some(why) = line.strip_prefix("Bail out!") {
            report.add(format!("bail out:{why}"), Became::Failed)?;
        } else if let Some((ok, rest)) = test_point(line) {
            told += 1;
            let (name, became) = point(ok, rest, told);
            report.add(name, became)?;
        }
    }
    let planned = planned.ok_or_else(|| malformed("it has no plan, so it may have ended too early"))?;
    if planned != told {
        report.add(format!("the plan: {told} of {planned} tests are told"), Became::Failed)?;
    }
    Ok(report)
}

/// Whether a line is a test's, and the rest of it.
fn test_point(line: &str) -> Option<(bool, &str)> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    (rest.is_empty() || rest.starts_with(' ')).then_some((ok, rest))
}

fn point(ok: bool, rest: &str, told: usize) -> (String, Became) {
    let (description, directive) = split_at_directive(rest);
    let description = description.trim().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let description = description.strip_prefix("- ").unwrap_or(description).replace("\\#", "#").replace("\\\\", "\\");
    let name = if description.is_empty() { format!("test {told}") } else { description };
    let word: String = directive.chars().take_while(char::is_ascii_alphabetic).collect();
    let became = match (ok, word.to_ascii_lowercase().as_str()) {
        (true, "skip" | "skipped") => Became::Skipped,
        // A test of what is not there yet may fail.
        (false, "todo") => Became::Skipped,
        (true, _) => Became::Passed,
        (false, _) => Became::Failed,
    };
    (name, became)
}

/// The description, and what comes after the first `#` that no backslash takes its meaning.
fn split_at_directive(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '#' if !escaped && text[..at].ends_with(' ') => return (&text[..at], text[at + 1..].trim_start()),
            _ => escaped = false,
        }
    }
    (text, "")
}
