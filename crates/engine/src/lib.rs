//! One door in: [`Engine::submit`] takes a command, the single writer decides it and appends it, followers make use of it.
//!
//! This is the only place where the order of effects is decided. What is right and wrong stands in `domain`; how storage does its part
//! stands behind the [ports].

pub mod ports;
