//! The tests of the house: what a reviewer would otherwise have to see.
//!
//! This crate is a reader of the source tree, [`Tree`]. What it is asked, and what is allowed, stands in `tests/it`: the directions between
//! crates, sizes of files, words that are not ours, links that lead nowhere. Each rule is a table; to change a rule is to change its table.

mod tree;

pub use tree::{File, Tree};
