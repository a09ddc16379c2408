//! Object storage passes the suites; its uploads survive the loss of a replica, and what is damaged is never served.

mod damage;
mod places;
mod replicas;

use std::sync::Arc;

use super::{ObjectTiles, Objects, Place};
use crate::{
    conformance::{self, ObjectServer},
    sql::Database,
};

/// Replicas on one place and one database.
struct Replicas {
    place: Place,
    database: Arc<Database>,
    _folder: tempfile::TempDir,
}

impl Replicas {
    fn new() -> Self {
        Self::at(ObjectServer::shared().new_place())
    }

    fn at(place: Place) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Arc::new(Database::open(folder.path()).expect("a database"));
        Self { place, database, _folder: folder }
    }

    /// One more of them.
    fn start(&self) -> Objects {
        Objects::new(self.place.clone(), &ObjectServer::credentials(), self.database.clone()).expect("a replica")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_conform() {
    let replicas = Replicas::new();
    conformance::blobs(&replicas.start()).await;
    conformance::tiers(&replicas.start()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_conform() {
    let place = ObjectServer::shared().new_place();
    conformance::tiles(&ObjectTiles::new(place, &ObjectServer::credentials()).expect("tiles")).await;
}
