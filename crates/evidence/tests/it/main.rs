//! What is read, compared and matched, against data made elsewhere.

mod data;
mod scans;
mod versions;
mod vex;
