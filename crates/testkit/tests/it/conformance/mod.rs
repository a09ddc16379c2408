//! What the OCI distribution specification asks of a registry: the cases of its own conformance suite, and some that it leaves out, for both
//! hash functions.
//!
//! `blobs` and `lists` are tables of conversations (see `script`); `manifests` takes each of the `forms` through a whole life, and has a
//! table of what is refused.

mod blobs;
mod contents;
mod forms;
mod lists;
mod manifests;
mod script;

use testkit::World;

/// A registry with nothing in it, as its administrator sees it.
struct Registry {
    world: World,
    http: reqwest::Client,
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Registry {
    async fn begin() -> Self {
        let world = World::on(super::COLUMN).await;
        let http = world.http();
        Self { world, http }
    }

    /// Sends a request as the administrator; `path` is what follows the server's name.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        self.ask_as(&self.world.admin, method, path, headers, body).await
    }

    /// Sends a request with this token.
    async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.world.url)).bearer_auth(token);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.body(body).send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        Answer { status, headers, body: body.into() }
    }
}

impl Answer {
    /// The values of a header, in order.
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("a text")).collect()
    }

    /// The first value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(2_000)]).into_owned()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of an answer that says no.
    fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}
