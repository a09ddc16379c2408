//! `selfsame attest`: records evidence about an artifact or a release.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use api::{Document, EvidenceRequest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Args, ValueEnum};
use domain::{EvidenceKind, EvidenceName, EvidenceResult};

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
    after_help = "Example:\n  selfsame attest sha256:9c1b... --kind tests --name unit --result passed --file report.xml"
)]
pub struct AttestArgs {
    /// The digest of the artifact; or a release by any of its names.
    #[arg(value_name = "DIGEST")]
    subject: ReleaseName,
    /// What it is, for example `tests`, `scan` or `sbom`.
    #[arg(long)]
    kind: EvidenceKind,
    /// Which one of the kind, for example the suite `unit`.
    #[arg(long)]
    name: Option<EvidenceName>,
    /// What it says.
    #[arg(long)]
    result: ResultWord,
    /// A document with the whole of it, at most 1 MiB.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// More that it says, for people and for search; once for each.
    #[arg(long = "attribute", value_name = "KEY=VALUE")]
    attributes: Vec<Pair>,
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
pub async fn run(context: &Context, args: AttestArgs) -> Outcome {
    let document = args.file.as_deref().map(read).transpose()?;
    let client = context.client()?;
    let project = context.project(&client).await?;
    let subject = args.subject.resolve(&client, &project).await?.digest().clone();
    let attributes: BTreeMap<_, _> = args.attributes.into_iter().map(|Pair { key, value }| (key, value)).collect();
    let request = EvidenceRequest {
        subject: subject.clone(),
        kind: args.kind,
        name: args.name,
        result: args.result.into(),
        attributes,
        document,
    };
    let receipt = client.record_evidence(&context.key(), &project, &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| {
        let name = request.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
        format!("{}{name} {} for {}: entry {}", request.kind, request.result, subject.short(), receipt.index)
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
