//! Says whether the data for the tests is there. It is made elsewhere, and lies beside the project and not in it.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(test_data)");
    println!("cargo::rerun-if-env-changed=SELFSAME_TEST_DATA");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the crate's folder"));
    let data = env::var_os("SELFSAME_TEST_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    println!("cargo::rerun-if-changed=build.rs");
    if data.is_dir() {
        println!("cargo::rerun-if-changed={}", data.display());
        println!("cargo::rustc-cfg=test_data");
    }
}
