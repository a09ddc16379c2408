//! Tests of the directory adapter.
