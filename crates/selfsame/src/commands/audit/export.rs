//! `selfsame audit export`: a pack for an auditor, about a release or a period.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use api::{Client, EventsQuery, PageQuery, ReceiptsQuery};
use clap::Args;
use domain::{Digest, Entry, ProjectName, ReleaseId, Timestamp};
use serde::Serialize;
use tlog::{VerifiedCheckpoint, VerifierKey};

use super::{believed_checkpoint, key_or_server_s};
use crate::{
    audit::{Source, prove, read_entry},
    context::Context,
    outcome::{Failure, Outcome},
    output, pack, progress,
    release_name::ReleaseName,
};

/// How many entries are asked for at once.
const PAGE: u32 = 1000;

/// Write a pack for an auditor: what the ledger says about a release or a period, with proofs, documents and receipts. `selfsame verify PACK` checks it without a server.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit export --project shop --release prod -o pack\n  selfsame audit export --project shop --since 2026-01-01T00:00:00Z --until 2026-04-01T00:00:00Z -o pack"
)]
pub struct ExportArgs {
    /// Only what is about this release and its artifacts: its id, at least 6 digits of it, `latest`, or a stage that has it.
    #[arg(long, conflicts_with_all = ["since", "until"])]
    release: Option<ReleaseName>,
    /// Only what happened at this time or later, and what that stands on.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only what happened before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
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
    absent: BTreeSet<String>,
}

/// What is needed to gather a pack.
struct Gathering<'a> {
    client: &'a Client,
    source: &'a Source,
    key: &'a VerifierKey,
    note: Vec<u8>,
    checkpoint: VerifiedCheckpoint,
    project: ProjectName,
    /// The entries by which configurations of the project came into force.
    configurations: BTreeSet<u64>,
    /// The entries by which its releases were created.
    releases: BTreeMap<ReleaseId, u64>,
    entries: BTreeMap<u64, (Vec<u8>, Entry)>,
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
    let mut gathering = Gathering {
        client: &client,
        source: &source,
        key: &key,
        note,
        checkpoint,
        project: project.clone(),
        configurations: BTreeSet::new(),
        releases: BTreeMap::new(),
        entries: BTreeMap::new(),
    };
    let mut wanted = gathering.scan(&args).await?;
    if let Some(release) = &release {
        wanted = gathering.about(release).await?;
    }
    gathering.close(wanted).await?;
    fs::create_dir(&args.output).map_err(|error| Failure::file(&args.output, &error))?;
    let index = gathering.write(&args.output).await?;
    let (entries, size) = (gathering.entries.keys().copied().collect(), gathering.checkpoint.size());
    let exported = Exported { project, release, entries, size, absent: index.absent };
    output::answer(context.json, &exported, |exported| {
        let absent = match exported.absent.len() {
            0 => String::new(),
            count => format!("; {count} documents and receipts could not be had, and are listed as absent"),
        };
        format!("{} entries with their proofs are in {}{absent}", exported.entries.len(), args.output.display())
    })?;
    if !context.json {
        output::hint("`selfsame verify DIR --ledger-key KEY` checks all of it, without a server");
    }
    Ok(())
}

