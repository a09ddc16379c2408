//! [`backup()`] and [`restore()`]: the published ledger and every blob that it names, from any storage to any other.
//!
//! A backup is what cannot be made anew: the entries, in the public form in which the server publishes them, the signed checkpoint, and the blobs. It
//! is taken from published files that never change but to grow, so it is consistent whatever goes on meanwhile, and `selfsame audit verify`
//! reads it as it reads any ledger.

mod named;
mod restore;

use std::sync::Arc;

use bytes::Bytes;
use domain::{Digest, Entry};
use tlog::{Checkpoint, EntryBundle, Frontier, TileBuilder, VerifiedCheckpoint, VerifierKey, bundles_for, leaf_hash};

use crate::{
    Error,
    ports::{Blobs, Tier, Tiles, UploadError},
};
use named::{Named, named_blobs};
pub use restore::{RestoredLedger, restore};

/// Who uploads, as far as uploads belong to somebody.
const OWNER: &str = "backup";

/// Published files and blobs, wherever they are.
#[derive(Clone)]
pub struct Files {
    /// The published ledger.
    pub tiles: Arc<dyn Tiles>,
    /// The blobs.
    pub blobs: Arc<dyn Blobs>,
}

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many of all entries.
    Entries(u64, u64),
    /// So many of all blobs.
    Blobs(u64, u64),
}

/// What a copy has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many entries.
    pub entries: u64,
    /// How many blobs are there now.
    pub blobs: u64,
    /// How many of them were copied, because they were not there yet.
    pub blobs_new: u64,
    /// How many bytes those have.
    pub bytes_new: u64,
    /// Blobs that the ledger names and that are missing or damaged where they should have come from.
    pub problems: Vec<String>,
}

