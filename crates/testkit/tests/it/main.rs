//! The whole system over HTTP, in one process, audited after every step.

mod answers;
mod conformance;
mod engine;
mod hostile;
mod published;
mod pulls;
mod pushes;
mod replicas;
mod rights;
mod silence;
mod story;
mod unsure;
