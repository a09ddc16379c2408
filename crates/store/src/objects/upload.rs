//! Bytes that are added to an upload.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::{Algorithm, Hasher, Timestamp};
use engine::{
    Clock, SystemClock,
    ports::{ByteStream, Trouble, UploadError, UploadId},
};
use futures::StreamExt;

use super::{
    BLOB_BYTES_MAX, Objects, PART, StoredPart,
    session::{Held, Session, sums_to_bytes},
    turns::Turn,
};
use crate::{
    blobs::{new_upload_id, sums::Chunks},
    waiting::blocking,
};

/// How long bytes wait for more of them before they are written down: so a client that lost its connection finds almost all of them, at any replica.
const IDLE: Duration = Duration::from_secs(1);

/// The name of all bytes of an upload, put together.
pub(super) fn whole(id: &UploadId) -> String {
    tail(id, "whole")
}

/// The name of an object of an upload.
pub(super) fn tail(id: &UploadId, name: &str) -> String {
    format!("uploads/{}/{name}", id.as_str())
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

impl Objects {
    pub(super) async fn begin(&self, id: &UploadId, algorithm: Algorithm) -> Result<(), Trouble> {
        let session = Session::new(algorithm, hex::encode(Hasher::new(algorithm).save()));
        self.sessions.begin(id, session.encode(), now()).await
    }

    pub(super) async fn load(&self, id: &UploadId) -> Result<Held, UploadError> {
        let found = self.sessions.find(id).await?;
        let (version, document) = found.ok_or_else(|| UploadError::Unknown(id.clone()))?;
        Ok(Held { id: id.clone(), version, session: Session::decode(id, &document)? })
    }

    /// How many bytes an upload has. A request of this process that goes on with it is asked to write down how far it is.
    pub(super) async fn stands_at(&self, turn: &Turn, id: &UploadId) -> Result<u64, UploadError> {
        turn.ask().await;
        Ok(self.load(id).await?.session.size)
    }

    pub(super) async fn go_on(
        &self,
        id: &UploadId,
        offset: u64,
        mut bytes: ByteStream,
        limit: u64,
    ) -> Result<u64, UploadError> {
        let turn = self.turns.of(id);
        // Asked for without the turn, too: an earlier append may wait long for a client that is gone.
        expect_at(self.stands_at(&turn, id).await?, offset)?;
        let taken = turn.take().await;
        let held = self.load(id).await?;
        expect_at(held.session.size, offset)?;
        let limit = limit.min(BLOB_BYTES_MAX.saturating_sub(offset));
        let (mut left, mut writing) = (limit, Writing::new(self, held));
        let interrupted = loop {
            let piece = tokio::select! {
                biased;
                piece = bytes.next() => piece,
                () = taken.superseded() => {
                    break Some("no bytes came, and another request goes on with it".to_owned());
                }
                () = taken.asked() => {
                    let questions = taken.questions();
                    writing.save().await?;
                    taken.tell(questions);
                    continue;
                }
                () = tokio::time::sleep(IDLE), if writing.has_unsaved() => {
                    writing.save().await?;
                    continue;
                }
            };
            match piece {
                None => break None,
                Some(Err(error)) => break Some(error.to_string()),
                Some(Ok(piece)) => {
                    let Some(rest) = left.checked_sub(piece.len() as u64) else {
                        break Some(format!("there are more than {limit} bytes"));
                    };
                    left = rest;
                    writing.take(piece).await?;
                }
            }
        };
        let size = writing.close().await?;
        interrupted.map_or(Ok(size), |why| Err(UploadError::Interrupted(why)))
    }
}

fn expect_at(stands_at: u64, begins_at: u64) -> Result<(), UploadError> {
    if begins_at == stands_at { Ok(()) } else { Err(UploadError::OutOfOrder { stands_at, begins_at }) }
}

/// An upload that somebody adds bytes to.
pub(super) struct Writing<'a> {
    objects: &'a Objects,
    pub held: Held,
    /// Where the bytes that are added begin.
    began_at: u64,
    /// The bytes after the last part, once they are needed.
    loaded: Option<Loaded>,
    /// Whether the session says that parts are being put, by this very request.
    begun: bool,
}

/// The bytes after the last part.
pub(super) struct Loaded {
    /// The hash up to them.
    pub hasher: Hasher,
    pub bytes: BytesMut,
    /// How many of them the session's tail has.
    saved: usize,
}

impl<'a> Writing<'a> {
    pub fn new(objects: &'a Objects, held: Held) -> Self {
        let began_at = held.session.size;
        Self { objects, held, began_at, loaded: None, begun: false }
    }

