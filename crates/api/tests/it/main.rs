//! The wire's types and the client, seen from outside.

mod client;
mod script;
mod wire;
