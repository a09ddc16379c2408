//! The rules of the house, each a table and a test.

mod crates;
mod documents;
mod sources;
mod words;
