//! `selfsame audit export`: what the ledger says about a project or a release, with a proof of each entry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use api::{Client, EventsQuery, PageQuery};
use clap::Args;
use domain::{ProjectName, ReleaseId};
use serde::Serialize;

use super::{believed_checkpoint, key_or_server_s};
use crate::{
    audit::{Source, prove, read_entry},
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
    release_name::ReleaseName,
};

/// How many entries are asked for at once.
const PAGE: u32 = 1000;

/// Write a folder for an auditor: each entry about a project, or about one release of it, with its proof, the checkpoint and the key.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit export --project shop -o pack\n  selfsame audit export --project shop --release prod -o pack"
)]
pub struct ExportArgs {
    /// Only what is about this release: its id, at least 6 digits of it, `latest`, or a stage that has it.
    #[arg(long)]
    release: Option<ReleaseName>,
    /// The folder to write, which must not be there yet.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// The ledger's public key, or a file that holds it; the server's own word without it.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What was written.
#[derive(Serialize)]
struct Exported {
    project: ProjectName,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseId>,
    entries: Vec<u64>,
    size: u64,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ExportArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let release = match &args.release {
        Some(name) => Some(name.resolve(&client, &project).await?),
        None => None,
    };
    let source = Source::Server(client.clone());
    let key = key_or_server_s(&source, args.key.as_deref()).await?;
    let (note, checkpoint) = believed_checkpoint(&source, &key).await?;
    let mut entries = match &release {
        Some(release) => about_release(&client, release).await?,
        None => about_project(&client, &project).await?,
    };
    entries.retain(|index| *index < checkpoint.size());
    fs::create_dir(&args.output).map_err(|error| Failure::file(&args.output, &error))?;
    let bar = progress::count("entries", entries.len() as u64);
    for index in &entries {
        let bytes = read_entry(&source, *index, checkpoint.size()).await?;
        let proof = prove(&source, *index, &bytes, &note, &checkpoint).await?;
        write(&args.output.join(format!("{index}.json")), &bytes)?;
        write(&args.output.join(format!("{index}.tlog-proof")), proof.to_string().as_bytes())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    write(&args.output.join("checkpoint"), &note)?;
    write(&args.output.join("ledger.pub"), format!("{key}\n").as_bytes())?;
    let exported = Exported { project, release, entries, size: checkpoint.size() };
    let index = serde_json::to_vec_pretty(&exported).map_err(|error| Failure::broken(error.to_string()))?;
    write(&args.output.join("index.json"), &index)?;
    output::answer(context.json, &exported, |exported| {
        format!("{} entries with their proofs are in {}", exported.entries.len(), args.output.display())
    })?;
    if !context.json {
        output::hint("`selfsame audit verify-proof FILE --key KEY` checks each of them, offline");
    }
    Ok(())
}

async fn about_project(client: &Client, project: &ProjectName) -> Outcome<Vec<u64>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = EventsQuery { after, project: Some(project.clone()), limit: Some(PAGE), wait: None };
        let events = client.events(&query).await?;
        found.extend(events.items.iter().map(|entry| entry.index));
        match events.next {
            Some(next) if !events.items.is_empty() => after = Some(next),
            _ => return Ok(found),
        }
    }
}

async fn about_release(client: &Client, release: &ReleaseId) -> Outcome<Vec<u64>> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let trace = client.trace(release.digest(), &PageQuery { cursor, limit: Some(PAGE) }).await?;
        found.extend(trace.entries.iter().map(|entry| entry.index));
        match trace.next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(|error| Failure::file(path, &error))
}
