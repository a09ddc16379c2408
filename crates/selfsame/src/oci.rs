//! The registry as a client sees it (OCI Distribution 1.1): manifests and blobs of one repository, each checked against its digest.

mod check;
mod download;
mod layout;
mod manifest;
mod reference;
mod upload;

use std::time::Duration;

use bytes::Bytes;
use domain::{Algorithm, Digest, RepositoryName};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;

use crate::{
    context::Context,
    outcome::{Failure, Outcome},
};

pub use layout::{Layout, LayoutWriter};
pub use manifest::{Descriptor, EMPTY_CONFIG, EMPTY_TYPE, INDEX_TYPE, MANIFEST_TYPE, MODE, Manifest, TITLE};
pub use reference::{ArtifactName, Reference};
pub use upload::Source;

/// How many bytes a manifest has at most.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// How long to pause before each repetition of what broke off.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2), Duration::from_secs(5)];

/// What manifests may be, as a client asks for them.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                        application/vnd.docker.distribution.manifest.v2+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json";

/// One repository of the registry.
pub struct Registry {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    repository: RepositoryName,
}

/// A manifest's bytes, checked against its digest.
pub struct Fetched {
    /// The digest of the bytes.
    pub digest: Digest,
    /// What they are.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: serde_json::Value,
}

impl Registry {
    /// The repository on the server that `context` names.
    pub fn new(context: &Context, repository: RepositoryName) -> Outcome<Self> {
        let (server, token) = context.server_and_token()?;
        let not_understood = || {
            Failure::usage(
                format!("`{server}` is no address of a server"),
                "write `https://HOST` or `http://HOST:PORT`",
            )
        };
        let base: Url = server.parse().map_err(|_| not_understood())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(not_understood());
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::broken(format!("could not prepare to speak to `{server}`: {error}")))?;
        Ok(Self { http, base, token, repository })
    }

    /// The name of the repository.
    pub fn name(&self) -> &RepositoryName {
        &self.repository
    }

    /// The digest that a tag or a digest stands for now.
    pub async fn digest_of(&self, reference: &Reference) -> Outcome<Digest> {
        let response = self.send(|| self.manifest(Method::HEAD, reference)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            // The answer to HEAD has no body; that to GET says why.
            return self.fetch(reference).await.map(|fetched| fetched.digest);
        }
        let response = refuse(response).await?;
        let digest =
            response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok()?.parse().ok());
        match digest {
            Some(digest) => Ok(digest),
            None => Ok(self.fetch(reference).await?.digest),
        }
    }

    /// A manifest.
    pub async fn fetch(&self, reference: &Reference) -> Outcome<Fetched> {
        let response = refuse(self.send(|| self.manifest(Method::GET, reference)).await?).await?;
        let media_type = header_text(&response, header::CONTENT_TYPE).unwrap_or(MANIFEST_TYPE).to_owned();
        let claimed: Option<Digest> =
            response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = limited(response, MANIFEST_BYTES_MAX).await?;
        let expected = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(_) => claimed,
        };
        let algorithm = expected.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = Digest::of(algorithm, &bytes);
        match expected {
            Some(expected) if expected != digest => Err(Failure::broken(format!(
                "the manifest `{expected}` arrived with the digest `{digest}`: it is refused"
            ))),
            _ => Ok(Fetched { digest, media_type, bytes }),
        }
    }

    /// Puts a manifest; what it names is there already.
    pub async fn put_manifest(&self, reference: &Reference, media_type: &str, bytes: &Bytes) -> Outcome {
        let ask = || self.manifest(Method::PUT, reference).header(header::CONTENT_TYPE, media_type).body(bytes.clone());
        refuse(self.send(ask).await?).await?;
        Ok(())
    }

    fn manifest(&self, method: Method, reference: &Reference) -> RequestBuilder {
        self.ask(method, &["manifests", &reference.to_string()]).header(header::ACCEPT, ACCEPTED)
    }

    /// A request about something in the repository.
    fn ask(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v2").extend(self.repository.as_str().split('/')).extend(path);
        }
        self.authorized(self.http.request(method, url))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.basic_auth("selfsame", Some(token)),
            None => request,
        }
    }

    /// Sends a request that may be repeated, until it is answered with something other than "later".
    async fn send(&self, ask: impl Fn() -> RequestBuilder) -> Outcome<Response> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let outcome = ask().send().await;
            let later = outcome.as_ref().map_or(true, |response| is_later(response.status()));
            match (later, pauses.next()) {
                (true, Some(pause)) => tokio::time::sleep(pause).await,
                _ => return outcome.map_err(|error| self.broken(&error)),
            }
        }
    }

    fn broken(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Failure::broken(format!("could not speak to `{}`: {cause}", self.base))
    }
}

fn is_later(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn header_text(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Hands on an answer that is good, and makes a failure of any other.
async fn refuse(response: Response) -> Outcome<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = response.url().path().to_owned();
    let body = limited(response, 64 << 10).await.unwrap_or_default();
    let first = serde_json::from_slice::<Errors>(&body).ok().and_then(|errors| errors.errors.into_iter().next());
    let code = first.as_ref().and_then(|error| error.detail["code"].as_str().map(ToOwned::to_owned));
    let message = first.as_ref().map(|error| error.message.clone()).filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| format!("the registry answered `{status}` to `{url}`"));
    if status == StatusCode::UNAUTHORIZED {
        return Err(api::ClientError::Unauthorized.into());
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::broken(message));
    }
    let code = code
        .or_else(|| first.map(|error| error.code.to_lowercase().replace('_', "-")))
        .unwrap_or_else(|| "refused".into());
    // The registry's message holds the hint already.
    Err(Failure::refused(&code, message, None))
}

/// The body of an answer, if it is not longer than allowed.
async fn limited(mut response: Response, max: usize) -> Outcome<Bytes> {
    let mut bytes = Vec::new();
    loop {
        let piece =
            response.chunk().await.map_err(|error| Failure::broken(format!("the answer broke off: {error}")))?;
        let Some(piece) = piece else { return Ok(bytes.into()) };
        if bytes.len() + piece.len() > max {
            return Err(Failure::broken(format!("the answer has more than {max} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
}
