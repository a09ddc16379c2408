//! Adapters of the storage ports, and their conformance suite.
