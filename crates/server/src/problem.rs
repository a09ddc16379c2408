//! [`Problem`]: what a caller is told when a request fails (RFC 9457). The only place where a failure meets HTTP.
//!
//! A refusal is written for the caller and goes out whole; a breakage is written for the operator and is logged here, once.

use axum::response::{IntoResponse, Response};
use domain::Refusal;
use engine::Error;
use http::{HeaderValue, Method, StatusCode, header};

/// Why a request failed.
#[derive(Clone, Debug)]
pub struct Problem(Box<api::Problem>);

impl Problem {
    /// The codes of the problems that are no refusals. Each has a page, `docs/problems/CODE.md`.
    pub const CODES: [&str; 10] = [
        "broken",
        "busy",
        "malformed",
        "method-not-allowed",
        "not-found",
        "not-writable",
        "not-yet",
        "too-large",
        "unauthenticated",
        "unsupported-media-type",
    ];

    /// A problem that is no refusal.
    fn new(status: StatusCode, code: &str, detail: String, hint: &str) -> Self {
        debug_assert!(Self::CODES.contains(&code), "`{code}` has no page");
        Self::explained_at(format!("/docs/problems/{code}"), status, code, detail, hint)
    }

    fn explained_at(page: String, status: StatusCode, code: &str, detail: String, hint: &str) -> Self {
        Self(Box::new(api::Problem {
            kind: page,
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

    /// What is at this address is asked for otherwise.
    pub fn wrong_method(method: &Method) -> Self {
        let detail = format!("`{method}` is not for this address");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail, "the header `Allow` names what is")
    }

    /// The server takes `has` ledger entries into account, and `wanted` were asked for.
    pub fn not_yet(wanted: u64, has: u64) -> Self {
        let detail = format!("the answer was to take {wanted} ledger entries into account, and takes in {has} so far");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-yet", detail, "ask again in a moment")
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
    pub(crate) fn refused(mut self, code: &str) -> Self {
        self.0.kind = format!("/docs/refusals/{code}");
        self.0.code = code.to_owned();
        self
    }

    /// The same problem, as of this many ledger entries unless it says so already.
    pub(crate) fn at_size(mut self, size: u64) -> Self {
        self.0.as_of.get_or_insert(size);
        self
    }

    /// How many ledger entries it takes into account, if it says so.
    pub(crate) fn size(&self) -> Option<u64> {
        self.0.as_of
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("problems serialise to JSON")
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
        let page = format!("/docs/refusals/{}", refusal.code());
        let mut problem = Self::explained_at(page, status, refusal.code(), refusal.to_string(), &refusal.hint());
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
                let hint = "free the disk or mend it, then restart the server, or wait for the database; ask again under the same key";
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
        let body = self.to_json();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"selfsame\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        let pause = match self.0.code.as_str() {
            "busy" => Some("1"),
            // It was waited for already. What is not writable stays so until somebody mends it.
            "not-yet" => Some("10"),
            _ => None,
        };
        if let Some(seconds) = pause {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        // The layer around all routes adds what it knows.
        response.extensions_mut().insert(self);
        response
    }
}
