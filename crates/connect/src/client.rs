//! [`Client`]: requests to registries, each within limits, asked again where that is safe, and credentials never sent elsewhere.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Body, Method, RequestBuilder, Response, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    Credentials, Error, Host, Place,
    address::{Outside, is_outside},
    auth::{Doorkeeper, may_lead},
    pace::Pace,
};

/// How many times one answer may send us elsewhere.
const REDIRECTS_MAX: usize = 5;
/// How many bytes of a refusal are read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// What is not gone beyond.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many requests one registry gets at once.
    pub at_once: usize,
    /// How many times it is asked before it is given up.
    pub attempts: u32,
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long it may say nothing.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { at_once: 6, attempts: 6, connect: Duration::from_secs(10), silence: Duration::from_secs(60) }
    }
}

/// Speaks to registries. Clones share connections, tokens and limits.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    near: reqwest::Client,
    far: reqwest::Client,
    credentials: Credentials,
    limits: Limits,
    hosts: Mutex<BTreeMap<Host, Registry>>,
}

/// What is known of one registry.
#[derive(Clone)]
struct Registry {
    pace: Arc<Pace>,
    door: Arc<Doorkeeper>,
}

/// One request that may be repeated.
pub(crate) struct Ask<'a> {
    pub method: Method,
    pub url: Url,
    pub scope: &'a str,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    pub attempts: u32,
}

/// An answer, with the turn that it takes while its body is read.
pub(crate) struct Answer {
    pub response: Response,
    pub _turn: OwnedSemaphorePermit,
}

impl Client {
    /// A client for whom `credentials` say we are.
    pub fn new(credentials: Credentials, limits: Limits) -> Result<Self, Error> {
        // Fails only if a provider was chosen already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(limits.connect)
                .read_timeout(limits.silence)
                .redirect(reqwest::redirect::Policy::none())
        };
        let broken =
            |error: reqwest::Error| Error::Unreachable { host: "any registry".into(), problem: deepest(&error) };
        let near = builder().build().map_err(broken)?;
        let far = builder().dns_resolver(Outside::resolver()).no_proxy().build().map_err(broken)?;
        Ok(Self(Arc::new(Inner { near, far, credentials, limits, hosts: Mutex::default() })))
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The pace at which `host` is asked.
    pub(crate) fn pace(&self, host: &Host) -> Arc<Pace> {
        self.registry(host).pace
    }

    fn registry(&self, host: &Host) -> Registry {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Registry { pace: Arc::new(Pace::new(self.0.limits.at_once)), door: Arc::default() };
        hosts.entry(host.clone()).or_insert_with(new).clone()
    }

    /// What reaches `url`, to which `host` has led us: a registry that everybody can reach leads nowhere that only we can reach.
    pub(crate) async fn to(&self, host: &Host, url: &Url) -> Result<reqwest::Client, Error> {
        let own = host.base();
        if url.host_str() == own.host_str() || is_inside(&own).await {
            return Ok(self.0.near.clone());
        }
        may_lead(host, &own, url)?;
        Ok(self.0.far.clone())
    }

