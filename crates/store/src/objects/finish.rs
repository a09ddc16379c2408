//! How an upload ends: as a blob, or as nothing.

use std::time::Duration;

use bytes::Bytes;
use domain::{Digest, Hasher, Timestamp};
use engine::ports::{Trouble, UploadError, UploadId};
use futures::TryStreamExt;

use super::{
    Objects, blob,
    session::{Held, sums_from_bytes},
    upload::{Writing, now, tail, whole},
};
use crate::{blobs::sums::Chunks, waiting::blocking};

/// How many stale uploads are collected in one round.
const STALE_MAX: usize = 1000;

impl Objects {
    /// Makes an upload a blob. Each step can be done again: who asks again after a failure goes on where it failed.
    pub(super) async fn finish(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError> {
        let turn = self.turns.of(id);
        let _taken = turn.take().await;
        let mut writing = Writing::new(self, self.load(id).await?);
        let size = writing.held.session.size;
        let made = if writing.held.session.parts == 0 {
            let bytes = writing.load().await?.bytes.split().freeze();
            let actual = blocking(|| Digest::of(digest.algorithm(), &bytes));
            match expect(digest, actual) {
                Ok(()) => self.put_whole(digest, bytes).await.map_err(Ended::from),
                mismatch => mismatch,
            }
        } else {
            self.finish_parts(&mut writing, digest).await
        };
        match made {
            Ok(()) => {}
            Err(Ended::Failed(error)) => return Err(error),
            Err(Ended::Useless(error)) => {
                self.discard_quietly(writing.held).await;
                return Err(error);
            }
        }
        self.discard_quietly(writing.held).await;
        Ok(size)
    }

    async fn finish_parts(&self, writing: &mut Writing<'_>, digest: &Digest) -> Result<(), Ended> {
        let rest = writing.load().await?;
        let (bytes, mut hasher) = (Bytes::copy_from_slice(&rest.bytes), rest.hasher.clone());
        blocking(|| hasher.update(&bytes));
        let session = &mut writing.held.session;
        let known = session.algorithm == digest.algorithm();
        if known {
            expect(digest, hasher.finish())?;
        }
        let begun_before = session.finishing;
        session.finishing = true;
        session.doubtful |= session.writing;
        // From here on no byte is added, by whichever replica.
        writing.advance(None).await?;
        let sums = self.put_together(writing, bytes, begun_before).await?;
        let (size, doubtful) = (writing.held.session.size, writing.held.session.doubtful);
        let id = writing.held.id.clone();
        if known && !doubtful && size <= self.copy_max {
            self.put_sums(digest, size, &sums).await?;
            self.bucket.copy(&whole(&id), &blob(digest)).await?;
            return Ok(());
        }
        let actual = self.carry(writing, digest).await?;
        match expect(digest, actual) {
            Err(_) if known => {
                let why = "two requests went on with it at once, and their parts are mixed up: upload it again";
                Err(Ended::Useless(Trouble::new(format!("finish upload `{id}`"), why).into()))
            }
            result => result,
        }
    }

    /// Makes the parts one object, `whole`; answers with the sums of its chunks.
    pub(super) async fn put_together(
        &self,
        writing: &mut Writing<'_>,
        rest: Bytes,
        begun_before: bool,
    ) -> Result<Vec<u64>, Ended> {
        let Held { id, session, .. } = &writing.held;
        let parts = self.sessions.parts(id).await?;
        let broken = |why: String| Trouble::new(format!("finish upload `{id}`"), why);
        if !(0..session.parts).eq(parts.iter().map(|part| part.number)) {
            return Err(broken("a part of it is not known any more: upload it again".into()).into());
        }
        let mut sums: Vec<u64> = parts.iter().flat_map(|part| sums_from_bytes(&part.sums)).collect();
        let mut chunks = Chunks::default();
        chunks.update(&rest);
        sums.extend(chunks.finish());
        // Whoever began to finish it may have come this far.
        if begun_before && self.bucket.size(&whole(id)).await? == Some(session.size) {
            return Ok(sums);
        }
        let multipart = session.multipart.as_deref().ok_or_else(|| broken("its parts are not known".into()))?;
        let mut etags: Vec<String> = parts.into_iter().map(|part| part.etag).collect();
        if !rest.is_empty() {
            etags.push(self.bucket.put_part(&whole(id), multipart, session.parts, rest).await?);
        }
        self.bucket.complete(&whole(id), multipart, etags).await?;
        match self.bucket.size(&whole(id)).await? {
            Some(size) if size == session.size => Ok(sums),
            found => {
                let why = format!("the storage put {} bytes together to {found:?}: upload it again", session.size);
                Err(Ended::Useless(broken(why).into()))
            }
        }
    }

    /// Reads the whole upload, and writes it to the blob part by part; it becomes visible only if it has the digest. Answers with what it has.
    async fn carry(&self, writing: &mut Writing<'_>, digest: &Digest) -> Result<Digest, Ended> {
        let (from, to) = (whole(&writing.held.id), blob(digest));
        if let Some((multipart, name)) = writing.held.session.carried.take() {
            self.bucket.abort(&name, &multipart).await?;
        }
        let multipart = self.bucket.begin_multipart(&to).await?;
        writing.held.session.carried = Some((multipart.clone(), to.clone()));
        writing.advance(None).await?;
        let (mut hasher, mut chunks) = (Hasher::new(digest.algorithm()), Chunks::default());
        let look = |piece: &Bytes| {
            hasher.update(piece);
            chunks.update(piece);
        };
        let (size, etags) = self.carry_over(&from, &to, &multipart, look).await?;
        let actual = hasher.finish();
        if actual == *digest {
            self.put_sums(digest, size, &chunks.finish()).await?;
            self.bucket.complete(&to, &multipart, etags).await?;
            writing.held.session.carried = None;
        }
        Ok(actual)
    }

    pub(super) async fn cancel(&self, id: &UploadId) -> Result<(), UploadError> {
        let turn = self.turns.of(id);
        let _taken = turn.take().await;
        // Another replica may go on with it in between; in the end it takes no more bytes.
        while !self.discard(self.load(id).await?).await? {}
        Ok(())
    }

    /// Discards what is left of an upload that is over. If that fails, it is collected with what is stale.
    async fn discard_quietly(&self, held: Held) {
        let id = held.id.clone();
        if let Err(error) = self.discard(held).await {
            tracing::warn!(%error, upload = %id, "What is left of an upload cannot be removed yet");
        }
    }

    /// Discards an upload, if it is still as it was seen: first it takes no more bytes, then its bytes go, then what is known of it.
    async fn discard(&self, mut held: Held) -> Result<bool, Trouble> {
        if held.session.multipart.is_some() {
            held.session.finishing = true;
            if !self.sessions.advance(&held.id, held.version, held.session.encode(), None, now()).await? {
                return Ok(false);
            }
            held.version += 1;
        }
        let Held { id, version, session } = held;
        if let Some(multipart) = &session.multipart {
            self.bucket.abort(&whole(&id), multipart).await?;
            self.bucket.delete(&whole(&id)).await?;
        }
        if let Some((multipart, name)) = &session.carried {
            self.bucket.abort(name, multipart).await?;
        }
        let ended = self.sessions.end(&id, version).await?;
        if let Some(name) = session.tail.filter(|_| ended) {
            self.bucket.delete(&tail(&id, &name)).await?;
        }
        Ok(ended)
    }

    pub(super) async fn collect(&self, older_than: Duration) -> Result<usize, Trouble> {
        let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(now().as_millis().saturating_sub(age));
        let mut collected = 0;
        for (id, version) in self.sessions.stale(before, STALE_MAX).await? {
            let turn = self.turns.of(&id);
            let Some(_taken) = turn.try_take() else { continue };
            match self.load(&id).await {
                Ok(held) if held.version == version => collected += usize::from(self.discard(held).await?),
                Ok(_) | Err(UploadError::Unknown(_)) => {}
                Err(UploadError::Trouble(trouble)) => return Err(trouble),
                Err(other) => return Err(Trouble::new(format!("collect upload `{id}`"), other)),
            }
        }
        self.collect_leftovers(before).await?;
        Ok(collected)
    }

    /// Removes objects of uploads that nobody knows, or that have others instead.
    async fn collect_leftovers(&self, before: Timestamp) -> Result<(), Trouble> {
        let mut found = self.bucket.list("uploads", None);
        while let Some((name, meta)) = found.try_next().await? {
            if meta.last_modified.timestamp_millis() > before.as_millis() {
                continue;
            }
            let Some((id, of_it)) = name.split_once('/') else { continue };
            let Ok(id) = id.parse::<UploadId>() else { continue };
            let needed = match self.load(&id).await {
                Ok(held) => of_it == "whole" || held.session.tail.as_deref() == Some(of_it),
                Err(UploadError::Unknown(_)) => false,
                // Whoever cannot tell removes nothing.
                Err(_) => true,
            };
            if !needed {
                self.bucket.delete(&format!("uploads/{name}")).await?;
            }
        }
        Ok(())
    }
}

/// Why no blob was made.
pub(super) enum Ended {
    /// Asking again may help.
    Failed(UploadError),
    /// Nothing can be made of this upload any more.
    Useless(UploadError),
}

impl From<UploadError> for Ended {
    fn from(error: UploadError) -> Self {
        Self::Failed(error)
    }
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.into())
    }
}

fn expect(claimed: &Digest, actual: Digest) -> Result<(), Ended> {
    if actual == *claimed {
        return Ok(());
    }
    Err(Ended::Useless(UploadError::DigestMismatch { claimed: claimed.clone(), actual }))
}
