//! [`Failure`]: an error in the form that OCI clients read.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::Refusal;
use engine::{
    Error,
    ports::{Trouble, UploadError},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Value,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: Value::Null, headers: Vec::new() }
    }

    pub fn malformed(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub fn unknown(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "this method is not for this address")
    }

    pub fn unauthorized(challenge: &str) -> Self {
        let message = "log in with any user name and an access token as password";
        let failure = Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
        failure.with(header::WWW_AUTHENTICATE, challenge)
    }

    /// Whether somebody with a token might be answered otherwise.
    pub fn is_for_others(&self) -> bool {
        matches!(self.detail["code"].as_str(), Some("permission-missing" | "not-promoted"))
    }

    /// The same failure with a header. A value that cannot be one is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let message = format!("{refusal}; {}", refusal.hint());
        if matches!(refusal, Refusal::PartMissing { .. }) {
            return Self::unknown("MANIFEST_BLOB_UNKNOWN", message);
        }
        let status = match refusal {
            // As for a blob that a manifest names.
            Refusal::IndexNames { .. } => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::FORBIDDEN,
        };
        Self { detail: json!({"code": refusal.code()}), ..Self::new(status, "DENIED", message) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => (*refusal).into(),
            Error::Busy { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", error.to_string())
                .with(header::RETRY_AFTER, "1"),
            Error::ReadOnly { .. } => {
                let message = format!("{error}; pulls go on, and pushes once the server's operator has mended it");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message).with(header::RETRY_AFTER, "60")
            }
            Error::Broken { doing, source } => {
                tracing::error!(%source, "Could not {doing}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "UNKNOWN",
                    "something broke on our side; it is safe to ask again",
                )
            }
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Error::from(trouble).into()
    }
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        let message = error.to_string();
        match error {
            UploadError::Unknown(_) => Self::unknown("BLOB_UPLOAD_UNKNOWN", message),
            UploadError::OutOfOrder { stands_at, .. } => {
                let range = format!("0-{}", stands_at.saturating_sub(1));
                Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", message).with(header::RANGE, &range)
            }
            UploadError::DigestMismatch { .. } => Self::malformed("DIGEST_INVALID", message),
            UploadError::Interrupted(_) => Self::malformed("BLOB_UPLOAD_INVALID", message),
            UploadError::Trouble(trouble) => trouble.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"code": self.code, "message": self.message, "detail": self.detail}]});
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Failure, header};
    use axum::response::IntoResponse;

    #[tokio::test]
    async fn whoever_is_to_come_back_is_told_when() {
        for (error, status, code, after) in [
            (Error::Busy { waiting: 9 }, 429, "TOOMANYREQUESTS", Some("1")),
            (Error::ReadOnly { reason: "the disk".into() }, 503, "UNAVAILABLE", Some("60")),
            (Error::Broken { doing: "read".into(), source: "a bit".into() }, 500, "UNKNOWN", None),
        ] {
            let response = Failure::from(error).into_response();
            let told = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            assert_eq!((response.status().as_u16(), told), (status, after), "{code}");
            let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["errors"][0]["code"], code);
        }
    }
}
