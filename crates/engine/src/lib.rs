//! One door in: [`Engine::submit`] takes a command, the single writer decides it and appends it, followers make use of it.
//!
//! This is the only place where the order of effects is decided. What is right and wrong stands in `domain`; how storage does its part
//! stands behind the [ports].
//!
//! # Invariants
//!
//! * Nothing changes the ledger but the writer, and the writer changes nothing but through `Ledger::commit`.
//! * An answer is given only after the commit is durable.
//! * Readers see whole commits, in order.

mod as_of;
pub mod attached;
mod backup;
mod clock;
mod deliverer;
mod elsewhere;
mod engine;
mod error;
mod followers;
pub mod manifest;
pub mod ports;
mod published;
mod pulls;
mod rebuild;
pub mod receipts;
mod retention;
mod shared;
pub mod signed;
mod turn;
mod writer;

pub use backup::{Copied, Files, Progress, RestoredLedger, backup, restore};
pub use clock::{Clock, SystemClock};
pub use deliverer::{Attempt, Attempts, Deliverer, Slot};
pub use engine::{Engine, Opening, Options, Ports, Receipt};
pub use error::Error;
pub use rebuild::{Rebuilt, rebuild};
pub use retention::{Collector, Recalled, Restored, Step};
pub use turn::Turn;
