//! SARIF 2.1.0: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
//!
//! A result's level (`error`, `warning`) says how a tool would show it, and not how bad it is. That is told, if at all, by the property
//! `security-severity`, with which code hosts began.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Finding, Findings, list, malformed, push, score};
use crate::{Unreadable, severity::Severity, time::Time};

const VERSION: &str = "2.1.0";

#[derive(Deserialize)]
struct Log {
    version: String,
    #[serde(deserialize_with = "list")]
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    tool: Tool,
    #[serde(default, deserialize_with = "list")]
    invocations: Vec<Invocation>,
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Component,
    #[serde(default, deserialize_with = "list")]
    extensions: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    name: String,
    version: Option<String>,
    semantic_version: Option<String>,
    #[serde(default, deserialize_with = "list")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
struct Properties {
    #[serde(default, rename = "security-severity", deserialize_with = "score")]
    severity: Option<String>,
    #[serde(default, deserialize_with = "list")]
    purls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    start_time_utc: Option<String>,
    end_time_utc: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<Reference>,
    kind: Option<String>,
    baseline_state: Option<String>,
    #[serde(default, deserialize_with = "list")]
    suppressions: Vec<Suppression>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    id: Option<String>,
    index: Option<i64>,
    tool_component: Option<ToolReference>,
}

#[derive(Deserialize)]
struct ToolReference {
    index: Option<i64>,
}

#[derive(Deserialize)]
struct Suppression {
    kind: String,
    status: Option<String>,
    justification: Option<String>,
}

pub fn read(bytes: &[u8]) -> Result<Findings, Unreadable> {
    let log: Log = super::read(bytes)?;
    if log.version != VERSION {
        return Err(malformed(format!("SARIF `{}` is not read, but {VERSION}", log.version)));
    }
    let Some(first) = log.runs.first() else {
        return Err(malformed("it tells of no run"));
    };
    let mut read = Findings {
        format: format!("SARIF {VERSION}"),
        scanner: first.tool.driver.name.clone(),
        scanner_version: first.tool.driver.version.clone().or_else(|| first.tool.driver.semantic_version.clone()),
        ..Findings::default()
    };
    for mut run in log.runs {
        if run.invocations.iter().any(|invocation| !invocation.execution_successful) {
            return Err(malformed(format!("`{}` says that it did not succeed", run.tool.driver.name)));
        }
        let times = run.invocations.iter().map(|invocation| {
            Time::told(invocation.end_time_utc.as_deref()).or(Time::told(invocation.start_time_utc.as_deref()))
        });
        // Of several runs the first decides how old all of it is.
        read.scanned = read.scanned.into_iter().chain(times.flatten()).min();
        let Some(results) = run.results.take() else {
            return Err(malformed(format!("`{}` says that it did not look", run.tool.driver.name)));
        };
        let rules = Rules::of(&run.tool);
        for found in results.into_iter().filter(Found::counts) {
            push(&mut read.findings, found.finding(&rules)?)?;
        }
    }
    Ok(read)
}

impl Found {
    /// Whether this is something that was found, and is still there.
    fn counts(&self) -> bool {
        let is_failure = self.kind.as_deref().is_none_or(|kind| kind == "fail" || kind == "open" || kind == "review");
        is_failure && self.baseline_state.as_deref() != Some("absent")
    }

    fn finding(self, rules: &Rules<'_>) -> Result<Finding, Unreadable> {
        let rule = self.rule(rules);
        let id = self.rule_id.or(self.rule.and_then(|rule| rule.id)).or_else(|| rule.map(|rule| rule.id.clone()));
        let told = [Some(&self.properties), rule.map(|rule| &rule.properties)];
        let severity = told.into_iter().flatten().find_map(|properties| properties.severity.as_deref());
        let purls = told.into_iter().flatten().map(|properties| &properties.purls).find(|purls| !purls.is_empty());
        Ok(Finding {
            id: id.ok_or_else(|| malformed("a result names no rule"))?,
            purl: purls.filter(|purls| purls.len() == 1).and_then(|purls| purls.first().cloned()),
            // Zero is what tools write where nobody has rated it.
            severity: match severity.map(Severity::of_score) {
                None | Some(Severity::None) => Severity::Unknown,
                Some(severity) => severity,
            },
            suppressed: suppressed(&self.suppressions),
            ..Finding::default()
        })
    }

    fn rule<'a>(&self, rules: &Rules<'a>) -> Option<&'a Rule> {
        let reference = self.rule.as_ref();
        let position = |index: Option<i64>| index.and_then(|index| usize::try_from(index).ok());
        let extension = position(reference.and_then(|rule| rule.tool_component.as_ref()).and_then(|tool| tool.index));
        // Minus one, or nothing at all, says that there is no index.
        match position(self.rule_index.or(reference.and_then(|rule| rule.index))) {
            Some(index) => rules.component(extension)?.rules.get(index),
            None => {
                let id = self.rule_id.as_deref().or(reference.and_then(|rule| rule.id.as_deref()))?;
                rules.by_id.get(&(extension, id)).copied()
            }
        }
    }
}

/// The rules of a run, those of extensions by the extension's place.
struct Rules<'a> {
    tool: &'a Tool,
    by_id: BTreeMap<(Option<usize>, &'a str), &'a Rule>,
}

impl<'a> Rules<'a> {
    fn of(tool: &'a Tool) -> Self {
        let driver = tool.driver.rules.iter().map(|rule| ((None, rule.id.as_str()), rule));
        let extensions = tool.extensions.iter().enumerate();
        let extensions = extensions.flat_map(|(place, extension)| {
            extension.rules.iter().map(move |rule| ((Some(place), rule.id.as_str()), rule))
        });
        Self { tool, by_id: driver.chain(extensions).collect() }
    }

    fn component(&self, extension: Option<usize>) -> Option<&'a Component> {
        extension.map_or(Some(&self.tool.driver), |place| self.tool.extensions.get(place))
    }
}

/// Why a result is suppressed. It is not while somebody is still to agree, or did not.
fn suppressed(suppressions: &[Suppression]) -> Option<String> {
    let accepted = suppressions.iter().all(|one| one.status.as_deref().is_none_or(|status| status == "accepted"));
    let first = suppressions.first().filter(|_| accepted)?;
    Some(first.justification.clone().unwrap_or_else(|| first.kind.clone()))
}
