//! End-to-end: the real program, real clients, real disks. Every step is followed by an audit of the whole ledger.

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
