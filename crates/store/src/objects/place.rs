//! [`Place`]: which bucket, where, and how it is spoken to.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use engine::ports::Trouble;
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use serde::{Deserialize, Serialize};

/// How often a request is asked again, and how long at most after it was first asked. This is the only place where anything is asked again below a
/// port: requests to object storage are idempotent, and its own servers answer "slow down" as a matter of course. What is not over by
/// then is trouble, and the caller's.
const RETRIES: usize = 4;
const RETRY_BUDGET: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long may pass without a byte, or until an answer begins.
const READ_PATIENCE: Duration = Duration::from_secs(60);

/// Where objects are kept. It holds no secret: the credentials come from the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The bucket, and what the names of all objects in it begin with.
    pub bucket: BucketUrl,
    /// The server, as `https://HOST` or `http://HOST:PORT`; that of Amazon for the region without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// The region that requests are signed for.
    pub region: String,
    /// Where the bucket stands in a request.
    pub style: Style,
}

/// `s3://BUCKET` or `s3://BUCKET/PREFIX`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketUrl {
    name: String,
    prefix: String,
}

/// The address of an S3-compatible server. `http` is what it says: everybody on the way can read what is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(String);

/// Where the bucket stands in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// In the path, as in `https://HOST/BUCKET/KEY`.
    #[default]
    Path,
    /// In the name of the host, as in `https://BUCKET.HOST/KEY`.
    Host,
}

/// Who asks. Never printed.
#[derive(Clone)]
pub struct Credentials {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
}

/// A text is no [`BucketUrl`] or [`Endpoint`], or there are no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// It names no bucket.
    #[error(
        "`{0}` names no bucket: write `s3://BUCKET` or `s3://BUCKET/PREFIX`, of letters, digits, `.`, `_`, `-` and `/`"
    )]
    Bucket(String),
    /// It is no address of a server.
    #[error("`{0}` is no address of a server: write `https://HOST`, or `http://HOST:PORT` where nobody can listen in")]
    Endpoint(String),
    /// The environment holds no credentials.
    #[error(
        "there are no credentials for object storage: set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (and `AWS_SESSION_TOKEN` with temporary ones)"
    )]
    Credentials,
}

impl Credentials {
    /// Those that `variable` gives for the names that every S3 client knows.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidPlace> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (access_key, secret_key) =
            given("AWS_ACCESS_KEY_ID").zip(given("AWS_SECRET_ACCESS_KEY")).ok_or(InvalidPlace::Credentials)?;
        Ok(Self { access_key, secret_key, session_token: given("AWS_SESSION_TOKEN") })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Place {
    /// A client for the place. Nothing is asked yet.
    pub(super) fn connect(&self, credentials: &Credentials) -> Result<Arc<AmazonS3>, Trouble> {
        // Fails only if a provider was chosen already. Without one the HTTP client (reqwest, whose features name none) would panic.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = self.endpoint.as_ref().is_some_and(Endpoint::is_plain);
        let options = ClientOptions::new()
            .with_allow_http(plain)
            .with_connect_timeout(CONNECT_PATIENCE)
            .with_read_timeout(READ_PATIENCE)
            // A large blob takes as long as it takes.
            .with_timeout_disabled();
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket.name)
            .with_region(&self.region)
            .with_virtual_hosted_style_request(self.style == Style::Host)
            .with_access_key_id(&credentials.access_key)
            .with_secret_access_key(&credentials.secret_key)
            .with_client_options(options)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_BUDGET })
            // Not every server has the request that deletes many.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = self.address() {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &credentials.session_token {
            builder = builder.with_token(token);
        }
        let client = builder.build().map_err(|error| Trouble::new(format!("prepare to speak to `{self}`"), error))?;
        Ok(Arc::new(client))
    }

    /// What requests are sent to.
    fn address(&self) -> Option<String> {
        let endpoint = self.endpoint.as_ref()?;
        match (self.style, endpoint.0.split_once("://")) {
            (Style::Host, Some((scheme, host))) => Some(format!("{scheme}://{}.{host}", self.bucket.name)),
            _ => Some(endpoint.0.clone()),
        }
    }

    /// The key of an object.
    pub(super) fn key(&self, name: &str) -> Path {
        match self.bucket.prefix.as_str() {
            "" => Path::from(name),
            prefix => Path::from(format!("{prefix}/{name}")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bucket)?;
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}

impl FromStr for BucketUrl {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let invalid = || InvalidPlace::Bucket(text.chars().take(200).collect());
        let rest = text.strip_prefix("s3://").ok_or_else(invalid)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let plain = |part: &str| {
            let known = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            known && !matches!(part, "" | "." | "..")
        };
        let valid = plain(name) && name.len() <= 63 && (prefix.is_empty() || prefix.split('/').all(plain));
        if !valid || prefix.len() > 500 {
            return Err(invalid());
        }
        Ok(Self { name: name.into(), prefix: prefix.into() })
    }
}

impl FromStr for Endpoint {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let trimmed = text.trim_end_matches('/');
        let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        // No path, and no user: a secret in an address would be printed with it.
        match host.filter(|host| !host.is_empty() && host.bytes().all(known)) {
            Some(_) => Ok(Self(trimmed.into())),
            None => Err(InvalidPlace::Endpoint(text.chars().filter(|c| *c != '@').take(200).collect())),
        }
    }
}

impl Endpoint {
    /// Whether what is sent there can be read on the way.
    pub fn is_plain(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.name)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BucketUrl {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

impl From<BucketUrl> for String {
    fn from(url: BucketUrl) -> Self {
        url.to_string()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}
