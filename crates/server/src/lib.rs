//! HTTP: routes, authentication, problem+json.
