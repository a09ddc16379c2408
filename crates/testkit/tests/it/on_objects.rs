//! The same tests once more, on object storage: what they do is the registry's, and must not depend on where bytes are kept. Who may pull what
//! (`pulls`, `pushes`) follows from the state alone, and is not asked again.

/// What the tests of this module's children run on.
const COLUMN: testkit::Column = testkit::Column::Objects;

#[path = "conformance/mod.rs"]
mod conformance;
