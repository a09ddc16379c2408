//! Object storage passes the suites; its uploads survive the loss of a replica, and what is damaged is never served.

mod damage;
mod places;
mod replicas;

use std::sync::Arc;

use services::ObjectServer;

use super::{Credentials, ObjectTiles, Objects, Place, Style};
use crate::{conformance, sql::Database};

/// Replicas on one place and one database.
struct Replicas {
    place: Place,
    database: Arc<Database>,
    _folder: tempfile::TempDir,
}

impl Replicas {
    fn new() -> Self {
        let server = ObjectServer::shared();
        Self::at(place(server, &server.new_place()))
    }

    fn at(place: Place) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Arc::new(Database::open(folder.path()).expect("a database"));
        Self { place, database, _folder: folder }
    }

    /// One more of them.
    fn start(&self) -> Objects {
        Objects::new(self.place.clone(), &credentials(), self.database.clone()).expect("a replica")
    }
}

/// A place on a server.
fn place(server: &ObjectServer, bucket: &str) -> Place {
    Place {
        bucket: bucket.parse().expect("a place in the bucket"),
        endpoint: Some(server.endpoint().parse().expect("an address")),
        region: "us-east-1".into(),
        style: Style::Path,
    }
}

/// Who may do everything there.
fn credentials() -> Credentials {
    let known = ObjectServer::environment();
    let given = |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
    Credentials::from_variables(given).expect("credentials")
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_conform() {
    let replicas = Replicas::new();
    conformance::blobs(&replicas.start()).await;
    conformance::tiers(&replicas.start()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_conform() {
    let server = ObjectServer::shared();
    let place = place(server, &server.new_place());
    conformance::tiles(&ObjectTiles::new(place, &credentials()).expect("tiles")).await;
}
