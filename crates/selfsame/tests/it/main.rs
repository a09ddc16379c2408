//! End-to-end: the real program, real clients, real disks. Each step that is to succeed (`Server::done`) is followed by an audit of the whole
//! ledger and of all that the server shows.

#![expect(clippy::duplicate_mod, reason = "the same tests run on each column")]

mod apart;
mod audits;
mod backups;
mod clients;
mod cosign;
mod deployed;
mod disks;
mod elsewhere;
mod engines;
mod http;
mod installed;
mod kills;
mod objects;
mod on_objects;
mod oras;
mod packs;
mod quickstart;
mod receipts;
mod replicas;
mod retention;
mod scans;
mod scrubs;
mod server;
mod signed;
mod stages;
mod tools;
mod uploads;
mod verbs;

/// What the tests of this module's children run on.
const COLUMN: server::Column = server::Column::Embedded;
