//! [`Problem`]: what a caller is told when a request fails (RFC 9457). The only place where a failure meets HTTP.
//!
//! A refusal is written for the caller and goes out whole; a breakage is written for the operator and is logged here, once.

use axum::response::{IntoResponse, Response};
use domain::Refusal;
use engine::Error;
use http::{HeaderValue, StatusCode, header};

/// Why a request failed.
#[derive(Clone, Debug)]
pub struct Problem(Box<api::Problem>);

impl Problem {
    fn new(status: StatusCode, code: &str, detail: String, hint: &str) -> Self {
        Self(Box::new(api::Problem {
            kind: format!("/docs/refusals/{code}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            field: None,
            decision: None,
            request_id: None,
            as_of: None,
        }))
    }

    /// The request cannot be understood.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail.into(), "")
    }

    /// There is nothing at this address.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail.into(), "")
    }

    /// The request is larger than it may be.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail.into(), "")
    }

    /// The body is of a kind that is not read here.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail.into(), "")
    }

    /// Nobody is known to ask.
    pub fn unauthenticated() -> Self {
        let hint = "send `Authorization: Bearer TOKEN`, or log in with `selfsame login`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "no valid token came with the request".into(), hint)
    }

    /// The same problem under the code of a refusal.
    pub(crate) fn with_code(mut self, code: &str) -> Self {
        self.0.kind = format!("/docs/refusals/{code}");
        self.0.code = code.to_owned();
        self
    }

    /// Something broke on our side.
    pub fn broken() -> Self {
        let detail = "something broke on our side; it is safe to ask again".into();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", detail, "the server's log says more")
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code() {
            "permission-missing" | "grant-exceeds" | "approver-not-person" | "stage-tag" | "not-promoted" => {
                StatusCode::FORBIDDEN
            }
            "project-unknown" | "stage-unknown" | "component-unknown" | "release-unknown" | "token-unknown" => {
                StatusCode::NOT_FOUND
            }
            _ => StatusCode::CONFLICT,
        };
        let mut problem = Self::new(status, refusal.code(), refusal.to_string(), &refusal.hint());
        if let Refusal::GateUnmet { decision } = refusal {
            problem.0.as_of = Some(decision.as_of);
            problem.0.decision = Some(Box::new((*decision).into()));
        }
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => (*refusal).into(),
            Error::Busy { .. } => {
                let hint = "ask again in a moment, with the same idempotency key";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string(), hint)
            }
            Error::ReadOnly { .. } => {
                let hint = "free the disk or mend it, then restart the server; reads go on meanwhile";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-writable", error.to_string(), hint)
            }
            Error::Broken { doing, source } => {
                tracing::error!(%source, "Could not {doing}");
                Self::broken()
            }
        }
    }
}

impl From<engine::ports::Trouble> for Problem {
    fn from(trouble: engine::ports::Trouble) -> Self {
        Error::from(trouble).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"selfsame\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
