//! Who we are to one registry: passwords where it wants them, and tokens from where it says that they are issued.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{Error, Host, Place, Secret, address, challenge::Challenge, client::Client};

/// How long a token is good for where its issuer does not say.
const LIFETIME: u64 = 60;
/// How much earlier than it ends a token is given up.
const MARGIN: u64 = 10;
/// How many bytes an issuer's answer has at most.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// How many times an issuer is asked.
const ATTEMPTS: u32 = 4;

/// What is known about one registry: how it wants to know who asks, and what it was told.
#[derive(Debug, Default)]
pub(crate) struct Doorkeeper(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    asks: Option<Challenge>,
    secrets: BTreeMap<String, Option<Secret>>,
    tokens: BTreeMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    text: String,
    until: Instant,
}

#[derive(Deserialize)]
struct Issued {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    expires_in: Option<u64>,
}

impl Doorkeeper {
    /// The header for a request in `scope`, as far as the registry has asked for one.
    pub async fn header(&self, scope: &str, place: &Place) -> Option<String> {
        let known = self.0.lock().await;
        match known.asks.as_ref()? {
            Challenge::Basic => match known.secrets.get(&owner(place))?.as_ref()? {
                Secret::Password { user, password } => Some(basic(user, password)),
                Secret::Refresh(_) => None,
            },
            Challenge::Bearer { .. } => {
                let token = known.tokens.get(scope).filter(|token| token.until > Instant::now())?;
                Some(format!("Bearer {}", token.text))
            }
        }
    }

    /// Answers a registry that wants to know who asks: the header to ask again with. `sent` is what it did not like.
    pub async fn answer(
        &self,
        client: &Client,
        place: &Place,
        scope: &str,
        response: &Response,
        sent: Option<&str>,
    ) -> Result<String, Error> {
        let host = &place.host;
        let senseless = |problem: &str| Error::Senseless { host: host.name().into(), problem: problem.into() };
        let headers = response.headers().get_all(header::WWW_AUTHENTICATE);
        let challenge = Challenge::of(headers.iter().filter_map(|value| value.to_str().ok()))
            .ok_or_else(|| senseless("it wants to know who asks, and neither by password nor by token"))?;
        // Held while the issuer is asked: whoever waits here uses the token that comes of it.
        let mut known = self.0.lock().await;
        if known.asks.as_ref().is_some_and(|before| *before != challenge) {
            return Err(senseless("it sends us to another issuer of tokens than before"));
        }
        let secret = match known.secrets.get(&owner(place)) {
            Some(secret) => secret.clone(),
            None => client.credentials().of(place).await?,
        };
        known.secrets.insert(owner(place), secret.clone());
        known.asks = Some(challenge.clone());
        let not_let_in = |how| Error::Unauthorized { host: host.name().into(), how };
        let Challenge::Bearer { realm, service } = challenge else {
            return match secret {
                Some(Secret::Password { user, password }) if sent.is_none() => Ok(basic(&user, &password)),
                Some(_) => Err(not_let_in("the credentials that are kept for it")),
                None => Err(not_let_in("no credentials: log in, for example with `docker login`")),
            };
        };
        let current = known.tokens.get(scope).filter(|token| token.until > Instant::now());
        if let Some(token) = current {
            let header = format!("Bearer {}", token.text);
            if sent != Some(header.as_str()) {
                return Ok(header);
            }
        }
        let issuer = Issuer { client, host, realm: realm_of(host, &realm)?, service, scope };
        let issued = issuer.issue(secret.as_ref()).await?;
        let text = if issued.token.is_empty() { issued.access_token } else { issued.token };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(senseless("its issuer of tokens answers without one"));
        }
        let seconds = issued.expires_in.unwrap_or(LIFETIME).clamp(LIFETIME, 24 * 3600) - MARGIN;
        let header = format!("Bearer {text}");
        if sent == Some(header.as_str()) {
            let how = if secret.is_some() { "the credentials that are kept for it" } else { "no credentials" };
            return Err(not_let_in(how));
        }
        known.tokens.insert(scope.to_owned(), Token { text, until: Instant::now() + Duration::from_secs(seconds) });
        Ok(header)
    }
}

/// Whose credentials they are: files may know another one for each repository.
fn owner(place: &Place) -> String {
    place.repository.to_string()
}

/// The issuer's address, if it is one that a password may be sent to: never in the clear, but where the registry itself is spoken to so.
fn realm_of(host: &Host, realm: &str) -> Result<Url, Error> {
    let senseless = |problem: String| Error::Senseless { host: host.name().into(), problem };
    let url = Url::parse(realm).ok().filter(|url| url.host_str().is_some() && url.username().is_empty());
    let url = url.ok_or_else(|| senseless("its issuer of tokens is at no address".into()))?;
    let own = url.host_str() == host.base().host_str();
    match url.scheme() {
        "https" => Ok(url),
        "http" if host.is_plain() && own => Ok(url),
        _ => Err(senseless(format!("it sends us to `{url}` for tokens, and no password goes there in the clear"))),
    }
}

struct Issuer<'a> {
    client: &'a Client,
    host: &'a Host,
    realm: Url,
    service: Option<String>,
    scope: &'a str,
}

