//! `selfsame scan`: finds the known vulnerabilities of what a bill of materials lists, or reads what another scanner found; leaves out what VEX documents
//! excuse; and records what is left as evidence.

mod advisories;
mod excuses;
mod source;
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
use domain::{Digest, EvidenceName, EvidenceResult, Timestamp};
use engine::{Clock, SystemClock};
use evidence::severity::Severity;
use serde::Serialize;

use super::attest::DOCUMENT_BYTES_MAX;
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output::{self, Table},
    release_name::ReleaseName,
};

/// Find the known vulnerabilities of what a bill of materials lists, or read what another scanner found; exit code 1 if there are some that bad. No server
/// is needed, unless what was found is recorded.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame scan bom.json --advisories osv/npm.zip --fail-on high\n  selfsame scan bom.json --advisories osv/ --vex ours.vex.json --attest sha256:9c1b...\n  \
                  selfsame scan --report trivy.json --attest sha256:9c1b... --name trivy"
)]
pub struct ScanArgs {
    /// The bill of materials: CycloneDX 1.2 to 1.7 or SPDX 2.2 to 3.0, as JSON, or CycloneDX as XML.
    #[arg(value_name = "SBOM", required_unless_present = "report", requires = "advisories")]
    sbom: Option<PathBuf>,
    /// Advisories in the form of the OSV schema: a file of one, a folder, or a zip archive; once for each.
    #[arg(long, value_name = "PATH", requires = "sbom")]
    advisories: Vec<PathBuf>,
    /// What another scanner found: the JSON of Trivy, Grype or OSV-Scanner, or SARIF 2.1.0.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sbom", "advisories"])]
    report: Option<PathBuf>,
    /// VEX documents (OpenVEX or CycloneDX, as JSON) whose word you believe: what they say is not affected or fixed does not count; once for each.
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// A package URL that VEX documents know the product by, beside the digest of `--attest`; once for each.
    #[arg(long, value_name = "PURL", requires = "vex")]
    product: Vec<String>,
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
    #[serde(flatten)]
    by: source::Source,
    /// How many vulnerabilities there are of each severity.
    counts: BTreeMap<&'static str, usize>,
    /// The vulnerabilities, the worst first.
    findings: Vec<FindingAnswer>,
    /// Those that do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    excused: Vec<FindingAnswer>,
    /// The entry that records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

/// A vulnerability of a component.
#[derive(Serialize)]
struct FindingAnswer {
    severity: &'static str,
    id: String,
    aliases: Vec<String>,
    /// The package URL of what is affected, or else its name; empty if neither is told.
    purl: String,
    version: Option<String>,
    fixed: Option<String>,
    /// Whether it cannot be told if the version is affected.
    uncertain: bool,
    summary: String,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ScanArgs) -> Outcome {
    let started = SystemClock.now();
    let found = source::find(&args)?;
    let documents = excuses::read(&args.vex)?;
    let subject = match &args.attest {
        Some(subject) => Some(resolve(context, subject).await?),
        None => None,
    };
    let product = excuses::product(&args.product, subject.as_ref());
    let reasons = excuses::reasons(&documents, &product, &found.findings);
    let (fail_on, unrated) = (Severity::from(args.fail_on), Severity::from(args.unrated));
    let counted = found.findings.iter().zip(&reasons).filter(|(_, reason)| reason.is_none());
    let failing = counted.filter(|(finding, _)| source::severity(finding, unrated) >= fail_on).count();
    let mut answer = answered(found, reasons);
    answer.result = if failing == 0 { EvidenceResult::Passed } else { EvidenceResult::Failed };
    if let Some(subject) = subject {
        answer.entry = Some(attest(context, subject, args.name, &answer, started).await?);
    }
    output::answer(context.json, &answer, in_words)?;
    match failing {
        0 => Ok(()),
        1 => Err(Failure::Negative(format!("1 vulnerability counts as {} or worse", fail_on.as_str()))),
        many => Err(Failure::Negative(format!("{many} vulnerabilities count as {} or worse", fail_on.as_str()))),
    }
}

/// Reads a file, but not more than one byte beyond `most`: the parser then says what is too much.
fn read_at_most(path: &Path, most: usize) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, &error))?;
    Ok(bytes)
}

async fn resolve(context: &Context, subject: &ReleaseName) -> Outcome<Digest> {
    let client = context.client()?;
    let project = context.project(&client).await?;
    Ok(subject.resolve(&client, &project).await?.digest().clone())
}

/// Records what was found; at which entry.
async fn attest(
    context: &Context,
    subject: Digest,
    name: EvidenceName,
    answer: &Answer,
    started: Timestamp,
) -> Outcome<u64> {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let document = statement::statement(answer, &subject, started, SystemClock.now());
    if document.len() as u64 > DOCUMENT_BYTES_MAX {
        let text = format!("what was found has {} bytes, and {DOCUMENT_BYTES_MAX} can be recorded", document.len());
        return Err(Failure::broken(text));
    }
    let mut attributes: BTreeMap<_, _> =
        answer.counts.iter().map(|(severity, count)| ((*severity).to_owned(), count.to_string())).collect();
    if let Some(age) = answer.by.age() {
        attributes.insert("advisories".into(), age.to_owned());
    }
    if !answer.excused.is_empty() {
        attributes.insert("excused".into(), answer.excused.len().to_string());
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

fn answered(found: source::Found, reasons: Vec<Option<String>>) -> Answer {
    let source::Found { findings, remarks, by } = found;
    let each = findings.into_iter().zip(remarks).zip(reasons).map(|((finding, (uncertain, summary)), because)| {
        FindingAnswer {
            severity: finding.severity.as_str(),
            id: finding.id,
            aliases: finding.aliases,
            purl: finding.purl.or(finding.package).unwrap_or_default(),
            version: finding.version,
            fixed: finding.fixed.into_iter().next(),
            uncertain,
            summary,
            because,
        }
    });
    let (findings, excused): (Vec<_>, Vec<_>) = each.partition(|finding| finding.because.is_none());
    let count = |severity: &Severity| findings.iter().filter(|found| found.severity == severity.as_str()).count();
    let counts = Severity::ALL.iter().map(|severity| (severity.as_str(), count(severity))).collect();
    Answer { result: EvidenceResult::Passed, by, counts, findings, excused, entry: None }
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
    let (count, age) = (answer.findings.len(), answer.by.age().unwrap_or("unknown age"));
    match &answer.by {
        source::Source::Looked { matched, unmatched, advisories, .. } => {
            let _ = write!(
                text,
                "{count} vulnerabilities of {matched} packages, by {advisories} advisories, the newest of {age}"
            );
            if !unmatched.is_empty() {
                let _ = write!(text, "\n{} components have no package URL that advisories know", unmatched.len());
            }
        }
        source::Source::Told { scanner, scanner_version, .. } => {
            let version = scanner_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            let _ = write!(text, "{count} vulnerabilities, says {scanner}{version}, by a database of {age}");
        }
    }
    for found in &answer.excused {
        let _ = write!(
            text,
            "\n{} of {} does not count: {}",
            found.id,
            found.purl,
            found.because.as_deref().unwrap_or_default()
        );
    }
    if answer.findings.iter().any(|found| found.uncertain) {
        text.push_str("\n?: the version has no place in the order of its ecosystem, so it counts as affected");
    }
    if let Some(entry) = answer.entry {
        let _ = write!(text, "\nscan {}: entry {entry}", answer.result);
    }
    text
}
