//! Untrusted bytes about artifacts, and what they say: bills of materials, advisories and which of them touch which packages, what scanners found,
//! what others say of that, what became of tests, and signed statements.
//!
//! Everything here comes from outside, so all of it has limits, and nothing is guessed: what cannot be told is said to be unknown.

pub mod advisory;
pub mod package;
pub mod report;
pub mod sbom;
pub mod scan;
pub mod severity;
pub mod signed;
pub mod time;
pub mod version;
pub mod vex;
pub mod vulnerabilities;
mod xml;

/// Why bytes are not the document that they were given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They are no document of this kind.
    #[error("it is no {kind}: {problem}")]
    Malformed {
        /// What was expected.
        kind: &'static str,
        /// What was found instead.
        problem: String,
    },
    /// It goes beyond a limit.
    #[error("it has {found} {what}, and {limit} is the limit")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much that is.
        found: usize,
        /// How much may be.
        limit: usize,
    },
}

/// Refuses more than `limit` of something.
fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), Unreadable> {
    if found > limit { Err(Unreadable::TooLarge { what, found, limit }) } else { Ok(()) }
}
