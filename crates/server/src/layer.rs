//! What is so of every answer: it may be waited for, and it says how many ledger entries it takes into account.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue};

use crate::{App, Problem};

/// How long a reader waits for entries that the server does not take into account yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an answer is made from, and how many entries of the ledger that is.
#[derive(Clone, Copy)]
enum Source {
    /// The state and its views.
    State,
    /// The published files.
    Published,
}

/// Waits for the entries that the request names, and says in a header, and in each problem, what the answer takes into account. The size is
/// taken before anything is read: an answer may know more than it says, and never less.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let source = if request.uri().path().starts_with("/ledger/") { Source::Published } else { Source::State };
    let waited = source.wait(&app, request.headers()).await;
    let mut size = source.size(&app);
    let mut response = match waited {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = problem.at_size(size);
        size = problem.size().unwrap_or(size);
        *response.body_mut() = Body::from(problem.to_json());
    }
    response.headers_mut().entry(api::LEDGER_SIZE_HEADER).or_insert(HeaderValue::from(size));
    response
}

impl Source {
    fn size(self, app: &App) -> u64 {
        match self {
            Self::State => app.engine.size(),
            Self::Published => app.engine.published(),
        }
    }

    async fn wait(self, app: &App, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(value) = headers.get(api::WAIT_FOR_HEADER) else { return Ok(()) };
        let wanted = value.to_str().ok().and_then(|text| text.parse().ok());
        let wanted = wanted.ok_or_else(|| {
            Problem::malformed("`Selfsame-Wait-For` is a number of ledger entries: the `as_of` of an earlier answer")
        })?;
        let (waited, has) = match self {
            Self::State => (app.engine.wait_for(wanted, PATIENCE).await, app.engine.viewed()),
            Self::Published => (app.engine.wait_published(wanted, PATIENCE).await, app.engine.published()),
        };
        if waited { Ok(()) } else { Err(Problem::not_yet(wanted, has)) }
    }
}
