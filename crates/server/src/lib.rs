//! HTTP: what is asked is parsed, handed to the engine, and its answer is converted. No rule lives here.

mod app;
mod ask;
mod layer;
mod openapi;
mod paths;
mod patient;
mod problem;
mod routes;
mod serve;
pub mod token;
mod unread;

pub use app::App;
pub use openapi::openapi;
pub use problem::Problem;
pub use routes::router;
pub use serve::{Limits, serve, serve_within};
