//! Says whether what the tests use is there: data that is made elsewhere, which lies beside the project and not in it, and other people's programs.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(test_data, cosign_2, cosign_3)");
    println!("cargo::rerun-if-env-changed=SELFSAME_TEST_DATA");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the crate's folder"));
    let data = env::var_os("SELFSAME_TEST_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let folders: Vec<PathBuf> = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    for (program, is_there) in [("cosign-2", "cosign_2"), ("cosign-3", "cosign_3")] {
        if folders.iter().any(|folder| folder.join(program).is_file()) {
            println!("cargo::rustc-cfg={is_there}");
        }
    }
    if data.is_dir() {
        println!("cargo::rerun-if-changed={}", data.display());
        println!("cargo::rustc-cfg=test_data");
    }
}
