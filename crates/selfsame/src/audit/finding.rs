//! [`Finding`]: one thing that does not follow from the ledger.

use std::fmt;

use domain::{Digest, Timestamp};
use serde::Serialize;

/// One thing that is not as the signed checkpoint, or the entries, say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The checkpoint is not believed.
    Checkpoint {
        /// Why.
        problem: String,
    },
    /// A published file is missing.
    FileMissing {
        /// Its path within the ledger.
        file: String,
    },
    /// A published file does not have its form.
    FileMalformed {
        /// Its path within the ledger.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A hash tile does not follow from the entries.
    TileChanged {
        /// Its path within the ledger.
        file: String,
        /// The first entry that the first wrong hash stands for.
        entry: u64,
    },
    /// The bytes of an entry are not those that were logged.
    EntryChanged {
        /// Its index.
        entry: u64,
    },
    /// Entries that were logged are not there.
    EntryDropped {
        /// The index of the first.
        entry: u64,
        /// How many.
        count: u64,
    },
    /// Entries cannot be read, because their file is missing.
    EntriesMissing {
        /// The path of the file within the ledger.
        file: String,
        /// The index of the first.
        entry: u64,
        /// How many.
        count: u64,
    },
    /// Among these entries are others than were logged: their hashes were changed with them, but not the hash above them.
    EntriesChanged {
        /// The index of the first.
        entry: u64,
        /// How many there are: at least one of them was changed.
        count: u64,
    },
    /// An entry stands where another was logged.
    EntryReordered {
        /// Where it stands.
        entry: u64,
        /// Where it was logged.
        logged_as: u64,
    },
    /// An entry is not in its one canonical form.
    EntryUnreadable {
        /// Its index.
        entry: u64,
        /// What is wrong.
        problem: String,
    },
    /// An entry is earlier than the one before it.
    TimeBackwards {
        /// Its index.
        entry: u64,
        /// Its time.
        at: Timestamp,
        /// The time of the entry before.
        before: Timestamp,
    },
    /// The ledger does not open once, with its first entry, under its own name.
    Opening {
        /// The index of the entry that is wrong.
        entry: u64,
        /// What is wrong.
        problem: String,
    },
    /// The entries do not lead to the root that was signed.
    Root {
        /// How many entries.
        size: u64,
    },
    /// The ledger is shorter than it was.
    Truncated {
        /// How many entries it has.
        size: u64,
        /// How many it had.
        had: u64,
    },
    /// An entry is another than it was.
    Rewritten {
        /// Its index.
        entry: u64,
    },
    /// The ledger does not begin with what was signed earlier.
    HistoryRewritten {
        /// How many entries the earlier checkpoint covers: one of those is another.
        before: u64,
    },
    /// A row of the state is not what the entries make it.
    Row {
        /// Its key.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The database is not what was published.
    Database {
        /// What is wrong.
        problem: String,
    },
    /// An entry in the database is not the one that was published.
    StoredEntry {
        /// Its index.
        entry: u64,
        /// What is wrong.
        problem: String,
    },
    /// A blob that an entry names is missing or damaged.
    Blob {
        /// Its digest.
        digest: Digest,
        /// The entry that names it.
        entry: u64,
        /// What is wrong.
        problem: String,
    },
    /// Something that a manifest is made of is missing or damaged.
    Part {
        /// Its digest.
        digest: Digest,
        /// What it is: a configuration, a layer or a child.
        kind: &'static str,
        /// The manifest.
        manifest: Digest,
        /// The entry that names the manifest.
        entry: u64,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { problem } => write!(f, "the checkpoint is not believed: {problem}"),
            Self::FileMissing { file } => write!(f, "`{file}` is missing"),
            Self::FileMalformed { file, problem } => write!(f, "`{file}` is damaged: {problem}"),
            Self::TileChanged { file, entry } => {
                write!(f, "`{file}` was changed: its hash for entry {entry} does not follow from the entries")
            }
            Self::EntryChanged { entry } => {
                write!(f, "entry {entry} was changed: its bytes are not those that were logged")
            }
            Self::EntryDropped { entry, count: 1 } => write!(f, "entry {entry} was dropped"),
            Self::EntryDropped { entry, count } => write!(f, "entry {entry} and {} after it were dropped", count - 1),
            Self::EntriesMissing { file, entry, count } => {
                write!(f, "`{file}` is missing, and with it the entries {entry} to {}", entry + count - 1)
            }
            Self::EntriesChanged { entry, count } => write!(
                f,
                "the entries {entry} to {} are not those that were logged: at least one of them was changed",
                entry + count - 1
            ),
            Self::EntryReordered { entry, logged_as } => {
                write!(f, "entry {entry} was reordered: it was logged as entry {logged_as}")
            }
            Self::EntryUnreadable { entry, problem } => write!(f, "entry {entry} is not readable: {problem}"),
            Self::TimeBackwards { entry, at, before } => {
                write!(f, "entry {entry} is of {at}, and the one before it of {before}")
            }
            Self::Opening { entry, problem } => write!(f, "entry {entry}: {problem}"),
            Self::Root { size } => write!(f, "the {size} entries do not lead to the root that was signed"),
            Self::Truncated { size, had } => write!(
                f,
                "the ledger was truncated: it has {size} entries and had {had}; entry {size} and all after it are gone"
            ),
            Self::Rewritten { entry } => write!(f, "entry {entry} is another than it was"),
            Self::HistoryRewritten { before } => {
                write!(f, "history was rewritten: the first {before} entries are not those that were signed earlier")
            }
            Self::Row { key, problem } => write!(f, "the row `{key}` of the state {problem}"),
            Self::Database { problem } => write!(f, "the database: {problem}"),
            Self::StoredEntry { entry, problem } => write!(f, "entry {entry} in the database {problem}"),
            Self::Part { digest, kind, manifest, entry, problem } => {
                write!(f, "the {kind} `{digest}` of the manifest `{manifest}`, which entry {entry} names, {problem}")
            }
            Self::Blob { digest, entry, problem } => {
                write!(f, "the blob `{digest}`, which entry {entry} names, {problem}")
            }
        }
    }
}
