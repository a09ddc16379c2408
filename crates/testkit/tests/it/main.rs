//! The whole system over HTTP, in one process, audited after every step.

#![expect(clippy::duplicate_mod, reason = "the same tests run on each column")]

mod anonymous;
mod answers;
mod attached;
mod claims;
mod conformance;
mod deletions;
mod deliveries;
mod engine;
mod hostile;
mod on_objects;
mod published;
mod pulls;
mod pushes;
mod receipts;
mod replicas;
mod retention;
mod rights;
mod silence;
mod story;
mod unsure;

/// What the tests of this module's children run on.
const COLUMN: testkit::Column = testkit::Column::Embedded;
