//! [`ClientError`]: why a request has no answer.

use crate::Problem;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server said no: the rules refuse it (status 403, 404, 409), or the request itself is wrong (400, 413, 415, 422).
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The server, or the way to it, is broken. Asking again is safe.
    #[error("{0}")]
    Broken(String),
    /// The server does not know who asks.
    #[error("the server does not accept the token: it is missing, wrong, ended or revoked")]
    Unauthorized,
    /// The server has too much to do, also after some patience.
    #[error("the server is busy: asking again later is right")]
    Busy,
}
