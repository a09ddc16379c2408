//! [`Download`]: a blob on its way, hashed as it comes, and gone on with where it broke off, there or at another source.

use std::collections::VecDeque;

use bytes::Bytes;
use domain::{Digest, Hasher};

use crate::{Error, Sources, origin::Flow, sources::one_of};

/// How often one blob is gone on with, where nothing came in between.
const STALLS_MAX: u32 = 6;
/// How large a blob is at most, in bytes: 100 GiB.
const BLOB_BYTES_MAX: u64 = 100 << 30;

/// A blob on its way. The last piece is held back until the hash of all pieces is the digest: whoever hands pieces on as they come never
/// hands on the whole of a wrong blob.
pub struct Download {
    sources: Sources,
    digest: Digest,
    size: Option<u64>,
    /// Which sources sent wrong bytes.
    wrong: Vec<usize>,
    /// Which sources some of these bytes are from.
    used: Vec<usize>,
    coming: Option<Coming>,
    /// The hash of what was handed out.
    hasher: Hasher,
    /// How many bytes were handed out.
    offset: u64,
    /// What came and was not handed out.
    waiting: VecDeque<Bytes>,
    /// How many bytes came.
    received: u64,
    stalls: u32,
    ended: bool,
    mark: Mark,
}

struct Coming {
    number: usize,
    flow: Flow,
    /// How many bytes come that are known already.
    skip: u64,
}

#[derive(Clone)]
struct Mark {
    hasher: Hasher,
    offset: u64,
}

impl Download {
    pub(crate) fn new(sources: Sources, digest: Digest, size: Option<u64>) -> Self {
        let hasher = Hasher::new(digest.algorithm());
        let mark = Mark { hasher: hasher.clone(), offset: 0 };
        Self {
            sources,
            digest,
            size,
            wrong: Vec::new(),
            used: Vec::new(),
            coming: None,
            hasher,
            offset: 0,
            waiting: VecDeque::new(),
            received: 0,
            stalls: 0,
            ended: false,
            mark,
        }
    }

    /// How many bytes were handed out.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes, at most `most` of them; none once all of them came, and were right.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they were wrong: then nothing of what came before is worth anything. [`Download::from_another`] begins anew.
    pub async fn next(&mut self, most: u64) -> Result<Option<Bytes>, Error> {
        while !self.ended && self.waiting.len() < 2 {
            match self.piece().await? {
                Some(piece) => {
                    self.received += piece.len() as u64;
                    self.stalls = 0;
                    self.waiting.push_back(piece);
                }
                None => self.settle()?,
            }
        }
        let Some(front) = self.waiting.front_mut() else { return Ok(None) };
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(front.len());
        let piece = front.split_to(length);
        if front.is_empty() {
            self.waiting.pop_front();
        }
        self.hasher.update(&piece);
        self.offset += piece.len() as u64;
        Ok(Some(piece))
    }

    /// Remembers this place: what was handed out up to here need not come again.
    pub fn mark(&mut self) {
        self.mark = Mark { hasher: self.hasher.clone(), offset: self.offset };
    }

    /// Goes back to the mark.
    pub fn rewind(&mut self) {
        let Mark { hasher, offset } = self.mark.clone();
        self.waiting.clear();
        (self.hasher, self.offset, self.received, self.coming, self.ended) = (hasher, offset, offset, None, false);
    }

    /// Begins anew, from sources that have not sent wrong bytes yet; `false` if there is none.
    pub fn from_another(&mut self) -> bool {
        self.wrong.append(&mut self.used);
        self.restart();
        (0..self.sources.count()).any(|number| !self.wrong.contains(&number))
    }

    /// Begins anew.
    pub fn restart(&mut self) {
        self.mark = Mark { hasher: Hasher::new(self.digest.algorithm()), offset: 0 };
        self.rewind();
    }

