//! [`Client`]: speaks HTTP `/v1`.

mod commands;
mod error;
mod ledger;
mod reads;
mod retention;
mod transport;

use std::{fmt, time::Duration};

pub use error::ClientError;
use reqwest::Url;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take as a whole: the server lets one wait for 30 s at most.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one server.
///
/// * Each command is given an idempotency key by the caller, so asking again is safe: a request that met a broken connection or a busy server
///   is repeated a few times with pauses between, under the same key.
/// * A caller who has written something and now reads, reads through [`Client::waiting_for`] the `as_of` of the receipt.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    wait_for: Option<u64>,
}

impl Client {
    /// A client of the server at `base`, for example `https://selfsame.example`, that authenticates with `token`.
    pub fn new(base: &str, token: Option<String>) -> Result<Self, ClientError> {
        // Fails only if the program has chosen a provider already, and then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let not_understood = || {
            ClientError::Broken(format!(
                "`{base}` is no address of a server: write `https://HOST` or `http://HOST:PORT`"
            ))
        };
        let url: Url = base.parse().map_err(|_| not_understood())?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(not_understood());
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ClientError::Broken(format!("could not prepare to speak to `{base}`: {error}")))?;
        Ok(Self { http, base: url, token, wait_for: None })
    }

    /// The same client, whose reads wait until the server takes `size` ledger entries into account: the `as_of` of an earlier answer.
    pub fn waiting_for(&self, size: u64) -> Self {
        Self { wait_for: Some(size), ..self.clone() }
    }

    /// The address of the server.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}