impl Gathering<'_> {
    /// Looks at all that happened in the project; the entries of the period that was asked for.
    async fn scan(&mut self, args: &ExportArgs) -> Outcome<BTreeSet<u64>> {
        let mut wanted = BTreeSet::new();
        let mut after = None;
        loop {
            let query = EventsQuery { after, project: Some(self.project.clone()), limit: Some(PAGE), wait: None };
            let events = self.client.events(&query).await?;
            for entry in &events.items {
                if entry.name == "config-applied" {
                    self.configurations.insert(entry.index);
                }
                if entry.name == "release-created"
                    && let Some(release) = entry.event["release"].as_str().and_then(|release| release.parse().ok())
                {
                    self.releases.insert(release, entry.index);
                }
                let is_in =
                    args.since.is_none_or(|since| entry.at >= since) && args.until.is_none_or(|until| entry.at < until);
                if is_in {
                    wanted.insert(entry.index);
                }
            }
            match events.next {
                Some(next) if !events.items.is_empty() => after = Some(next),
                _ => return Ok(wanted),
            }
        }
    }

    /// The entries about a release and about what it is made of.
    async fn about(&mut self, release: &ReleaseId) -> Outcome<BTreeSet<u64>> {
        let mut wanted = self.trace(release.digest()).await?;
        let created = self.releases.get(release).copied();
        if let Some(created) = created
            && let domain::Event::ReleaseCreated { contents, .. } = &self.read(created).await?.1.event
        {
            for artifact in contents.components.values().cloned().collect::<Vec<_>>() {
                wanted.extend(self.trace(&artifact).await?);
            }
        }
        Ok(wanted)
    }

    async fn trace(&self, digest: &Digest) -> Outcome<BTreeSet<u64>> {
        let mut found = BTreeSet::new();
        let mut cursor = None;
        loop {
            let trace = self.client.trace(digest, &PageQuery { cursor, limit: Some(PAGE) }).await?;
            let ours =
                |entry: &&api::Entry| entry.event["project"].as_str().is_none_or(|of| of == self.project.as_str());
            found.extend(trace.entries.iter().filter(ours).map(|entry| entry.index));
            match trace.next {
                Some(next) => cursor = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn read(&mut self, index: u64) -> Outcome<&(Vec<u8>, Entry)> {
        if !self.entries.contains_key(&index) {
            let bytes = read_entry(self.source, index, self.checkpoint.size()).await?.to_vec();
            let entry = Entry::decode(&bytes).map_err(|error| Failure::broken(format!("entry {index}: {error}")))?;
            self.entries.insert(index, (bytes, entry));
        }
        Ok(&self.entries[&index])
    }

    /// Reads these entries, and those that they stand on.
    async fn close(&mut self, wanted: BTreeSet<u64>) -> Outcome {
        let bar = progress::count("entries", wanted.len() as u64);
        let mut next: Vec<u64> = wanted.into_iter().collect();
        while !next.is_empty() {
            let size = self.checkpoint.size();
            for index in std::mem::take(&mut next).into_iter().filter(|index| *index < size) {
                self.read(index).await?;
                bar.inc(1);
            }
            let called = pack::Called::by(&self.decoded());
            let configurations =
                called.promotions.keys().filter_map(|promotion| self.configurations.range(..promotion).next_back());
            let releases = called.releases.keys().filter_map(|release| self.releases.get(release));
            let stands_on = called.cited.keys().chain(configurations).chain(releases);
            next.extend(stands_on.filter(|index| !self.entries.contains_key(*index)).copied().collect::<BTreeSet<_>>());
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn decoded(&self) -> BTreeMap<u64, Entry> {
        self.entries.iter().map(|(index, (_, entry))| (*index, entry.clone())).collect()
    }

    /// Writes the pack; its list of files comes last.
    async fn write(&self, folder: &Path) -> Outcome<pack::Index> {
        let mut index = pack::Index::new(self.project.clone(), self.checkpoint.origin(), self.checkpoint.size());
        let mut add = |name: String, bytes: &[u8]| {
            let path = folder.join(&name);
            index.files.insert(name, Digest::sha256(bytes));
            let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
            written.map_err(|error| Failure::file(&path, &error))
        };
        add(pack::CHECKPOINT.into(), &self.note)?;
        add(pack::LEDGER_KEY.into(), format!("{}\n", self.key).as_bytes())?;
        let bar = progress::count("proofs", self.entries.len() as u64);
        for (number, (bytes, _)) in &self.entries {
            let proof = prove(self.source, *number, bytes, &self.note, &self.checkpoint).await?;
            add(pack::entry_file(*number), bytes)?;
            add(pack::proof_file(*number), proof.to_string().as_bytes())?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let called = pack::Called::by(&self.decoded());
        let mut absent = BTreeSet::new();
        for (digest, entry) in &called.documents {
            match self.client.evidence_document(&self.project, *entry).await? {
                Some(bytes) => add(pack::document_file(digest), &bytes)?,
                None => drop(absent.insert(pack::document_file(digest))),
            }
        }
        let key = if called.promotions.is_empty() { None } else { Some(found(self.client.receipt_key().await)?) };
        match key {
            Some(Some(key)) => add(pack::RECEIPTS_KEY.into(), key.key.as_bytes())?,
            Some(None) => drop(absent.insert(pack::RECEIPTS_KEY.into())),
            None => {}
        }
        for (promotion, (stage, components)) in &called.promotions {
            let query = ReceiptsQuery { promotion: Some(*promotion) };
            let made = found(self.client.receipts(&self.project, stage, &query).await)?;
            let receipts = made.into_iter().flat_map(|made| made.receipts).map(|one| (one.component, one.bundle));
            let receipts: BTreeMap<_, _> = receipts.collect();
            for component in components {
                match receipts.get(component) {
                    Some(bundle) => add(pack::receipt_file(*promotion, component), bundle.to_string().as_bytes())?,
                    None => drop(absent.insert(pack::receipt_file(*promotion, component))),
                }
            }
        }
        index.absent = absent;
        let path = folder.join(pack::INDEX);
        fs::write(&path, index.encode()).map_err(|error| Failure::file(&path, &error))?;
        Ok(index)
    }
}

/// What the server has; `None` if it says that there is none.
fn found<T>(answer: Result<T, api::ClientError>) -> Outcome<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(api::ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(error.into()),
    }
}
