//! The same tests once more, on object storage.

use super::{http, server};

/// What the tests of this module's children run on.
const COLUMN: server::Column = server::Column::Objects;

#[path = "clients.rs"]
mod clients;
#[path = "uploads.rs"]
mod uploads;
