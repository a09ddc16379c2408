//! Worlds for tests: a whole system in one process, and the audit that follows every step of every end-to-end test.

mod audit;
mod clock;
mod world;

pub use audit::audit;
pub use clock::FakeClock;
pub use world::{Column, World};
