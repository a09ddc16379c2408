//! The OCI distribution specification over the engine's ports.
//!
//! Digests are preserved exactly: what was pushed is what is served, byte by byte, under the media type it was pushed with; `Accept`
//! converts nothing. Stage tags are derived from promotions, and a credential that is bound to a stage pulls what that stage has
//! promoted and nothing else.

mod auth;
mod blobs;
mod cache;
mod climb;
mod closures;
mod error;
mod lease;
mod lists;
mod manifests;
mod mirror;
mod path;
mod promoted;
mod range;
mod request;
mod rights;
mod signed;
mod uploads;

use std::sync::Arc;

use axum::{Router, routing::any};
use engine::{Engine, ports::Upstream};

pub use auth::Authority;

/// What every request is answered with.
#[derive(Clone)]
pub struct Registry {
    engine: Engine,
    authority: Arc<dyn Authority>,
    cache: Arc<cache::ManifestCache>,
    closures: Arc<closures::Closures>,
    mirror: Option<Arc<mirror::Mirror>>,
}

impl Registry {
    /// A registry on `engine`, for those whom `authority` knows.
    pub fn new(engine: Engine, authority: Arc<dyn Authority>) -> Self {
        Self { engine, authority, cache: Arc::default(), closures: Arc::default(), mirror: None }
    }

    /// The same, in which some repositories are mirrors of an upstream.
    #[must_use]
    pub fn mirroring(self, upstream: Option<Arc<dyn Upstream>>) -> Self {
        let mirror = upstream.map(|upstream| Arc::new(mirror::Mirror::new(self.engine.clone(), upstream)));
        Self { mirror, ..self }
    }
}

/// The routes under `/v2`.
pub fn routes(registry: Registry) -> Router {
    Router::new()
        .route("/v2", any(request::ping))
        .route("/v2/", any(request::ping))
        .route("/v2/token", any(auth::token))
        .route("/v2/_catalog", any(lists::catalog))
        .route("/v2/{*path}", any(request::dispatch))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(registry)
}
