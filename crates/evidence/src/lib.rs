//! Untrusted bytes about artifacts, and what they say.

pub mod version;
