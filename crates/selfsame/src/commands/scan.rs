//! `selfsame scan`: finds the known vulnerabilities of what a bill of materials lists, and records what was found as evidence.

mod advisories;
mod statement;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use api::{Document, EvidenceRequest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Args, ValueEnum};
use domain::{EvidenceName, EvidenceResult};
use engine::{Clock, SystemClock};
use evidence::{
    sbom::{self, Sbom},
    scan::{Advisories, Finding, Report},
    severity::Severity,
};
use serde::Serialize;

use super::attest::DOCUMENT_BYTES_MAX;
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output::{self, Table},
    release_name::ReleaseName,
};

/// Find the known vulnerabilities of what a bill of materials lists; exit code 1 if there are some that bad. No server is needed, unless what was
/// found is recorded.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame scan bom.json --advisories osv/npm.zip --fail-on high\n  selfsame scan bom.json --advisories osv/ --attest sha256:9c1b..."
)]
pub struct ScanArgs {
    /// The bill of materials: CycloneDX 1.2 to 1.7 or SPDX 2.2 or 2.3, as JSON.
    #[arg(value_name = "SBOM")]
    sbom: PathBuf,
    /// Advisories in the form of the OSV schema: a file of one, a folder, or a zip archive; once for each.
    #[arg(long, value_name = "PATH", required = true)]
    advisories: Vec<PathBuf>,
    /// From which severity on it failed.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    fail_on: Word,
    /// What a vulnerability counts as that nobody has rated.
    #[arg(long, value_name = "SEVERITY", default_value = "high")]
    unrated: Word,
    /// Record it as evidence of the kind `scan` about this: the digest of the artifact, or a release by any of its names.
    #[arg(long, value_name = "DIGEST")]
    attest: Option<ReleaseName>,
    /// Under which name it is recorded.
    #[arg(long, value_name = "NAME", default_value = "osv", requires = "attest")]
    name: EvidenceName,
}

/// A severity that somebody can ask for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Critical,
    High,
    Medium,
    Low,
    None,
}

impl From<Word> for Severity {
    fn from(word: Word) -> Self {
        match word {
            Word::Critical => Self::Critical,
            Word::High => Self::High,
            Word::Medium => Self::Medium,
            Word::Low => Self::Low,
            Word::None => Self::None,
        }
    }
}

/// What is answered.
#[derive(Serialize)]
struct Answer {
    /// `passed` or `failed`.
    result: EvidenceResult,
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
    /// How many vulnerabilities there are of each severity.
    counts: BTreeMap<&'static str, usize>,
    /// The vulnerabilities, the worst first.
    findings: Vec<Found>,
    /// The entry that records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

/// A vulnerability of a component.
#[derive(Serialize)]
struct Found {
    severity: &'static str,
    id: String,
    aliases: Vec<String>,
    purl: String,
    version: String,
    fixed: Option<String>,
    /// Whether it cannot be told if the version is affected.
    uncertain: bool,
    summary: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ScanArgs) -> Outcome {
    let started = SystemClock.now();
    let listed = read_sbom(&args.sbom)?;
    let advisories = advisories::read(&args.advisories)?;
    let report = advisories.scan(&listed);
    let (fail_on, unrated) = (Severity::from(args.fail_on), Severity::from(args.unrated));
    let counts = |finding: &Finding| if finding.severity == Severity::Unknown { unrated } else { finding.severity };
    let failing = report.findings.iter().filter(|finding| counts(finding) >= fail_on).count();
    let result = if failing == 0 { EvidenceResult::Passed } else { EvidenceResult::Failed };
    let mut answer = answered(result, &listed, &advisories, &report);
    if let Some(subject) = &args.attest {
        let scanned = statement::Scanned { report: &report, newest: advisories.newest(), started };
        answer.entry = Some(attest(context, subject, args.name, &answer, &scanned).await?);
    }
    output::answer(context.json, &answer, in_words)?;
    match failing {
        0 => Ok(()),
        1 => Err(Failure::Negative(format!("1 vulnerability counts as {} or worse", fail_on.as_str()))),
        many => Err(Failure::Negative(format!("{many} vulnerabilities count as {} or worse", fail_on.as_str()))),
    }
}

fn read_sbom(path: &Path) -> Outcome<Sbom> {
    let bytes = read_at_most(path, sbom::BYTES_MAX)?;
    Sbom::parse(&bytes).map_err(|error| Failure::broken(format!("`{}`: {error}", path.display())))
}

/// Reads a file, but not more than one byte beyond `most`: the parser then says what is too much.
fn read_at_most(path: &Path, most: usize) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, &error))?;
    Ok(bytes)
}

