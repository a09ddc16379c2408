//! Servers of other people that tests run against: each test binary starts its own, and it ends with the test binary, however that ends.

mod object_server;
mod postgres;

pub use object_server::ObjectServer;
pub use postgres::{Base, Postgres};
