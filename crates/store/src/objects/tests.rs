//! Object storage passes the suites; its uploads survive the loss of a replica, and what is damaged is never served.

mod damage;
mod places;
mod replicas;

use std::sync::Arc;

use domain::{Digest, Timestamp};
use engine::ports::{Blobs, Tier, Tiers};
use services::ObjectServer;

use super::{Credentials, ObjectTiles, Objects, PART, Place, Style};
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
    // As if the storage copied next to nothing at once: what is larger passes through.
    let small = || Objects { copy_max: 1000, ..replicas.start() };
    conformance::tiers(&small()).await;
    conformance::tiers(&Objects { copy_max: 0, ..replicas.start() }).await;
    large(&small()).await;
}

/// A blob of several parts, there and back, and set aside.
async fn large(objects: &Objects) {
    let whole = conformance::bytes(2 * PART + 12_345);
    let digest = Digest::sha256(&whole);
    objects.put(&digest, whole.clone()).await.expect("a blob is stored");
    for tier in [Tier::Archive, Tier::Trash] {
        assert!(objects.put_away(&digest, tier, Timestamp::from_millis(7)).await.expect("it goes"));
        assert_eq!(objects.size(&digest).await.expect("an answer"), None);
        assert_eq!(objects.verify_away(&digest, tier).await.expect("an answer"), Some(true));
        assert!(objects.take_back(&digest, tier).await.expect("it comes back"));
        assert_eq!(objects.verify(&digest).await.expect("an answer"), Some(true));
    }
    assert!(objects.set_aside(&digest).await.expect("it goes"));
    assert_eq!(
        objects.bucket.size(&format!("damaged/{}", digest.hex())).await.expect("an answer"),
        Some(whole.len() as u64)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_conform() {
    let server = ObjectServer::shared();
    let place = place(server, &server.new_place());
    conformance::tiles(&ObjectTiles::new(place, &credentials()).expect("tiles")).await;
}
