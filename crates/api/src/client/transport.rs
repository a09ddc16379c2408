//! One request, asked again where that is safe and makes sense.

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use domain::CommandKey;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{Client, ClientError};
use crate::{IDEMPOTENCY_KEY_HEADER, Problem, WAIT_FOR_HEADER};

/// How long to pause before each repetition.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1500)];
/// How long a server may ask for patience before its request for it is taken for an answer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

/// How often a request may reach the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeatable {
    /// As often as it takes.
    Yes,
    /// Once; only what surely was not done is asked again.
    OnlyIfNotDone,
}

impl Client {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        parse(self.get_response(path, query).await?).await
    }

    pub(super) async fn get_bytes(&self, path: &[&str]) -> Result<Bytes, ClientError> {
        let response = self.get_response(path, &()).await?;
        response.bytes().await.map_err(|error| self.broken(&error))
    }

    pub(super) async fn get_response(&self, path: &[&str], query: &impl Serialize) -> Result<Response, ClientError> {
        let mut request = self.authorized(Method::GET, self.url(path)).query(query);
        if let Some(size) = self.wait_for {
            request = request.header(WAIT_FOR_HEADER, size);
        }
        self.send(request, Repeatable::Yes).await
    }

    pub(super) async fn command<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        key: &CommandKey,
        query: &impl Serialize,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let mut request =
            self.authorized(method, self.url(path)).query(query).header(IDEMPOTENCY_KEY_HEADER, key.as_str());
        if let Some(body) = body {
            request = request.json(body);
        }
        parse(self.send(request, Repeatable::Yes).await?).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &CommandKey,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.command(Method::POST, path, key, &(), Some(body)).await
    }

    /// Asks for something that is not the same when asked twice.
    pub(super) async fn post_once<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let request = self.authorized(Method::POST, self.url(path)).json(body);
        parse(self.send(request, Repeatable::OnlyIfNotDone).await?).await
    }

    /// Asks a question that has a body.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let request = self.authorized(Method::POST, self.url(path)).query(query).json(body);
        parse(self.send(request, Repeatable::Yes).await?).await
    }

    fn authorized(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder, repeatable: Repeatable) -> Result<Response, ClientError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let attempt =
                request.try_clone().ok_or_else(|| ClientError::Broken("a request cannot be repeated".into()))?;
            let outcome = attempt.send().await;
            let pause = match &outcome {
                Ok(response) => patience(response),
                Err(error) => (error.is_connect() || repeatable == Repeatable::Yes).then_some(Duration::ZERO),
            };
            match (pause, pauses.next()) {
                (Some(asked), Some(own)) if asked <= RETRY_AFTER_MAX => tokio::time::sleep(own.max(asked)).await,
                _ => {
                    let response = outcome.map_err(|error| self.broken(&error))?;
                    return refuse(response).await;
                }
            }
        }
    }

    pub(super) fn broken(&self, error: &reqwest::Error) -> ClientError {
        let mut cause = error.source();
        while let Some(deeper) = cause.and_then(|cause| cause.source()) {
            cause = Some(deeper);
        }
        let what = match (error.is_timeout(), cause) {
            (true, _) => "it did not answer in time".to_owned(),
            (false, Some(cause)) => cause.to_string(),
            (false, None) => error.to_string(),
        };
        ClientError::Broken(format!("could not speak to `{}`: {what}", self.base()))
    }
}

/// How long the server asks to wait before asking again, if it does. Our server says so where asking again helps; something before it, which
/// answers with no problem, need not say so.
fn patience(response: &Response) -> Option<Duration> {
    if !matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let is_problem = header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/problem+json"));
    match header(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()) {
        None if is_problem => None,
        seconds => Some(Duration::from_secs(seconds.unwrap_or(0))),
    }
}

/// Hands on an answer that is good, and makes an error of any other.
async fn refuse(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(ClientError::Unauthorized);
    }
    let problem = response.json::<Problem>().await;
    Err(match problem {
        Ok(problem) if problem.code == "busy" || status == StatusCode::TOO_MANY_REQUESTS => ClientError::Busy,
        Ok(problem) if status.is_client_error() => ClientError::Refused(Box::new(problem)),
        Ok(Problem { detail, hint, request_id, .. }) => {
            let request = request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            ClientError::Broken(format!("{detail}{request}{hint}"))
        }
        Err(_) if status == StatusCode::SERVICE_UNAVAILABLE => ClientError::Busy,
        Err(_) => {
            ClientError::Broken(format!("the server answered `{status}` and did not say why: is it a selfsame server?"))
        }
    })
}

async fn parse<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let path = response.url().path().to_owned();
    response.json().await.map_err(|error| {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        ClientError::Broken(format!("the server's answer to `{path}` is not understood: {cause}"))
    })
}
