//! JUnit's XML, which nobody specified and everybody writes: Surefire (with what it runs again), pytest, go-junit-report, gotestsum, Jest,
//! GoogleTest.

use super::{Became, TestReport, malformed};
use crate::{
    Unreadable,
    xml::{Element, Node, Xml},
};

/// What an element is to us.
enum Place {
    Suite(Suite),
    Case(Case),
    Other,
}

struct Suite {
    name: String,
    /// How many of its tests failed, as it says itself.
    declared: usize,
    /// How many had failed in the whole report when it began.
    before: usize,
}

struct Case {
    name: String,
    became: Became,
}

pub fn read(text: &str) -> Result<TestReport, Unreadable> {
    let mut xml = Xml::new("JUnit report", text.as_bytes())?;
    let mut report = TestReport { format: "JUnit XML".into(), ..TestReport::default() };
    let mut places: Vec<Place> = Vec::new();
    while let Some(node) = xml.next()? {
        match node {
            Node::Text(_) => {}
            Node::Start(element) => {
                let place = begun(&element, &mut places, &mut report)?;
                places.push(place);
            }
            Node::End => match places.pop() {
                Some(Place::Case(case)) => report.add(case.name, case.became)?,
                // What it counts and does not list has failed all the same.
                Some(Place::Suite(suite)) if suite.declared > 0 && report.failed.len() == suite.before => {
                    report.add(suite.name, Became::Failed)?;
                }
                _ => {}
            },
        }
    }
    Ok(report)
}

fn begun(element: &Element, places: &mut [Place], report: &mut TestReport) -> Result<Place, Unreadable> {
    match (element.name.as_str(), places.last_mut()) {
        ("testsuites" | "testsuite", None | Some(Place::Suite(_))) => Ok(Place::Suite(Suite {
            name: element.attribute("name").filter(|name| !name.is_empty()).unwrap_or("the suite").to_owned(),
            declared: number(element, "failures")?.saturating_add(number(element, "errors")?),
            before: report.failed.len(),
        })),
        (other, None) => Err(malformed(format!("a JUnit report does not begin with `{other}`"))),
        ("testcase", Some(Place::Suite(suite))) => Ok(Place::Case(case(element, suite)?)),
        // Something of the suite itself went wrong, such as what comes before its tests.
        ("failure" | "error", Some(Place::Suite(suite))) => {
            report.add(suite.name.clone(), Became::Failed)?;
            Ok(Place::Other)
        }
        (child, Some(Place::Case(case))) => {
            case.became = case.became.max(match child {
                "failure" | "error" => Became::Failed,
                "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" | "rerun" => Became::Flaky,
                "skipped" => Became::Skipped,
                _ => Became::Passed,
            });
            Ok(Place::Other)
        }
        _ => Ok(Place::Other),
    }
}

fn case(element: &Element, suite: &Suite) -> Result<Case, Unreadable> {
    let name = element.attribute("name").ok_or_else(|| malformed("a test case has no name"))?;
    let class = element.attribute("classname").filter(|class| !class.is_empty()).unwrap_or(&suite.name);
    let words = ["status", "result"].into_iter().filter_map(|name| element.attribute(name));
    // GoogleTest and CTest say so in attributes.
    let became = words.map(|word| match word.to_ascii_lowercase().as_str() {
        "fail" | "failed" | "failure" | "error" => Became::Failed,
        "notrun" | "disabled" | "skipped" | "suppressed" => Became::Skipped,
        _ => Became::Passed,
    });
    Ok(Case { name: format!("{class}.{name}"), became: became.max().unwrap_or(Became::Passed) })
}

fn number(element: &Element, name: &str) -> Result<usize, Unreadable> {
    match element.attribute(name).map(str::trim) {
        None | Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| malformed(format!("`{name}` is no number: `{text}`"))),
    }
}
