//! [`Fold`]: what the entries make true, and the rules that hold for every ledger.

use domain::{Entry, Event, State, Timestamp};

use super::{Blobs, Finding};

/// The fold of the entries so far.
#[derive(Default)]
pub struct Fold {
    /// What the entries made true.
    pub state: State,
    /// The blobs that they name.
    pub blobs: Blobs,
    time: Timestamp,
}

impl Fold {
    /// Takes the next entry. `origin` is the name that the ledger must open under.
    pub fn take(&mut self, index: u64, bytes: &[u8], origin: &str) -> Result<(), Finding> {
        let entry = Entry::decode(bytes)
            .map_err(|error| Finding::EntryUnreadable { entry: index, problem: error.to_string() })?;
        if entry.at < self.time {
            return Err(Finding::TimeBackwards { entry: index, at: entry.at, before: self.time });
        }
        let problem = match (&entry.event, index) {
            (Event::LedgerOpened { origin: own }, 0) if own != origin => {
                Some(format!("the ledger opened as `{own}`, and its checkpoint is of `{origin}`"))
            }
            (Event::LedgerOpened { .. }, 0) => None,
            (Event::LedgerOpened { .. }, _) => Some("a ledger opens once".into()),
            (_, 0) => Some("the first entry does not open the ledger".into()),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Finding::Opening { entry: index, problem });
        }
        self.time = entry.at;
        self.state.apply(&entry);
        self.blobs.take(index, &entry.event);
        Ok(())
    }
}
