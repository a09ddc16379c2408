//! Tells what became of entries whose hashes are not those that were logged: changed, dropped or reordered.

use std::collections::{BTreeMap, BTreeSet};

use tlog::Hash;

use super::Finding;

/// What became of the entries: `found` are the leaf hashes of the entries that stand elsewhere than logged or are new, by where they stand;
/// `logged` are the hashes of the same places, and of those where nothing stands any more.
pub fn classify(found: &BTreeMap<u64, Hash>, logged: &BTreeMap<u64, Hash>) -> Vec<Finding> {
    let place: BTreeMap<Hash, u64> = logged.iter().map(|(index, hash)| (*hash, *index)).collect();
    let moved: BTreeMap<u64, u64> =
        found.iter().filter_map(|(index, hash)| Some((*index, *place.get(hash)?))).collect();
    let arrived: BTreeSet<u64> = moved.values().copied().collect();
    // Nobody has the bytes of these places, and no other bytes stand in their place.
    let dropped: Vec<u64> = logged
        .keys()
        .filter(|index| !arrived.contains(index) && (moved.contains_key(index) || !found.contains_key(index)))
        .copied()
        .collect();
    let mut findings = runs(&dropped);
    for (index, hash) in found {
        match moved.get(index) {
            None => {
                let is_logged_here = logged.get(index).is_some_and(|logged| logged == hash);
                if !is_logged_here {
                    findings.push(Finding::EntryChanged { entry: *index });
                }
            }
            Some(logged_as) => {
                // An entry that only moved up because others before it were dropped is not reordered.
                let gone = dropped.iter().filter(|gone| *gone < logged_as).count() as u64;
                if index + gone != *logged_as {
                    findings.push(Finding::EntryReordered { entry: *index, logged_as: *logged_as });
                }
            }
        }
    }
    findings
}

/// Neighbours are told together.
fn runs(dropped: &[u64]) -> Vec<Finding> {
    let mut findings: Vec<(u64, u64)> = Vec::new();
    for index in dropped {
        match findings.last_mut() {
            Some((first, count)) if *first + *count == *index => *count += 1,
            _ => findings.push((*index, 1)),
        }
    }
    findings.into_iter().map(|(entry, count)| Finding::EntryDropped { entry, count }).collect()
}
