//! What is scanned: a bill of materials, looked up in advisories; or what another scanner has found already.

use std::path::Path;

use evidence::{
    sbom::{self, Sbom},
    severity::Severity,
    vulnerabilities::{self, Finding, Findings},
};
use serde::Serialize;

use super::{ScanArgs, advisories, read_at_most};
use crate::outcome::{Failure, Outcome};

/// What was found, and by what.
pub struct Found {
    /// The vulnerabilities, the worst first.
    pub findings: Vec<Finding>,
    /// What is known of each of them beside: whether it cannot be told if the version is affected, and a line about it.
    pub remarks: Vec<(bool, String)>,
    /// By what.
    pub by: Source,
}

/// By what something was found.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Source {
    /// Looked up here.
    Looked {
        /// What form the bill of materials came in.
        format: String,
        /// How many of its components were looked up.
        matched: usize,
        /// Those that could not be.
        unmatched: Vec<String>,
        /// How many advisories there were.
        advisories: usize,
        /// When the newest of them was changed.
        advisories_newest: String,
    },
    /// Told by another scanner.
    Told {
        /// What form its report came in.
        format: String,
        /// What it calls itself.
        scanner: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        scanner_version: Option<String>,
        /// When what it knows was last brought up to date, if it tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        database: Option<String>,
        /// When it looked, if it tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        scanned: Option<String>,
    },
}

impl Source {
    /// How old what is known is, if that is told.
    pub fn age(&self) -> Option<&str> {
        match self {
            Self::Looked { advisories_newest, .. } => Some(advisories_newest.as_str()).filter(|age| !age.is_empty()),
            Self::Told { database, .. } => database.as_deref(),
        }
    }
}

/// Finds what the arguments ask for.
pub fn find(args: &ScanArgs) -> Outcome<Found> {
    match (&args.sbom, &args.report) {
        (_, Some(report)) => told(report),
        (Some(listed), None) => looked(listed, &args.advisories),
        (None, None) => Err(Failure::usage("nothing is to be scanned", "name a bill of materials, or a `--report`")),
    }
}

fn looked(path: &Path, advisories: &[impl AsRef<Path>]) -> Outcome<Found> {
    let unreadable = |error| Failure::broken(format!("`{}`: {error}", path.display()));
    let listed = Sbom::parse(&read_at_most(path, sbom::BYTES_MAX)?).map_err(unreadable)?;
    let advisories = advisories::read(advisories)?;
    let report = advisories.scan(&listed);
    Ok(Found {
        findings: report.findings.iter().map(Finding::from).collect(),
        remarks: report.findings.iter().map(|found| (found.uncertain, found.summary.clone())).collect(),
        by: Source::Looked {
            format: listed.format,
            matched: report.matched,
            unmatched: report.unmatched,
            advisories: advisories.len(),
            advisories_newest: advisories.newest().to_owned(),
        },
    })
}

fn told(path: &Path) -> Outcome<Found> {
    let unreadable = |error| Failure::broken(format!("`{}`: {error}", path.display()));
    let report = Findings::parse(&read_at_most(path, vulnerabilities::BYTES_MAX)?).map_err(unreadable)?;
    Ok(Found {
        remarks: vec![(false, String::new()); report.findings.len()],
        findings: report.findings,
        by: Source::Told {
            format: report.format,
            scanner: report.scanner,
            scanner_version: report.scanner_version,
            database: report.database.map(|time| time.to_string()),
            scanned: report.scanned.map(|time| time.to_string()),
        },
    })
}

/// What a finding counts as.
pub fn severity(finding: &Finding, unrated: Severity) -> Severity {
    if finding.severity == Severity::Unknown { unrated } else { finding.severity }
}
