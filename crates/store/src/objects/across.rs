//! Bytes from one object to another.

use bytes::{Bytes, BytesMut};
use engine::ports::Trouble;
use futures::StreamExt;

use super::{Objects, PART};
use crate::waiting::blocking;

impl Objects {
    /// Copies an object of `size` bytes. The copy appears whole or not at all. Where the storage does not copy so much at once, the bytes pass
    /// through here, a part at a time; if the process ends meanwhile, the bucket's own rule finds the parts.
    pub(super) async fn copy(&self, from: &str, to: &str, size: u64) -> Result<(), Trouble> {
        if size <= self.copy_max {
            return self.bucket.copy(from, to).await;
        }
        let multipart = self.bucket.begin_multipart(to).await?;
        let copied = match self.carry_over(from, to, &multipart, |_| ()).await {
            Ok((carried, etags)) if carried == size => self.bucket.complete(to, &multipart, etags).await,
            Ok((carried, _)) => Err(Trouble::new(format!("copy `{from}`"), format!("{carried} of {size} bytes came"))),
            Err(trouble) => Err(trouble),
        };
        if copied.is_err()
            && let Err(trouble) = self.bucket.abort(to, &multipart).await
        {
            tracing::warn!(to, %trouble, "The parts of a copy are left behind");
        }
        copied
    }

    /// Reads all of an object, shows each piece to `look`, and writes it to another as parts, which nobody sees before they are put together.
    /// Answers with how many bytes that were, and what the storage calls the parts.
    pub(super) async fn carry_over(
        &self,
        from: &str,
        to: &str,
        multipart: &str,
        mut look: impl FnMut(&Bytes) + Send,
    ) -> Result<(u64, Vec<String>), Trouble> {
        let gone = || Trouble::new(format!("read `{from}`"), "it is gone");
        let mut opened = self.bucket.open(from, None).await?.ok_or_else(gone)?;
        let (mut etags, mut part, mut carried) = (Vec::new(), BytesMut::with_capacity(PART), 0);
        loop {
            let piece = opened.bytes.next().await.transpose();
            let piece = piece.map_err(|error| self.bucket.trouble("read", from, error))?;
            let ended = piece.is_none();
            let mut piece = piece.unwrap_or_default();
            carried += piece.len() as u64;
            blocking(|| look(&piece));
            while !piece.is_empty() || (ended && !part.is_empty()) {
                part.extend_from_slice(&piece.split_to(piece.len().min(PART - part.len())));
                if part.len() == PART || ended {
                    let (number, bytes) = (etags.len() as u64, part.split().freeze());
                    etags.push(self.bucket.put_part(to, multipart, number, bytes).await?);
                }
            }
            if ended {
                return Ok((carried, etags));
            }
        }
    }
}