    /// All bytes came: compares their hash before the last of them are handed out.
    fn settle(&mut self) -> Result<(), Error> {
        let mut hasher = self.hasher.clone();
        self.waiting.iter().for_each(|piece| hasher.update(piece));
        let actual = hasher.finish();
        if actual == self.digest {
            self.ended = true;
            return Ok(());
        }
        self.waiting.clear();
        Err(Error::Corrupt { what: self.what(), expected: self.digest.clone(), actual })
    }

    fn what(&self) -> String {
        let last = self.used.last().copied().unwrap_or_default();
        let place = self.sources.in_order().into_iter().find(|(number, _)| *number == last);
        place.map_or_else(|| "the blob".into(), |(_, origin)| format!("a blob of `{}`", origin.name()))
    }

    /// The next bytes as they come; none at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        if self.size == Some(self.received) && (self.received > 0 || self.coming.is_some()) {
            return self.end().await;
        }
        loop {
            let coming = match &mut self.coming {
                Some(coming) => coming,
                None => {
                    let coming = self.open().await?;
                    self.coming.insert(coming)
                }
            };
            let error = match coming.flow.chunk().await {
                Ok(Some(piece)) if piece.is_empty() => continue,
                Ok(Some(mut piece)) => {
                    let known = coming.skip.min(piece.len() as u64);
                    coming.skip -= known;
                    let _ = piece.split_to(usize::try_from(known).unwrap_or(piece.len()));
                    if piece.is_empty() {
                        continue;
                    }
                    let most = self.size.unwrap_or(BLOB_BYTES_MAX);
                    if self.received + piece.len() as u64 > most {
                        let actual = Digest::of(self.digest.algorithm(), &piece);
                        tracing::debug!(digest = %self.digest, most, "More bytes came than the blob has");
                        return Err(Error::Corrupt { what: self.what(), expected: self.digest.clone(), actual });
                    }
                    return Ok(Some(piece));
                }
                Ok(None) if self.size.is_none_or(|size| size == self.received) => return Ok(None),
                Ok(None) => "it ended too early".to_owned(),
                Err(problem) => problem,
            };
            let number = coming.number;
            self.coming = None;
            self.stalled(number, error).await?;
        }
    }

    /// What still comes when all bytes are there: nothing, or it is not the blob.
    async fn end(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(mut coming) = self.coming.take() {
            let more = coming.flow.chunk().await.ok().flatten().filter(|more| !more.is_empty());
            if let Some(more) = more {
                let actual = Digest::of(self.digest.algorithm(), &more);
                return Err(Error::Corrupt { what: self.what(), expected: self.digest.clone(), actual });
            }
        }
        Ok(None)
    }

    async fn stalled(&mut self, number: usize, problem: String) -> Result<(), Error> {
        self.stalls += 1;
        self.sources.remember(number, true);
        let origin = self.sources.in_order().into_iter().find(|(one, _)| *one == number).map(|(_, origin)| origin);
        let origin = origin.unwrap_or_else(|| self.sources.first().clone());
        let alone = self.sources.count() == 1;
        let pause = if alone { origin.pause(self.stalls) } else { Some(std::time::Duration::ZERO) };
        match pause.filter(|_| self.stalls < STALLS_MAX) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None => Err(origin.broken_off(problem)),
        }
    }

    async fn open(&mut self) -> Result<Coming, Error> {
        let mut errors = Vec::new();
        for (number, origin) in self.sources.in_order() {
            if self.wrong.contains(&number) {
                continue;
            }
            match origin.blob(&self.digest, self.received).await {
                Ok((flow, begins_there)) => {
                    if !self.used.contains(&number) {
                        self.used.push(number);
                    }
                    self.sources.remember(number, false);
                    let skip = if begins_there { 0 } else { self.received };
                    return Ok(Coming { number, flow, skip });
                }
                Err(error) => {
                    self.sources.remember(number, error.passes());
                    errors.push(error);
                }
            }
        }
        Err(one_of(errors))
    }
}
