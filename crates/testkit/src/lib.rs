//! Worlds for tests: a whole system in one process.