    /// Asks, and asks again until there is an answer other than "later".
    pub(crate) async fn ask(&self, place: &Place, ask: &Ask<'_>) -> Result<Answer, Error> {
        let pace = self.pace(&place.host);
        let mut attempt = 0;
        loop {
            let outcome = self.once(place, ask, |request| match &ask.body {
                Some(bytes) => request.body(bytes.clone()),
                None => request,
            });
            let outcome = outcome.await;
            let retry_after = match &outcome {
                Ok(answer) if is_later(answer.response.status()) => retry_after(&answer.response),
                Err(error) if error.passes() => None,
                Ok(_) => {
                    pace.succeeded();
                    return outcome;
                }
                Err(_) => return outcome,
            };
            attempt += 1;
            let pause = pace.pause(attempt, retry_after).filter(|_| attempt < ask.attempts);
            let Some(pause) = pause else {
                let answer = outcome?;
                let problem = format!("it still answers `{}`", answer.response.status());
                return Err(Error::Unreachable { host: place.host.name().into(), problem });
            };
            drop(outcome);
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks once with a body that cannot be sent again. Who we are was settled by what was asked before.
    pub(crate) async fn send(&self, place: &Place, ask: &Ask<'_>, body: Body) -> Result<Answer, Error> {
        self.pace(&place.host).wait().await;
        let turn = self.turn(place, &ask.method).await;
        let door = self.registry(&place.host).door;
        let request = self.request(place, ask, &ask.url, &self.0.near, door.header(ask.scope, place).await);
        let response = request.body(body).send().await.map_err(|error| unreachable(place, &error))?;
        Ok(Answer { response, _turn: turn })
    }

    async fn once(
        &self,
        place: &Place,
        ask: &Ask<'_>,
        with_body: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Error> {
        let Registry { pace, door } = self.registry(&place.host);
        pace.wait().await;
        let turn = self.turn(place, &ask.method).await;
        let mut header = door.header(ask.scope, place).await;
        let (mut url, mut http, mut redirects, mut knocks) = (ask.url.clone(), self.0.near.clone(), 0, 0);
        loop {
            let at_home = url.origin() == ask.url.origin();
            let authorization = header.clone().filter(|_| at_home);
            let request = with_body(self.request(place, ask, &url, &http, authorization));
            let response = request.send().await.map_err(|error| unreachable(place, &error))?;
            if response.status() == StatusCode::UNAUTHORIZED && at_home && knocks < 2 {
                knocks += 1;
                header = Some(door.answer(self, place, ask.scope, &response, header.as_deref()).await?);
                continue;
            }
            let is_read = matches!(ask.method, Method::GET | Method::HEAD);
            if !(response.status().is_redirection() && is_read && response.headers().contains_key(header::LOCATION)) {
                return Ok(Answer { response, _turn: turn });
            }
            redirects += 1;
            let senseless =
                |problem: &str| Error::Senseless { host: place.host.name().into(), problem: problem.into() };
            if redirects > REDIRECTS_MAX {
                return Err(senseless("it leads from one place to the next and never to an answer"));
            }
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            let next = next.ok_or_else(|| senseless("it leads to no address"))?;
            may_lead(&place.host, &url, &next)?;
            http = self.to(&place.host, &next).await?;
            url = next;
        }
    }

    /// Reading and writing wait for turns of their own: a copy inside one registry does both, and neither keeps the other from going on.
    async fn turn(&self, place: &Place, method: &Method) -> OwnedSemaphorePermit {
        let pace = self.pace(&place.host);
        let turns = if matches!(*method, Method::GET | Method::HEAD) { &pace.reading } else { &pace.writing };
        turns.clone().acquire_owned().await.expect("turns are never closed")
    }

    fn request(
        &self,
        place: &Place,
        ask: &Ask<'_>,
        url: &Url,
        http: &reqwest::Client,
        authorization: Option<String>,
    ) -> RequestBuilder {
        let request = http.request(ask.method.clone(), url.clone()).headers(ask.headers.clone());
        // A token that is no header was refused where it came from.
        let value = authorization.and_then(|text| HeaderValue::from_str(&text).ok());
        match value.filter(|_| url.origin() == place.host.base().origin()) {
            Some(mut value) => {
                value.set_sensitive(true);
                request.header(header::AUTHORIZATION, value)
            }
            None => request,
        }
    }
}

/// Whether a registry is one that only we can reach, as far as its name says; then it may lead to others of that kind.
async fn is_inside(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return !is_outside(address);
    }
    let found = tokio::net::lookup_host((host, 0)).await;
    found.is_ok_and(|mut addresses| addresses.any(|address| !is_outside(address.ip())))
}

/// Whether an answer means "ask again".
pub(crate) fn is_later(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// How long the registry asks us to wait. (It may name a date instead; then our own pauses have to do.)
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn unreachable(place: &Place, error: &reqwest::Error) -> Error {
    Error::Unreachable { host: place.host.name().into(), problem: deepest(error) }
}

/// What is at the bottom of it.
pub(crate) fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The body of an answer, if it is not longer than allowed.
pub(crate) async fn limited(mut response: Response, host: &Host, max: usize) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    loop {
        let piece = response.chunk().await;
        let unreachable = |error| Error::Unreachable { host: host.name().into(), problem: deepest(&error) };
        let Some(piece) = piece.map_err(unreachable)? else { return Ok(bytes.into()) };
        if bytes.len() + piece.len() > max {
            let problem = format!("an answer has more than {max} bytes");
            return Err(Error::Senseless { host: host.name().into(), problem });
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Hands on an answer that is good, and makes an error of any other.
pub(crate) async fn expect(place: &Place, what: &str, answer: Answer) -> Result<Answer, Error> {
    let status = answer.response.status();
    if status.is_success() {
        return Ok(answer);
    }
    let host = place.host.name().to_owned();
    if status == StatusCode::NOT_FOUND {
        return Err(Error::Missing { what: format!("{what} of `{place}`") });
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(Error::Unauthorized { host, how: "the credentials that it was shown" });
    }
    let body = limited(answer.response, &place.host, REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let first = &body["errors"][0];
    let said = first["message"].as_str().filter(|text| !text.is_empty()).or(first["code"].as_str());
    let said: String = said.unwrap_or_default().chars().filter(|c| !c.is_control()).take(500).collect();
    let message = if said.is_empty() { status.to_string() } else { format!("{said} ({})", status.as_u16()) };
    Err(match is_later(status) {
        true => Error::Unreachable { host, problem: message },
        false => Error::Refused { host, what: what.into(), message },
    })
}
