//! The directory of tiles passes the suite.

use super::TileDirectory;
use crate::conformance;

#[tokio::test]
async fn it_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let tiles = TileDirectory::open(folder.path()).expect("a directory");
    conformance::tiles(&tiles).await;
}