impl Issuer<'_> {
    async fn issue(&self, secret: Option<&Secret>) -> Result<Issued, Error> {
        let http = self.client.to(self.host, &self.realm).await?;
        if let Some(Secret::Refresh(token)) = secret {
            return self
                .read(
                    self.ask(|| {
                        self.form(
                            http.post(self.realm.clone()),
                            &[("grant_type", "refresh_token"), ("refresh_token", token)],
                        )
                    })
                    .await?,
                )
                .await;
        }
        let mut url = self.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(self.service.iter().map(|service| ("service", service)));
            query.extend_pairs(self.scope.split(' ').filter(|scope| !scope.is_empty()).map(|scope| ("scope", scope)));
        }
        let get = || {
            let request = http.get(url.clone());
            match secret {
                Some(Secret::Password { user, password }) => {
                    request.header(header::AUTHORIZATION, basic(user, password))
                }
                _ => request,
            }
        };
        let response = self.ask(get).await?;
        let only_by_form = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        match secret {
            Some(Secret::Password { user, password }) if only_by_form => {
                let fields = [("grant_type", "password"), ("username", user.as_str()), ("password", password.as_str())];
                self.read(self.ask(|| self.form(http.post(self.realm.clone()), &fields)).await?).await
            }
            _ => self.read(response).await,
        }
    }

    fn form(&self, request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
        let common = [("client_id", "selfsame"), ("scope", self.scope)];
        let service = self.service.as_deref().map(|service| ("service", service));
        let all: Vec<(&str, &str)> = fields.iter().copied().chain(common).chain(service).collect();
        request.form(&all)
    }

    /// Sends a request, and again where the issuer is busy or does not answer.
    async fn ask(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, Error> {
        let pace = self.client.pace(self.host);
        let mut attempt = 0;
        loop {
            let outcome = request().send().await;
            let later = match &outcome {
                Ok(response) => {
                    response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS
                }
                Err(_) => true,
            };
            attempt += 1;
            match pace.pause(attempt, None).filter(|_| later && attempt < ATTEMPTS) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let unreachable = |error: reqwest::Error| Error::Unreachable {
                        host: self.realm.host_str().unwrap_or_default().into(),
                        problem: crate::client::deepest(&error),
                    };
                    return outcome.map_err(unreachable);
                }
            }
        }
    }

    async fn read(&self, response: Response) -> Result<Issued, Error> {
        let status = response.status();
        let host = || self.host.name().to_owned();
        if status.is_client_error() {
            return Err(Error::Unauthorized { host: host(), how: "what its issuer of tokens was told" });
        }
        let senseless = |problem: String| Error::Senseless { host: host(), problem };
        if !status.is_success() {
            return Err(senseless(format!("its issuer of tokens answers `{status}`")));
        }
        let bytes = crate::client::limited(response, self.host, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|_| senseless("its issuer of tokens answers with something else".into()))
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// Whether `url` is one that a registry on `host` may send us to for bytes.
pub(crate) fn may_lead(host: &Host, from: &Url, url: &Url) -> Result<(), Error> {
    let senseless = |problem: String| Error::Senseless { host: host.name().into(), problem };
    match (from.scheme(), url.scheme()) {
        ("http" | "https", "https") | ("http", "http") => {}
        _ => return Err(senseless(format!("it leads to `{}`, which is not followed", url.scheme()))),
    }
    let loopback = |url: &Url| url.host_str().is_some_and(crate::location::is_loopback);
    if address::is_inside_literal(url) && url.host_str() != host.base().host_str() && !loopback(&host.base()) {
        return Err(senseless(format!(
            "it leads to `{}`, which only we can reach",
            url.host_str().unwrap_or_default()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Url, may_lead, realm_of};

    #[test]
    fn passwords_go_nowhere_in_the_clear() {
        for (host, realm, expected) in [
            ("r.example", "https://auth.example/token", true),
            ("r.example", "http://r.example/token", false),
            ("r.example", "http://auth.example/token", false),
            ("localhost:5000", "http://localhost:5001/token", true),
            ("localhost:5000", "http://auth.example/token", false),
            ("http://r.example", "http://r.example/token", true),
            ("http://r.example", "http://other.example/token", false),
            ("r.example", "https://user@auth.example/token", false),
            ("r.example", "file:///etc/passwd", false),
            ("r.example", "token", false),
        ] {
            let found = realm_of(&host.parse().expect("a host"), realm);
            assert_eq!(found.is_ok(), expected, "{host} {realm}");
        }
    }

    #[test]
    fn redirects_lead_outside_and_never_out_of_tls() {
        for (host, to, expected) in [
            ("r.example", "https://cdn.example/x", true),
            ("r.example", "http://r.example/x", false),
            ("http://r.example", "http://cdn.example/x", true),
            ("r.example", "https://169.254.169.254/latest", false),
            ("r.example", "https://127.0.0.1/x", false),
            ("r.example", "https://[::1]/x", false),
            ("r.example", "https://localhost/x", false),
            ("localhost:5000", "http://127.0.0.1:5001/x", true),
            ("http://192.0.2.7:5000", "http://127.0.0.1/x", false),
            ("r.example", "file:///x", false),
        ] {
            let host: crate::Host = host.parse().expect("a host");
            let url = Url::parse(to).expect("an address");
            assert_eq!(may_lead(&host, &host.base(), &url).is_ok(), expected, "{host} {to}");
        }
    }
}
