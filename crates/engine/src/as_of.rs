//! The state of one project as the ledger stood at an earlier time.

use std::collections::BTreeSet;

use domain::{Digest, Entry, ProjectName, ReleaseId, State, Timestamp};

use crate::{Error, Ports};

/// How many entries are read at once.
const CHUNK: usize = 500;

/// Folds what had happened in `project`, and anywhere to `release`, by `at`.
pub(crate) async fn fold(
    ports: &Ports,
    project: &ProjectName,
    release: &ReleaseId,
    at: Timestamp,
) -> Result<State, Error> {
    let mut state = State::default();
    let mut from = 0;
    'entries: loop {
        let indices = ports.views.of_project(project, from, CHUNK).await?;
        let Some(last) = indices.last().copied() else { break };
        for (index, entry) in read(ports, &indices).await? {
            if entry.at > at {
                break 'entries;
            }
            state.apply_at(index, &entry);
        }
        from = last + 1;
    }
    // A hold everywhere belongs to no project; it is found by what it holds.
    let digests: Vec<Digest> = state
        .release(project, release)
        .map(|release| release.contents.digests().cloned().collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .chain([release.digest().clone()])
        .collect();
    let mut elsewhere = BTreeSet::new();
    for digest in &digests {
        elsewhere.extend(ports.views.about(digest, 0, CHUNK * 20).await?);
    }
    for (index, entry) in read(ports, &elsewhere.into_iter().collect::<Vec<_>>()).await? {
        if entry.event.project().is_none() && entry.at <= at {
            state.apply_at(index, &entry);
        }
    }
    Ok(state)
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
