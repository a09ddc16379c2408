//! What is read, compared, matched and verified, against data and by programs made elsewhere.

mod cosign;
mod data;
mod scans;
mod signatures;
mod sigstore;
mod versions;
mod vex;
