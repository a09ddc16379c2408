//! The audit: whether a ledger, and everything that is shown of it, follows from its entries and its signed checkpoint.
//!
//! Nothing here trusts the server: it reads the published files (C2SP tlog-tiles), and believes only the ledger's public key.

mod blobs;
mod classify;
mod database;
mod finding;
mod fold;
mod mirror;
mod proof;
mod replay;
mod report;
mod shelf;
mod shown;
mod since;
mod source;
mod walk;

#[cfg(test)]
mod tests;

pub use blobs::{Blobs, Looked};
pub use database::Database;
pub use finding::Finding;
pub use mirror::Mirror;
pub use proof::{prove, read_entry};
pub use replay::{Comparison, Replayed, replay};
pub use report::{BLOBS, Conclusion, NotChecked, Report, STATE};
pub use shelf::Shelf;
pub use shown::Shown;
pub use since::Earlier;
pub use source::Source;
pub use walk::{Stops, Walked, walk};
