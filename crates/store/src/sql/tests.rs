//! Tests of the database adapter.
