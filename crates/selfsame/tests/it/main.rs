//! End-to-end: the real program, real clients, real disks. Each step that is to succeed (`Server::done`) is followed by an audit of the whole
//! ledger and of all that the server shows.

mod audits;
mod backups;
mod clients;
mod disks;
mod elsewhere;
mod http;
mod kills;
mod oras;
mod quickstart;
mod replicas;
mod server;
mod stages;
mod uploads;
mod verbs;
