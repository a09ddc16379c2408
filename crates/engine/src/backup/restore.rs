//! [`restore`]: a ledger in new storage, from its published files and its blobs.

use tlog::{Frontier, VerifiedCheckpoint, VerifierKey, bundles_for, leaf_hash};

use super::{Copied, Files, Named, Progress, checkpoint, copy_blobs, decode, entries_of, expect_root};
use crate::{
    Error, Ports, Rebuilt,
    backup::backup,
    ports::{Batch, CommitError, Head, NewEntry, Tiles},
    rebuild,
};

/// How many entries are read back at once.
const READ_BACK: usize = 1000;

/// What a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredLedger {
    /// What was copied.
    pub copied: Copied,
    /// What was made anew from it.
    pub rebuilt: Rebuilt,
}

/// Puts a ledger and its blobs into empty storage, and makes everything anew that follows from them. One that broke off goes on where it was; until it
/// has come to its end, no engine starts on the storage.
///
/// # Errors
///
/// If the storage holds anything but the beginning of this ledger; if the files do not lead to a checkpoint that `key` signed. A blob that is missing
/// or damaged is no error but one of [`Copied::problems`].
pub async fn restore(
    from: &Files,
    to: &Ports,
    key: &VerifierKey,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<RestoredLedger, Error> {
    let (note, checkpoint) = checkpoint(&*from.tiles, key).await?;
    let there = to.ledger.head().await?;
    let named = expect_beginning(from, &checkpoint, &there).await?;
    let mut copied = Copied { entries: checkpoint.size(), ..Copied::default() };
    if let Some(published) = to.tiles.get("checkpoint").await? {
        if published != note || to.ledger.rebuilding().await? {
            return Err(not_empty());
        }
        // It came to its end before. Blobs that were missing then may be there now.
        copy_blobs(&*from.blobs, &*to.blobs, &named, &mut copied, &mut progress).await?;
        return Ok(RestoredLedger { copied, rebuilt: Rebuilt::default() });
    }
    // From here on nothing opens the storage until the rebuild at the end.
    to.ledger.clear_derived().await?;
    append(&*from.tiles, to, &checkpoint, &there, &mut progress).await?;
    copy_blobs(&*from.blobs, &*to.blobs, &named, &mut copied, &mut progress).await?;
    let rebuilt = rebuild(to, |entries| progress(Progress::Entries(entries, checkpoint.size()))).await?;
    expect_root(&read_back(to).await?, &checkpoint)?;
    // The published files come over last, and the checkpoint last of them. All blobs that can be there are.
    let published = Files { tiles: from.tiles.clone(), blobs: to.blobs.clone() };
    backup(&published, &Files { tiles: to.tiles.clone(), blobs: to.blobs.clone() }, key, |_| {}).await?;
    Ok(RestoredLedger { copied, rebuilt })
}

/// The tree of the entries as the new storage has them now.
async fn read_back(to: &Ports) -> Result<Frontier, Error> {
    let mut frontier = Frontier::default();
    loop {
        let entries = to.ledger.read(frontier.size(), READ_BACK).await?;
        if entries.is_empty() {
            return Ok(frontier);
        }
        entries.iter().for_each(|entry| frontier.append(leaf_hash(entry)));
    }
}

/// Reads all entries, which must lead to the checkpoint, and begin with those that the storage has.
async fn expect_beginning(from: &Files, checkpoint: &VerifiedCheckpoint, there: &Head) -> Result<Named, Error> {
    let (mut head, mut named) = (Head::default(), Named::default());
    let mut begins = *there == head;
    for bundle in bundles_for(0, checkpoint.size()) {
        for bytes in entries_of(&*from.tiles, &bundle).await?.1 {
            let entry = decode(head.frontier.size(), &bytes)?;
            named.take(&entry.event);
            head.frontier.append(leaf_hash(&bytes));
            head.time = entry.at;
        }
        begins |= *there == head;
    }
    expect_root(&head.frontier, checkpoint)?;
    if begins { Ok(named) } else { Err(not_empty()) }
}

fn not_empty() -> Error {
    Error::broken("restore the ledger", "the storage holds a ledger already: restore into storage that is empty")
}

/// Commits the entries that the ledger does not have yet: those after `there`.
async fn append(
    tiles: &dyn Tiles,
    to: &Ports,
    checkpoint: &VerifiedCheckpoint,
    there: &Head,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<(), Error> {
    let mut head = there.clone();
    for bundle in bundles_for(there.frontier.size(), checkpoint.size()) {
        let (expected, mut new) = (head.clone(), Vec::new());
        let known = head.frontier.size().saturating_sub(bundle.first_entry());
        for bytes in entries_of(tiles, &bundle).await?.1.into_iter().skip(usize::try_from(known).unwrap_or(usize::MAX))
        {
            head.time = decode(head.frontier.size(), &bytes)?.at;
            let leaf = leaf_hash(&bytes);
            head.frontier.append(leaf);
            new.push(NewEntry { bytes, leaf });
        }
        let batch = Batch { expected, entries: new, next: head.clone(), ..Batch::default() };
        to.ledger.commit(batch).await.map_err(|error| match error {
            CommitError::Trouble(trouble) => trouble.into(),
            moved => Error::broken("restore the ledger", moved),
        })?;
        progress(Progress::Entries(head.frontier.size(), checkpoint.size()));
    }
    Ok(())
}
