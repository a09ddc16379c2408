//! [`rebuild`]: makes everything that is derived anew, from the ledger and the manifests' own bytes.

use std::collections::BTreeMap;

use domain::{Digest, Entry, Event, Key, RepositoryName, State, Timestamp};

use crate::{
    Error, Ports,
    followers::view_change,
    manifest,
    ports::{Answered, CatalogChange, ManifestRecord, PartKind},
    shared::{LOADED_MAX, fetch, load},
    writer::{catalog_change, request_row},
};

/// How many entries are folded at once.
const CHUNK: usize = 1000;

/// What a rebuild did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many entries were folded.
    pub entries: u64,
    /// How many rows of the state were written.
    pub rows: u64,
    /// Manifests that the ledger names and whose bytes are missing or damaged.
    pub problems: Vec<String>,
}

/// What is wrong with manifests, as long as no later entry says that they are gone.
type Problems = BTreeMap<(RepositoryName, Digest), String>;

/// Throws every derived row away and folds the ledger again. Nothing else may use the storage meanwhile, and nothing opens it until a rebuild
/// has come to its end.
pub async fn rebuild(ports: &Ports, mut progress: impl FnMut(u64)) -> Result<Rebuilt, Error> {
    ports.ledger.clear_derived().await?;
    ports.views.clear().await?;
    let mut state = State::default();
    let mut done = Rebuilt::default();
    let mut problems = Problems::new();
    loop {
        let chunk = ports.ledger.read(done.entries, CHUNK).await?;
        if chunk.is_empty() {
            ports.ledger.end_rebuild().await?;
            done.problems = problems.into_values().collect();
            return Ok(done);
        }
        let mut entries = Vec::with_capacity(chunk.len());
        for (index, bytes) in (done.entries..).zip(&chunk) {
            let entry = Entry::decode(bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
            entries.push((index, entry));
        }
        load_for(ports, &mut state, &entries).await?;
        let mut catalog = Vec::new();
        for (_, entry) in &entries {
            state.apply(entry);
            let change = changes_of(ports, &entry.event, &mut problems).await?;
            if let Some(CatalogChange::Put { manifest, .. }) = &change {
                relink(ports, manifest, entry.at).await?;
            }
            catalog.extend(change);
        }
        let rows: Vec<_> = state.take_changed().into_iter().map(|key| (key.to_string(), state.row(&key))).collect();
        done.rows += rows.len() as u64;
        ports.ledger.restore_derived(rows, requests_of(&entries), catalog).await?;
        done.entries += entries.len() as u64;
        ports
            .views
            .fold(entries.iter().map(|(index, entry)| view_change(*index, entry)).collect(), done.entries)
            .await?;
        if state.loaded() > LOADED_MAX {
            state.unload();
        }
        progress(done.entries);
    }
}

async fn load_for(ports: &Ports, state: &mut State, entries: &[(u64, Entry)]) -> Result<(), Error> {
    loop {
        let mut missing: Vec<Key> = entries.iter().flat_map(|(_, entry)| state.needs_for_event(&entry.event)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort();
        missing.dedup();
        let rows = fetch(ports, &missing).await?;
        load(state, &missing, &rows)?;
    }
}

/// Which repository has which blob is in no entry. What a manifest names was there when it was pushed, so it is there if its bytes are.
async fn relink(ports: &Ports, manifest: &ManifestRecord, at: Timestamp) -> Result<(), Error> {
    for part in manifest.parts.iter().filter(|part| part.kind != PartKind::Child) {
        if ports.catalog.blob(&manifest.repository, &part.digest).await?.is_none()
            && let Some(size) = ports.blobs.size(&part.digest).await?
        {
            ports.catalog.link_blob(&manifest.repository, &part.digest, size, at).await?;
        }
    }
    Ok(())
}

fn requests_of(entries: &[(u64, Entry)]) -> Vec<(String, Answered)> {
    let mut requests: BTreeMap<String, Answered> = BTreeMap::new();
    for (index, entry) in entries {
        if let Some(request) = &entry.request {
            let row = request_row(&entry.actor, request.key.as_str());
            let new = Answered { command: request.command.clone(), index: *index, count: 0 };
            requests.entry(row).or_insert(new).count += 1;
        }
    }
    requests.into_iter().collect()
}

async fn changes_of(ports: &Ports, event: &Event, problems: &mut Problems) -> Result<Option<CatalogChange>, Error> {
    if let Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } = event {
        problems.remove(&(repository.clone(), digest.clone()));
    }
    let Event::ManifestPushed { repository, digest, media_type, tags, .. } = event else {
        return Ok(catalog_change(event));
    };
    let mut problem = |text| drop(problems.insert((repository.clone(), digest.clone()), text));
    let bytes = match ports.blobs.read(digest, manifest::MANIFEST_BYTES_MAX as u64).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            problem(format!("manifest `{digest}` of `{repository}` is missing"));
            return Ok(None);
        }
        Err(trouble) => {
            problem(format!("manifest `{digest}` of `{repository}`: {trouble}"));
            return Ok(None);
        }
    };
    match manifest::parse(repository, digest, media_type, &bytes) {
        Ok(record) => Ok(Some(CatalogChange::Put { manifest: Box::new(record), tags: tags.clone() })),
        Err(error) => {
            problem(format!("manifest `{digest}` of `{repository}`: {error}"));
            Ok(None)
        }
    }
}
