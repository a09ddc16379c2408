//! [`Error`]: why a command left nothing in the ledger, or a question has no answer.

use domain::Refusal;

use crate::ports::Trouble;

/// Why a command left nothing in the ledger, or a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules said no. Asking again changes nothing until something else does.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Too many commands are waiting. Asking again later is right.
    #[error("{waiting} commands are already waiting")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// A commit failed: no command is taken until the server is restarted, or until the database answers again. Reads go on.
    #[error("nothing can be written: {reason}")]
    ReadOnly {
        /// What failed, for the operator.
        reason: String,
    },
    /// Something underneath us broke. The source says what; the caller need not know.
    #[error("could not {doing}: {source}")]
    Broken {
        /// What was being done.
        doing: String,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn broken(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Broken { doing: doing.into(), source: source.into() }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Broken { doing: trouble.doing, source: trouble.source }
    }
}
