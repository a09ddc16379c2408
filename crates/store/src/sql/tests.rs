//! The database passes the suites; it keeps what it answered for, and never gives what it did not get.

mod damage;
mod keeps;
mod migrations;
mod postgres;
mod turns;
