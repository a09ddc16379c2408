//! End-to-end: the real program, real clients, real disks. Every step of a test that is to succeed (`Server::done`) is followed by an audit
//! of the whole ledger, so is whatever else a test did, at its end at the latest.

mod audits;
mod clients;
mod disks;
mod http;
mod kills;
mod oras;
mod quickstart;
mod server;
mod stages;
mod uploads;
mod verbs;
