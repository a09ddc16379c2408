//! The conformance suites: what every adapter of a port must do, whatever it is made of.
//!
//! Each function takes an *empty* adapter and panics with what is wrong. They check what the ports promise and nothing else: how an adapter
//! deals with damage and restarts is tested beside it.

mod blobs;
mod catalog;
mod keep;
mod ledger;
mod samples;
mod tiers;
mod tiles;
mod uploads;
mod views;

pub use blobs::blobs;
pub use catalog::catalog;
pub use ledger::ledger;
pub use samples::{batch, bytes, pieces};
pub use tiers::tiers;
pub use tiles::tiles;
pub use views::views;
