//! What `deploy/` has, as the programs that it is for understand it: systemd, Helm, and builders and runners of containers.

mod chart;
mod container;
mod unit;

use std::path::PathBuf;

/// A file or folder of `deploy/`.
fn deploy(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}
