//! [`Error`]: why another registry did not do what was asked of it.

use std::io;

use domain::Digest;
use engine::ports::Trouble;

/// Why another registry did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("{what} is not there")]
    Missing {
        /// What, with its place.
        what: String,
    },
    /// The registry wants to know who asks, and what it was told did not do.
    #[error("`{host}` lets nobody in with {how}")]
    Unauthorized {
        /// The registry.
        host: String,
        /// With which credentials it was asked.
        how: &'static str,
    },
    /// The registry said no.
    #[error("`{host}` refused {what}: {message}")]
    Refused {
        /// The registry.
        host: String,
        /// What was asked.
        what: String,
        /// What it says, with the status.
        message: String,
    },
    /// The bytes are not those of the digest.
    #[error("{what} arrived with the digest `{actual}`, not `{expected}`")]
    Corrupt {
        /// What, with its place.
        what: String,
        /// The digest that was asked for.
        expected: Digest,
        /// That of the bytes.
        actual: Digest,
    },
    /// The registry could not be reached, or broke off, also when it was asked again.
    #[error("could not speak to `{host}`: {problem}")]
    Unreachable {
        /// The registry.
        host: String,
        /// What happened the last time.
        problem: String,
    },
    /// What the registry says makes no sense, goes beyond a limit, or leads where nobody follows.
    #[error("`{host}` cannot be trusted in this: {problem}")]
    Senseless {
        /// The registry.
        host: String,
        /// What it said.
        problem: String,
    },
    /// The destination has something that would be lost.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else has begun the same, and is at it.
    #[error("{0}")]
    AtWork(String),
    /// What this server has could not be read.
    #[error("{0}")]
    Here(Trouble),
    /// Credentials could not be read.
    #[error("{0}")]
    Credentials(String),
    /// A file could not be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// Which.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// Several sources were asked, and none had it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; and "))]
    Each(Vec<Error>),
}

impl Error {
    pub(crate) fn file(path: &std::path::Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    /// Whether somebody said no, rather than that something broke.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Unauthorized { .. } | Self::Refused { .. } => true,
            Self::Conflict(_) | Self::AtWork(_) => true,
            Self::Each(several) => several.iter().all(Self::is_refusal),
            _ => false,
        }
    }

    /// Whether the thing is not there, as far as anybody knows.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Missing { .. } => true,
            Self::Each(several) => several.iter().all(Self::is_missing),
            _ => false,
        }
    }

    /// Whether it may be otherwise when asked again.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
