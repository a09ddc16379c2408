//! Data made elsewhere, which lies beside the project.

use std::path::PathBuf;

/// The path of `name` in the folder of the data.
pub fn path(name: &str) -> PathBuf {
    let folder = std::env::var_os("SELFSAME_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let path = folder.join(name);
    assert!(
        path.exists(),
        "there is no `{}`: put the test data into `shared/data` beside the project's folder, or name its place with SELFSAME_TEST_DATA",
        path.display()
    );
    path
}
