//! [`Outcome`]: what a command comes to, and with which exit code. This is the one place that knows exit codes.

use std::{fmt, process::ExitCode};

use api::{ClientError, Problem};
use domain::Refusal;
use serde_json::{Value, json};

/// What a command comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The rules said no. Exit code 1.
    Refused(Box<Problem>),
    /// What was asked has an answer, told already, and the answer is no. Exit code 1.
    Negative(String),
    /// Something underneath broke. Exit code 2.
    Broken {
        /// What.
        text: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// What was typed is not understood. Exit code 64.
    Usage {
        /// What.
        text: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// The exit code of a command line that is not understood, as `sysexits.h` has it.
pub const USAGE: u8 = 64;

impl Failure {
    /// Something underneath broke.
    pub fn broken(text: impl Into<String>) -> Self {
        Self::Broken { text: text.into(), hint: None }
    }

    /// A file could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::broken(format!("`{}`: {error}", path.display()))
    }

    /// What was typed is not understood.
    pub fn usage(text: impl Into<String>, hint: &str) -> Self {
        Self::Usage { text: text.into(), hint: Some(hint.into()) }
    }

    /// The rules said no, with a code that the server did not send.
    pub fn refused(code: &str, text: impl Into<String>, hint: Option<String>) -> Self {
        Self::Refused(Box::new(Problem {
            kind: "about:blank".into(),
            title: "refused".into(),
            status: 403,
            code: code.into(),
            detail: text.into(),
            hint,
            field: None,
            decision: None,
            request_id: None,
            as_of: None,
        }))
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Negative(_) => 1,
            Self::Broken { .. } => 2,
            Self::Usage { .. } => USAGE,
        }
    }

    /// Tells it on standard error: in words with the hint last, or as one JSON object, if that was asked for.
    pub fn report(&self, json: bool) -> ExitCode {
        if json {
            eprintln!("{:#}", self.to_json());
        } else {
            eprintln!("{self}");
        }
        ExitCode::from(self.exit_code())
    }

    /// What programs read: `code`, `detail`, perhaps `hint`, and `exit_code`; of the server's own refusals all that it said.
    fn to_json(&self) -> Value {
        let with_hint = |code: &str, text: &str, hint: &Option<String>| {
            let mut object = json!({"code": code, "detail": text});
            if let Some(hint) = hint {
                object["hint"] = json!(hint);
            }
            object
        };
        let mut object = match self {
            Self::Refused(problem) => serde_json::to_value(problem).expect("problems serialise to JSON"),
            Self::Negative(text) => with_hint("negative", text, &None),
            Self::Broken { text, hint } => with_hint("broken", text, hint),
            Self::Usage { text, hint } => with_hint("usage", text, hint),
        };
        object["exit_code"] = json!(self.exit_code());
        object
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self {
            Self::Refused(problem) => {
                write!(f, "refused {}: {}", problem.code, problem.detail)?;
                if Refusal::CODES.contains(&problem.code.as_str()) {
                    write!(f, "\nsee docs/refusals/{}.md", problem.code)?;
                }
                &problem.hint
            }
            Self::Negative(text) => return f.write_str(text),
            Self::Broken { text, hint } => {
                write!(f, "broken: {text}")?;
                hint
            }
            Self::Usage { text, hint } => {
                write!(f, "error: {text}")?;
                hint
            }
        };
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(problem) => Self::Refused(problem),
            ClientError::Unauthorized => Self::refused(
                "unauthenticated",
                error.to_string(),
                Some("log in with `selfsame login URL`, or set SELFSAME_TOKEN or SELFSAME_TOKEN_FILE".into()),
            ),
            ClientError::Busy => {
                Self::Broken { text: error.to_string(), hint: Some("ask again; nothing was done".into()) }
            }
            ClientError::Broken(text) => Self::broken(text),
        }
    }
}
