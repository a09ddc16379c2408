//! Says whether the vectors for the tests are there. They are data made elsewhere, which lie beside the project and not in it.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(merkle_vectors)");
    println!("cargo::rerun-if-env-changed=SELFSAME_TEST_DATA");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the crate's folder"));
    let data = env::var_os("SELFSAME_TEST_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    let vectors = data.join("merkle");
    // Cargo takes a path that is not there for one that has changed, and would build everything anew each time.
    println!("cargo::rerun-if-changed=build.rs");
    if vectors.is_dir() {
        println!("cargo::rerun-if-changed={}", vectors.display());
        println!("cargo::rustc-cfg=merkle_vectors");
    }
}
