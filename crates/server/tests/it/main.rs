//! What the server says of itself: its OpenAPI document and the pages of its problems.

mod openapi;
mod problems;
