//! [`Column`]: what a whole system under test is made of.

use std::path::Path;

use super::ObjectServer;
use crate::objects;

/// What a whole system is made of: the same tests pass on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// One data directory.
    Embedded,
    /// What several machines can share.
    ScaleOut,
}

impl Column {
    /// Has a new data directory use what the column is made of.
    ///
    /// # Panics
    /// When it cannot be had: no test can go on then.
    pub fn prepare(self, data: &Path) {
        match self {
            Self::Embedded => {}
            Self::ScaleOut => {
                objects::choose(data, &ObjectServer::shared().new_place()).expect("a new data directory");
            }
        }
    }

    /// What a program needs in its environment to use it.
    pub fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Embedded => Vec::new(),
            Self::ScaleOut => ObjectServer::environment().into(),
        }
    }
}
