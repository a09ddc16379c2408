//! The whole system over HTTP, in one process, audited after every step.

mod hostile;
mod story;