    /// Adds bytes. What fills a part is put.
    async fn take(&mut self, mut piece: Bytes) -> Result<(), UploadError> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.held.session.finishing {
            return Err(UploadError::Interrupted("it is being finished, and takes no more bytes".into()));
        }
        while !piece.is_empty() {
            let bytes = &mut self.load().await?.bytes;
            bytes.extend_from_slice(&piece.split_to(piece.len().min(PART - bytes.len())));
            if bytes.len() == PART {
                self.put_part().await?;
            }
        }
        Ok(())
    }

    /// What the upload has after its last part.
    pub async fn load(&mut self) -> Result<&mut Loaded, UploadError> {
        if self.loaded.is_none() {
            let Held { id, session, .. } = &self.held;
            let gone = || Trouble::new(format!("go on with upload `{id}`"), "what it had is gone: begin it again");
            let state = hex::decode(&session.hash).ok();
            let hasher = state.and_then(|state| Hasher::resume(session.algorithm, &state)).ok_or_else(gone)?;
            let bytes = match &session.tail {
                Some(name) => self.objects.bucket.whole(&tail(id, name)).await?.ok_or_else(gone)?,
                None => Bytes::new(),
            };
            if session.parts * PART as u64 + bytes.len() as u64 != session.size || bytes.len() >= PART {
                return Err(gone().into());
            }
            self.loaded = Some(Loaded { hasher, saved: bytes.len(), bytes: bytes.into() });
        }
        Ok(self.loaded.as_mut().expect("it was just loaded"))
    }

    fn has_unsaved(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.bytes.len() != loaded.saved)
    }

    /// Puts what there is as the next part, and writes it down.
    async fn put_part(&mut self) -> Result<(), UploadError> {
        self.begin_parts().await?;
        let loaded = self.loaded.as_mut().expect("there are bytes to put");
        let bytes = loaded.bytes.split().freeze();
        let sums = blocking(|| {
            let mut chunks = Chunks::default();
            chunks.update(&bytes);
            loaded.hasher.update(&bytes);
            chunks.finish()
        });
        loaded.saved = 0;
        let hash = hex::encode(loaded.hasher.save());
        let Held { id, session, .. } = &self.held;
        let (number, multipart) = (session.parts, session.multipart.clone().expect("parts were begun"));
        let etag = self.objects.bucket.put_part(&whole(id), &multipart, number, bytes).await?;
        let before = self.held.session.tail.take();
        self.held.session.hash = hash;
        self.held.session.parts += 1;
        self.held.session.size = self.held.session.parts * PART as u64;
        self.advance(Some(StoredPart { number, etag, sums: sums_to_bytes(&sums) })).await?;
        self.drop_tail(before).await;
        Ok(())
    }

    /// Says that parts are being put, before the first one is. If another request said so and did not come to its end, one of its parts may still
    /// arrive and take the place of one of ours.
    async fn begin_parts(&mut self) -> Result<(), UploadError> {
        if self.begun {
            return Ok(());
        }
        let session = &mut self.held.session;
        session.doubtful |= session.writing;
        session.writing = true;
        if session.multipart.is_none() {
            session.multipart = Some(self.objects.bucket.begin_multipart(&whole(&self.held.id)).await?);
        }
        // Known before it has a byte, so that whoever collects the upload finds it.
        self.advance(None).await?;
        self.begun = true;
        Ok(())
    }

    /// Writes down all bytes that came.
    pub async fn save(&mut self) -> Result<(), UploadError> {
        if !self.has_unsaved() {
            return Ok(());
        }
        let Some(loaded) = &mut self.loaded else { return Ok(()) };
        let bytes = Bytes::copy_from_slice(&loaded.bytes);
        loaded.saved = bytes.len();
        self.held.session.size = self.held.session.parts * PART as u64 + bytes.len() as u64;
        // A name of its own: what another replica puts at the same time must not be overwritten.
        let name = new_upload_id("")?.name().to_owned();
        self.objects.bucket.put(&tail(&self.held.id, &name), bytes).await?;
        let before = self.held.session.tail.replace(name.clone());
        match self.advance(None).await {
            Ok(()) => self.drop_tail(before).await,
            Err(late @ UploadError::Trouble(_)) => return Err(late),
            Err(late) => {
                self.drop_tail(Some(name)).await;
                return Err(late);
            }
        }
        Ok(())
    }

    /// Writes down all bytes, and that nobody puts parts any more; answers with how many bytes there are.
    async fn close(mut self) -> Result<u64, UploadError> {
        if self.begun {
            self.held.session.writing = false;
        }
        if self.has_unsaved() {
            self.save().await?;
        } else if self.begun {
            self.advance(None).await?;
        }
        Ok(self.held.session.size)
    }

    /// Puts the session as it is now, unless somebody else has changed it.
    pub async fn advance(&mut self, part: Option<StoredPart>) -> Result<(), UploadError> {
        let Held { id, version, session } = &self.held;
        if self.objects.sessions.advance(id, *version, session.encode(), part, now()).await? {
            self.held.version += 1;
            return Ok(());
        }
        let stands_at = self.objects.load(id).await?.session.size;
        Err(match self.began_at {
            begins_at if begins_at == stands_at => UploadError::Interrupted("another request goes on with it".into()),
            begins_at => UploadError::OutOfOrder { stands_at, begins_at },
        })
    }

    /// Removes a tail that nobody needs any more. If that fails, it is collected with what is stale.
    async fn drop_tail(&self, name: Option<String>) {
        let Some(name) = name else { return };
        if let Err(error) = self.objects.bucket.delete(&tail(&self.held.id, &name)).await {
            tracing::warn!(%error, upload = %self.held.id, "What an upload no longer needs cannot be removed yet");
        }
    }
}
