//! How a release stood as the ledger was at an earlier time.

use std::collections::BTreeSet;

use domain::{Digest, Entry, Event, Key, ProjectName, Release, ReleaseId, StageName, State, Timestamp};

use crate::{
    Error, Ports,
    shared::{fetch, load},
};

/// How many entries are read at once.
const CHUNK: usize = 500;

/// What is asked about, and when.
pub(crate) struct Question<'a> {
    pub project: &'a ProjectName,
    pub stage: &'a StageName,
    pub release: &'a ReleaseId,
    /// The release as it is now: what it is made of never changes.
    pub known: &'a Release,
    pub at: Timestamp,
}

/// Folds what had happened by then, as far as the question needs it: the project's configuration and stages, this release and what was
/// known about its parts, and every hold. So memory does not grow with the project's history.
pub(crate) async fn fold(ports: &Ports, question: &Question<'_>) -> Result<State, Error> {
    let mut state = State::default();
    let subjects: BTreeSet<&Digest> = question.known.contents.digests().chain([question.release.digest()]).collect();
    let mut size = 0;
    let mut from = 0;
    'entries: loop {
        let indices = ports.views.of_project(question.project, from, CHUNK).await?;
        let Some(last) = indices.last().copied() else { break };
        for (index, entry) in read(ports, &indices).await? {
            if entry.at > question.at {
                break 'entries;
            }
            size = index + 1;
            if matters(&entry.event, question.release, &subjects) {
                state.apply_at(index, &entry);
            }
        }
        from = last + 1;
    }
    let held = hold_everywhere(ports, &mut state, question).await?;
    superseding(ports, &mut state, question).await?;
    state.stand_at(size.max(held), question.at);
    let missing = state.gate_needs(question.project, question.release);
    let artifacts: Vec<Key> = missing.into_iter().filter(|key| matches!(key, Key::Artifact(..))).collect();
    let rows = fetch(ports, &artifacts).await?;
    load(&mut state, &artifacts, &rows)?;
    Ok(state)
}

/// Whether an answer about the release depends on the event.
fn matters(event: &Event, release: &ReleaseId, subjects: &BTreeSet<&Digest>) -> bool {
    match event {
        Event::ConfigApplied { .. }
        | Event::Promoted { .. }
        | Event::RolledBack { .. }
        | Event::Steered { .. }
        | Event::HealthReported { .. }
        | Event::Delivered { .. }
        | Event::DeliveryFailed { .. }
        | Event::Settled { .. }
        | Event::Held { .. }
        | Event::Unheld { .. } => true,
        Event::ReleaseCreated { release: id, .. }
        | Event::Approved { release: id, .. }
        | Event::Vetoed { release: id, .. }
        | Event::Unvetoed { release: id, .. } => id == release,
        Event::EvidenceRecorded { subject, .. } => subjects.contains(subject),
        _ => false,
    }
}

/// A hold everywhere belongs to no project; it is found by what it holds. Answers with how many entries that takes into account.
async fn hold_everywhere(ports: &Ports, state: &mut State, question: &Question<'_>) -> Result<u64, Error> {
    let mut digests: BTreeSet<Digest> = question.known.contents.digests().cloned().collect();
    digests.insert(question.release.digest().clone());
    if let Some(project) = state.project(question.project).cloned() {
        for (component, digest) in &question.known.contents.components {
            if let Some(repository) = project.config.repository(component) {
                digests.extend(ports.catalog.closure(&repository, digest, domain::PARTS_MAX).await?.parts);
            }
        }
    }
    let mut size = 0;
    for digest in &digests {
        let mut from = 0;
        'mentions: loop {
            let indices = ports.views.about(digest, from, CHUNK).await?;
            let Some(last) = indices.last().copied() else { break };
            for (index, entry) in read(ports, &indices).await? {
                if entry.at > question.at {
                    break 'mentions;
                }
                if entry.event.project().is_none() {
                    state.apply_at(index, &entry);
                    size = size.max(index + 1);
                }
            }
            from = last + 1;
        }
    }
    Ok(size)
}

/// Whether a later release is current tells a superseded one from one that may still come: when that one was created is all that it takes.
async fn superseding(ports: &Ports, state: &mut State, question: &Question<'_>) -> Result<(), Error> {
    let current = state.project(question.project).and_then(|known| known.stage(question.stage).current.clone());
    let Some(current) = current.filter(|current| current.release != *question.release) else { return Ok(()) };
    let created = |event: &Event| {
        matches!(event, Event::ReleaseCreated { project, release, .. }
            if project == question.project && *release == current.release)
    };
    let mut from = 0;
    loop {
        let mentions = ports.views.about(current.release.digest(), from, CHUNK).await?;
        let Some(last) = mentions.last().copied() else { return Ok(()) };
        let found = read(ports, &mentions).await?.into_iter().find(|(_, entry)| created(&entry.event));
        if let Some((index, entry)) = found {
            state.apply_at(index, &entry);
            return Ok(());
        }
        from = last + 1;
    }
}

async fn read(ports: &Ports, indices: &[u64]) -> Result<Vec<(u64, Entry)>, Error> {
    let mut entries = Vec::with_capacity(indices.len());
    for chunk in indices.chunks(CHUNK) {
        for (index, bytes) in ports.ledger.read_each(chunk).await? {
            let entry = Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
            entries.push((index, entry));
        }
    }
    Ok(entries)
}
