//! The whole system over HTTP, in one process, audited after every step.

mod engine;
mod hostile;
mod published;
mod pulls;
mod story;
