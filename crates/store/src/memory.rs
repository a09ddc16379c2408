//! [`Memory`]: every storage port in memory, for tests. Nothing survives it.
//!
//! It is as simple as the ports' words allow, so that a test that passes here and fails on a disk has found something.

mod blobs;
mod catalog;
mod ledger;
#[cfg(test)]
mod tests;
mod tiers;
mod tiles;
mod views;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Storage in memory.
#[derive(Debug, Default)]
pub struct Memory {
    ledger: Mutex<ledger::Kept>,
    views: Mutex<views::Kept>,
    blobs: Mutex<blobs::Kept>,
    tiles: Mutex<tiles::Kept>,
}

impl Memory {
    /// Empty storage.
    pub fn new() -> Self {
        Self::default()
    }
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
