//! Bytes that nothing names go into the trash, and from there for good.

use domain::{Digest, Entry, Event, Span, Timestamp};

use crate::{Engine, Error, ports::Tier};

/// How many entries about a digest are looked at, at once.
const PAGE: usize = 100;
/// How long the views are waited for.
const VIEWS_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Puts those of the next `limit` bytes after `after` into the trash that nothing names; `None` once there are no more.
pub(super) async fn sweep(engine: &Engine, after: Option<&Digest>, limit: usize) -> Result<Option<Digest>, Error> {
    let blobs = &engine.ports().blobs;
    let page = blobs.list(after, limit).await?;
    for digest in &page {
        if !is_wanted(engine, digest).await? {
            blobs.put_away(digest, Tier::Trash, engine.now()).await?;
        }
    }
    Ok(page.into_iter().next_back())
}

/// Removes those of the next `limit` bytes in the trash after `after` for good that have lain there for `trash`; whatever is named by now
/// comes back instead. `None` once there are no more.
pub(super) async fn empty(
    engine: &Engine,
    trash: Span,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Option<Digest>, Error> {
    let blobs = &engine.ports().blobs;
    let page = blobs.list_away(Tier::Trash, after, limit).await?;
    for away in &page {
        if !is_over(away.at, trash, engine.now()) {
            continue;
        }
        if is_wanted(engine, &away.digest).await? {
            blobs.take_back(&away.digest, Tier::Trash).await?;
        } else {
            blobs.discard(&away.digest).await?;
        }
    }
    Ok(page.into_iter().next_back().map(|away| away.digest))
}

fn is_over(since: Timestamp, span: Span, now: Timestamp) -> bool {
    now.since(since) >= span
}

/// Whether a repository has it, somebody holds it, or an entry needs it to mean something: a document of evidence, a plan.
async fn is_wanted(engine: &Engine, digest: &Digest) -> Result<bool, Error> {
    if engine.ports().catalog.is_anywhere(digest).await? {
        return Ok(true);
    }
    if engine.read(&[], |state| state.system().holds.contains_key(digest)).await? {
        return Ok(true);
    }
    if !engine.wait_for(engine.size(), VIEWS_PATIENCE).await {
        return Err(Error::broken("look for what names bytes", "the views trail the ledger"));
    }
    let mut from = 0;
    loop {
        let indices = engine.ports().views.about(digest, from, PAGE).await?;
        let Some(last) = indices.last() else { return Ok(false) };
        from = last + 1;
        for (index, bytes) in engine.ports().ledger.read_each(&indices).await? {
            let entry = Entry::decode(&bytes).map_err(|error| Error::broken(format!("read entry {index}"), error))?;
            let is_manifest = matches!(entry.event, Event::ManifestPushed { .. });
            if !is_manifest && entry.event.blob() == Some(digest) {
                return Ok(true);
            }
        }
    }
}
