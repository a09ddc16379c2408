//! `selfsame attest`: records evidence about an artifact or a release.

mod report;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use api::{Client, Document, EvidenceRequest, SignedEvidenceRequest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Args, ValueEnum};
use domain::{EvidenceKind, EvidenceName, EvidenceResult, ProjectName};
use evidence::report::TestReport;

use super::push::Pair;
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
    release_name::ReleaseName,
};

/// How many bytes a document has at most.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// Record evidence about an artifact or a release.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame attest sha256:9c1b... --kind tests --name unit --result passed --file report.xml\n  \
                  selfsame attest sha256:9c1b... --report junit.xml --name unit\n  \
                  selfsame attest sha256:9c1b... --signed provenance.sigstore.json"
)]
pub struct AttestArgs {
    /// The digest of the artifact; or a release by any of its names.
    #[arg(value_name = "DIGEST")]
    subject: ReleaseName,
    /// What it is, for example `tests`, `scan` or `sbom`.
    #[arg(long, required_unless_present_any = ["signed", "report"])]
    kind: Option<EvidenceKind>,
    /// Which one of the kind, for example the suite `unit`.
    #[arg(long)]
    name: Option<EvidenceName>,
    /// What it says.
    #[arg(long, required_unless_present_any = ["signed", "report"])]
    result: Option<ResultWord>,
    /// A document with the whole of it, at most 1 MiB.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// More that it says, for people and for search; once for each.
    #[arg(long = "attribute", value_name = "KEY=VALUE")]
    attributes: Vec<Pair>,
    /// A report of tests, which says the result: JUnit XML, TAP 13 or 14, or the lines of `go test -json`. Its kind is `tests`, unless `--kind` says otherwise.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["result", "file", "signed"])]
    report: Option<PathBuf>,
    /// A signed statement: a DSSE envelope or a Sigstore bundle. What it is and says is read from it, and it counts if the project trusts who signed it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "name", "result", "file", "attributes"])]
    signed: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResultWord {
    Passed,
    Warned,
    Failed,
}

impl From<ResultWord> for EvidenceResult {
    fn from(word: ResultWord) -> Self {
        match word {
            ResultWord::Passed => Self::Passed,
            ResultWord::Warned => Self::Warned,
            ResultWord::Failed => Self::Failed,
        }
    }
}

/// Runs the verb.
pub async fn run(context: &Context, mut args: AttestArgs) -> Outcome {
    match (&args.signed, &args.report, args.kind.take(), args.result) {
        (Some(file), ..) => record_signed(context, &args.subject, file).await,
        (None, Some(file), kind, _) => {
            let report = report::read(file)?;
            record_tests(context, kind, report, args).await
        }
        (None, None, Some(kind), Some(result)) => record(context, kind, result.into(), args).await,
        (None, None, ..) => Err(Failure::usage("nothing is said", "give `--kind` and `--result`, or `--signed`")),
    }
}

async fn record_tests(context: &Context, kind: Option<EvidenceKind>, report: TestReport, args: AttestArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let subject = args.subject.resolve(&client, &project).await?.digest().clone();
    let mut attributes = report::counts(&report);
    attributes.extend(args.attributes.into_iter().map(|Pair { key, value }| (key, value)));
    let kind = match kind {
        Some(kind) => kind,
        None => "tests".parse().map_err(|error| Failure::broken(format!("{error}")))?,
    };
    let result = report::result(&report);
    let document = report::statement(report, args.name.as_ref(), &subject)?;
    let request = EvidenceRequest {
        subject,
        kind,
        name: args.name,
        result,
        attributes,
        document: Some(Document::Base64(BASE64_STANDARD.encode(document))),
    };
    send(context, &client, &project, &request).await
}

async fn record(context: &Context, kind: EvidenceKind, result: EvidenceResult, args: AttestArgs) -> Outcome {
    let document = args.file.as_deref().map(read).transpose()?;
    let client = context.client()?;
    let project = context.project(&client).await?;
    let subject = args.subject.resolve(&client, &project).await?.digest().clone();
    let attributes: BTreeMap<_, _> = args.attributes.into_iter().map(|Pair { key, value }| (key, value)).collect();
    let request = EvidenceRequest { subject, kind, name: args.name, result, attributes, document };
    send(context, &client, &project, &request).await
}

async fn send(context: &Context, client: &Client, project: &ProjectName, request: &EvidenceRequest) -> Outcome {
    let receipt = client.record_evidence(&context.key(), project, request).await?;
    context.settle(client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let name = request.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
        format!("{}{name} {} for {}: entry {}", request.kind, request.result, request.subject.short(), receipt.index)
    })
}

async fn record_signed(context: &Context, subject: &ReleaseName, file: &Path) -> Outcome {
    let document = read(file)?;
    let client = context.client()?;
    let project = context.project(&client).await?;
    let subject = subject.resolve(&client, &project).await?.digest().clone();
    let request = SignedEvidenceRequest { subject: subject.clone(), document };
    let receipt = client.record_signed(&context.key(), &project, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        format!("what is signed in `{}` counts for {}: entry {}", file.display(), subject.short(), receipt.index)
    })
}

fn read(path: &Path) -> Outcome<Document> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, &error))?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        let text = format!("`{}` has more than {DOCUMENT_BYTES_MAX} bytes", path.display());
        return Err(Failure::usage(text, "push it with `selfsame push`, and record its digest as an attribute"));
    }
    Ok(Document::Base64(BASE64_STANDARD.encode(&bytes)))
}