/// Records what was found; at which entry.
async fn attest(
    context: &Context,
    subject: &ReleaseName,
    name: EvidenceName,
    answer: &Answer,
    scanned: &statement::Scanned<'_>,
) -> Outcome<u64> {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let subject = subject.resolve(&client, &project).await?.digest().clone();
    let document = scanned.statement(&subject, SystemClock.now());
    if document.len() as u64 > DOCUMENT_BYTES_MAX {
        let text = format!("what was found has {} bytes, and {DOCUMENT_BYTES_MAX} can be recorded", document.len());
        return Err(Failure::broken(text));
    }
    let mut attributes: BTreeMap<_, _> =
        answer.counts.iter().map(|(severity, count)| ((*severity).to_owned(), count.to_string())).collect();
    if !answer.advisories_newest.is_empty() {
        attributes.insert("advisories".into(), answer.advisories_newest.clone());
    }
    let request = EvidenceRequest {
        subject,
        kind: "scan".parse().map_err(|error| Failure::broken(format!("{error}")))?,
        name: Some(name),
        result: answer.result,
        attributes,
        document: Some(Document::Base64(BASE64_STANDARD.encode(document))),
    };
    let receipt = client.record_evidence(&context.key(), &project, &request).await?;
    context.settle(&client, receipt.as_of).await;
    Ok(receipt.index)
}

fn answered(result: EvidenceResult, listed: &Sbom, advisories: &Advisories, report: &Report) -> Answer {
    let count = |severity: Severity| report.findings.iter().filter(|found| found.severity == severity).count();
    let found = |finding: &Finding| Found {
        severity: finding.severity.as_str(),
        id: finding.id.clone(),
        aliases: finding.aliases.clone(),
        purl: finding.purl.clone(),
        version: finding.version.clone(),
        fixed: finding.fixed.clone(),
        uncertain: finding.uncertain,
        summary: finding.summary.clone(),
    };
    Answer {
        result,
        format: listed.format.clone(),
        matched: report.matched,
        unmatched: report.unmatched.clone(),
        advisories: advisories.len(),
        advisories_newest: advisories.newest().to_owned(),
        counts: Severity::ALL.iter().map(|severity| (severity.as_str(), count(*severity))).collect(),
        findings: report.findings.iter().map(found).collect(),
        entry: None,
    }
}

fn in_words(answer: &Answer) -> String {
    let mut text = String::new();
    if !answer.findings.is_empty() {
        let mut table = Table::new(["SEVERITY", "ID", "PACKAGE", "FIXED IN", "SUMMARY"]);
        for found in &answer.findings {
            let severity = if found.uncertain { format!("{}?", found.severity) } else { found.severity.to_owned() };
            let fixed = found.fixed.clone().unwrap_or_else(|| "-".into());
            table.row([severity, found.id.clone(), found.purl.clone(), fixed, found.summary.clone()]);
        }
        let _ = writeln!(text, "{}\n", table.render());
    }
    let _ = write!(
        text,
        "{} vulnerabilities of {} packages, by {} advisories, the newest of {}",
        answer.findings.len(),
        answer.matched,
        answer.advisories,
        if answer.advisories_newest.is_empty() { "unknown age" } else { &answer.advisories_newest },
    );
    if !answer.unmatched.is_empty() {
        let _ = write!(text, "\n{} components have no package URL that advisories know", answer.unmatched.len());
    }
    if answer.findings.iter().any(|found| found.uncertain) {
        text.push_str("\n?: the version has no place in the order of its ecosystem, so it counts as affected");
    }
    if let Some(entry) = answer.entry {
        let _ = write!(text, "\nscan {}: entry {entry}", answer.result);
    }
    text
}
