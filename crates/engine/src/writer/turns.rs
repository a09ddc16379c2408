//! Turns at writing: where several replicas are busy, they decide one after the other, and none of them in vain.

use std::time::{Duration, Instant};

use super::{Stopped, Writer};
use crate::{
    Error,
    elsewhere::{ENTRIES_MAX, Tail},
    ports::{CommitError, WriteTurn},
    shared::Shared,
};

/// How long after another has written turns are taken. A turn costs a round trip or two, and whoever is alone needs none.
const BUSY: Duration = Duration::from_secs(1);

impl Writer {
    /// Waits for a turn, if others are writing, and stands where it begins. Where there is none to be had, the batch is decided all the same: the
    /// commit fails if that was in vain.
    pub(super) async fn take_turn<'s>(
        &mut self,
        shared: &'s Shared,
    ) -> Result<Option<Box<dyn WriteTurn + 's>>, Stopped> {
        if self.others.is_none_or(|wrote| wrote.elapsed() > BUSY) {
            return Ok(None);
        }
        let mut turn = match shared.ports.ledger.turn_to_write(self.state.size(), ENTRIES_MAX as usize).await {
            Ok(Some(turn)) => turn,
            Ok(None) => return Ok(None),
            Err(trouble) => {
                tracing::debug!(%trouble, "A batch is decided without a turn");
                return Ok(None);
            }
        };
        let entries = turn.take_tail();
        if entries.is_empty() {
            return Ok(Some(turn));
        }
        self.others = Some(Instant::now());
        if entries.len() as u64 == ENTRIES_MAX {
            turn.end().await.map_err(|trouble| Stopped::Unreadable(trouble.into()))?;
            self.behind = true;
            return Err(Stopped::Commit(CommitError::Conflict));
        }
        let followed = async {
            let tail = Tail::of(shared, &self.head, &entries).await?;
            shared.follow(&tail).await?;
            tail.apply(&mut self.state)?;
            self.head = tail.head().clone();
            Ok(())
        };
        let followed: Result<(), Error> = followed.await;
        followed.map_err(Stopped::Unreadable)?;
        Ok(Some(turn))
    }
}