/// Copies the published ledger up to its newest checkpoint, and the blobs that it names. What `to` has already is not copied again, so the second
/// backup into the same place copies only what is new. The checkpoint comes last: what it covers is there.
///
/// # Errors
///
/// If the published files do not lead to a checkpoint that `key` signed, nothing is copied any more. A blob that is missing or damaged is no error
/// but one of [`Copied::problems`].
pub async fn backup(
    from: &Files,
    to: &Files,
    key: &VerifierKey,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Copied, Error> {
    let (note, checkpoint) = checkpoint(&*from.tiles, key).await?;
    refuse_other(&*to.tiles, key, &checkpoint).await?;
    let mut named = Named::default();
    let mut tree = TileBuilder::default();
    let mut frontier = Frontier::default();
    for bundle in bundles_for(0, checkpoint.size()) {
        let (bytes, entries) = entries_of(&*from.tiles, &bundle).await?;
        for (index, entry) in (bundle.first_entry()..).zip(&entries) {
            let leaf = leaf_hash(entry);
            frontier.append(leaf);
            tree.append(leaf);
            named.take(&decode(index, entry)?.event);
        }
        put_if_new(&*to.tiles, bundle.to_string(), bytes).await?;
        progress(Progress::Entries(frontier.size(), checkpoint.size()));
        for (tile, hashes) in tree.take_tiles() {
            let bytes = tile.encode(&hashes).map_err(|error| Error::broken(format!("encode {tile}"), error))?;
            put_if_new(&*to.tiles, tile.to_string(), bytes.into()).await?;
        }
    }
    expect_root(&frontier, &checkpoint)?;
    let mut copied = Copied { entries: checkpoint.size(), ..Copied::default() };
    copy_blobs(&*from.blobs, &*to.blobs, &named, &mut copied, &mut progress).await?;
    to.tiles.put(vec![("checkpoint".into(), note)]).await?;
    Ok(copied)
}

/// Copies what `named` names, and all that its manifests are made of.
async fn copy_blobs(
    from: &dyn Blobs,
    to: &dyn Blobs,
    named: &Named,
    copied: &mut Copied,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<(), Error> {
    let digests = named_blobs(from, named, &mut copied.problems).await?;
    let total = digests.len() as u64;
    for (done, digest) in (1..).zip(&digests) {
        match copy_blob(from, to, digest).await? {
            Came::New(bytes) => {
                copied.blobs_new += 1;
                copied.bytes_new += bytes;
                copied.blobs += 1;
            }
            Came::There => copied.blobs += 1,
            Came::Not(problem) => copied.problems.push(problem),
        }
        progress(Progress::Blobs(done, total));
    }
    Ok(())
}

/// Whether a blob came.
enum Came {
    /// It is there now, with so many bytes.
    New(u64),
    /// It was there already.
    There,
    /// This is wrong with it.
    Not(String),
}

async fn copy_blob(from: &dyn Blobs, to: &dyn Blobs, digest: &Digest) -> Result<Came, Error> {
    if to.size(digest).await?.is_some() {
        return Ok(Came::There);
    }
    let mut blob = from.get(digest, None).await?;
    // What lies in the archive is read there, and is at hand in the copy; what went since the checkpoint lies in the trash.
    for tier in [Tier::Archive, Tier::Trash] {
        if blob.is_none() {
            blob = from.read_away(digest, tier).await?;
        }
    }
    let Some(blob) = blob else { return Ok(Came::Not(format!("`{digest}` is missing"))) };
    let upload = to.begin_upload(OWNER, digest.algorithm()).await?;
    let stored = match to.append(&upload, 0, blob.bytes, blob.size).await {
        Ok(_) => to.finish_upload(&upload, digest).await,
        Err(error) => Err(error),
    };
    match stored {
        Ok(bytes) => Ok(Came::New(bytes)),
        Err(UploadError::Trouble(trouble)) => Err(trouble.into()),
        Err(damaged) => {
            // It may have ended with the failure.
            let _ = to.cancel_upload(&upload).await;
            Ok(Came::Not(format!("`{digest}` is damaged: {damaged}")))
        }
    }
}

/// The newest checkpoint: as it was signed, and what it says.
async fn checkpoint(tiles: &dyn Tiles, key: &VerifierKey) -> Result<(Bytes, VerifiedCheckpoint), Error> {
    let doing = "read the checkpoint";
    let note = tiles.get("checkpoint").await?;
    let note = note.ok_or_else(|| Error::broken(doing, "there is none: nothing was published yet"))?;
    let opened = Checkpoint::open(&note, std::slice::from_ref(key)).map_err(|error| Error::broken(doing, error))?;
    Ok((note, opened))
}

/// A copy that holds another ledger, or more of this one, is not written over.
async fn refuse_other(tiles: &dyn Tiles, key: &VerifierKey, new: &VerifiedCheckpoint) -> Result<(), Error> {
    if tiles.get("checkpoint").await?.is_none() {
        return Ok(());
    }
    let (_, old) = checkpoint(tiles, key).await?;
    if old.size() > new.size() || (old.size() == new.size() && old.root() != new.root()) {
        let (old, new) = (old.size(), new.size());
        let why = format!("it has {old} entries already, and these {new} do not go on from them: choose another place");
        return Err(Error::broken("write the copy", why));
    }
    Ok(())
}

/// The file of a bundle and the entries in it. A full bundle does instead of a partial one, which may have been removed.
async fn entries_of(tiles: &dyn Tiles, bundle: &EntryBundle) -> Result<(Bytes, Vec<Bytes>), Error> {
    let doing = || format!("read `{bundle}`");
    let (found, bytes) = match tiles.get(&bundle.to_string()).await? {
        Some(bytes) => (*bundle, Some(bytes)),
        None => {
            let full = EntryBundle::new(bundle.index(), tlog::Tile::FULL_WIDTH);
            let full = full.map_err(|error| Error::broken(doing(), error))?;
            (full, tiles.get(&full.to_string()).await?)
        }
    };
    let bytes = bytes.ok_or_else(|| Error::broken(doing(), "there is no such file"))?;
    let entries = found.decode(&bytes).map_err(|error| Error::broken(doing(), error))?;
    let entries: Vec<Bytes> =
        entries.into_iter().take(usize::from(bundle.width())).map(|entry| bytes.slice_ref(entry)).collect();
    let bytes = bundle.encode(&entries).map_err(|error| Error::broken(doing(), error))?;
    Ok((bytes.into(), entries))
}

fn decode(index: u64, entry: &[u8]) -> Result<Entry, Error> {
    Entry::decode(entry).map_err(|error| Error::broken(format!("read entry {index}"), error))
}

fn expect_root(found: &Frontier, checkpoint: &VerifiedCheckpoint) -> Result<(), Error> {
    if found.root() == checkpoint.root() {
        return Ok(());
    }
    let why =
        "the entries do not lead to the root that was signed: `selfsame audit verify` names those that are different";
    Err(Error::broken(format!("copy {} entries", checkpoint.size()), why))
}

async fn put_if_new(tiles: &dyn Tiles, path: String, bytes: Bytes) -> Result<(), Error> {
    if tiles.get(&path).await?.as_ref() != Some(&bytes) {
        tiles.put(vec![(path, bytes)]).await?;
    }
    Ok(())
}
