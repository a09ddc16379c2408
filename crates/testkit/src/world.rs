//! [`World`]: a whole system in one process, with a clock that stands still.

use std::{path::Path, sync::Arc};

use api::{Client, TokenRequest};
use domain::{Digest, Span, Timestamp};
use engine::{Engine, Opening, Options, Ports, ports::Trouble};
use services::{Base, ObjectServer, Postgres};
use store::{
    Opened, Shelves,
    objects::{Place, Style, choose},
};
use tempfile::TempDir;
use tlog::{SignerKey, VerifierKey};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{FakeClock, audit};

/// The time at which every world begins.
const DAWN: &str = "2026-01-01T00:00:00Z";
/// The name of every world's ledger.
const ORIGIN: &str = "example.org/ledger";

/// A server on a real database and a real directory, spoken to over HTTP.
pub struct World {
    /// The engine itself.
    pub engine: Engine,
    /// The clock: time goes by when a test says so.
    pub clock: FakeClock,
    /// The server's address.
    pub url: String,
    /// The first token.
    pub admin: String,
    verifier: VerifierKey,
    column: Column,
    folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Which storage a world stands on.
#[derive(Clone)]
pub enum Column {
    /// SQLite and a directory, as an embedded server has them.
    Embedded,
    /// A database of its own on a real PostgreSQL, and a directory.
    Postgres(Arc<Base>),
    /// SQLite, and a place of its own on a real S3 server.
    Objects,
    /// What several machines share: PostgreSQL and S3.
    ScaleOut(Arc<Base>),
}

impl Column {
    /// The column that this run of the tests is about: `SELFSAME_TEST_COLUMN` is `postgres` or `scale-out`, or it is the embedded one.
    ///
    /// # Panics
    /// When the variable names no column.
    pub fn of_this_run() -> Self {
        match std::env::var("SELFSAME_TEST_COLUMN").as_deref() {
            Ok("postgres") => Self::postgres(),
            Ok("scale-out") => Self::scale_out(),
            Ok("embedded") | Err(_) => Self::Embedded,
            Ok(other) => panic!("`SELFSAME_TEST_COLUMN` is `embedded`, `postgres` or `scale-out`, not `{other}`"),
        }
    }

    /// A new database on PostgreSQL, and a directory.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn postgres() -> Self {
        Self::Postgres(Arc::new(Postgres::shared().base()))
    }

    /// A new database on PostgreSQL, and a place in object storage.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn scale_out() -> Self {
        Self::ScaleOut(Arc::new(Postgres::shared().base()))
    }

    fn base(&self) -> Option<&Arc<Base>> {
        match self {
            Self::Postgres(base) | Self::ScaleOut(base) => Some(base),
            Self::Embedded | Self::Objects => None,
        }
    }

    /// Has a new data directory keep its files where the column says.
    fn prepare(&self, data: &Path) {
        if let Self::Objects | Self::ScaleOut(_) = self {
            let server = ObjectServer::shared();
            let place = Place {
                bucket: server.new_place().parse().expect("a place in the bucket"),
                endpoint: Some(server.endpoint().parse().expect("an address")),
                region: "us-east-1".into(),
                style: Style::Path,
            };
            choose(data, &place).expect("a new data directory");
        }
    }

    async fn open(&self, data: &Path) -> Result<Opened, Trouble> {
        let known = ObjectServer::environment();
        let variable =
            |name: &str| known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        match self.base() {
            None => store::open_as(data, variable),
            Some(base) => {
                let address = Postgres::shared().url(base).parse().expect("an address");
                store::open_replica(data, address, variable).await
            }
        }
    }
}

impl World {
    /// A new world with an empty ledger, on the storage that this run of the tests is about.
    ///
    /// # Panics
    /// When the machine gives no folder, no port or no disk: no test can go on then.
    pub async fn begin() -> Self {
        Self::on(Column::of_this_run()).await
    }

    /// A new world with an empty ledger on `column`.
    ///
    /// # Panics
    /// When the machine gives no folder, no port or no disk: no test can go on then.
    pub async fn on(column: Column) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        column.prepare(folder.path());
        let dawn: Timestamp = DAWN.parse().expect("a time");
        Self::open(column, folder, FakeClock::at(dawn), server::token::generate()).await
    }

    /// Another replica of the same world: the same database, the same files, the same clock.
    ///
    /// # Panics
    /// When the world stands on storage that one process has for itself.
    pub async fn replica(&self) -> Self {
        assert!(self.column.base().is_some(), "an embedded server has no replicas");
        Self::open(self.column.clone(), self.folder.clone(), self.clock.clone(), self.admin.clone()).await
    }

    /// Ends the server as it is told to stop, and starts it again on the same data and at the same time.
    ///
    /// # Panics
    /// When the server does not end, or does not start again.
    pub async fn restart(mut self) -> Self {
        self.stop.take();
        self.serving.await.expect("the server ends").expect("the server ends well");
        drop(self.engine);
        // The writer and the followers end once the last handle is gone; the database is free again then.
        let Self { column, folder, clock, admin, .. } = self;
        for _ in 0..200 {
            if column.base().is_some() || column.open(folder.path()).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self::open(column, folder, clock, admin).await
    }

    async fn open(column: Column, folder: Arc<TempDir>, clock: FakeClock, admin: String) -> Self {
        let ports = ports(&column, folder.path()).await;
        let signer = SignerKey::from_seed(ORIGIN, [7; 32]).expect("a key");
        let verifier = signer.verifier_key();
        let id = server::token::id_of(&admin).expect("a token");
        let opening = Opening { token: id, hash: Digest::sha256(admin.as_bytes()) };
        let options = Options { clock: Box::new(clock.clone()), ..Options::new(signer, Some(opening)) };
        let engine = Engine::start(ports, options).await.expect("the engine starts");
        let router = server::router(server::App::new(engine.clone(), &verifier.to_string()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server::serve(listener, router, async move {
            let _ = stopped.await;
        }));
        Self { engine, clock, url, admin, verifier, column, folder, stop: Some(stop), serving }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// A client with the first token.
    ///
    /// # Panics
    /// Never: the address is one.
    pub fn client(&self) -> Client {
        Client::new(&self.url, Some(self.admin.clone())).expect("a client")
    }

    /// A plain HTTP client, for what no well-behaved client would send.
    pub fn http(&self) -> reqwest::Client {
        // Making the API's client chooses the TLS provider for the whole process.
        let _ = self.client();
        reqwest::Client::new()
    }

    /// A client for somebody with these grants.
    ///
    /// # Panics
    /// When the token is not issued.
    pub async fn client_for(&self, party: &str, grants: &[&str]) -> Client {
        let request = TokenRequest {
            party: party.parse().expect("a party"),
            grants: grants.iter().map(|grant| grant.parse().expect("a grant")).collect(),
            expires: api::Ending::In(Span::from_secs(30 * 24 * 3600)),
        };
        let issued = self.client().issue_token(&request).await.expect("the token is issued");
        Client::new(&self.url, Some(issued.token)).expect("a client")
    }

    /// Verifies everything; see [`audit()`].
    pub async fn audit(&self) {
        audit(&self.engine, &self.verifier).await;
    }
}

async fn ports(column: &Column, data: &Path) -> Ports {
    let Opened { database, shelves } = column.open(data).await.expect("the storage opens");
    let Shelves { blobs, tiles, .. } = shelves;
    Ports { ledger: database.clone(), catalog: database.clone(), blobs, views: database, tiles }
}

#[cfg(test)]
mod tests {
    use super::World;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_world_survives_a_restart() {
        let world = World::begin().await;
        world.audit().await;
        let before = world.engine.size();
        let world = world.restart().await;
        assert_eq!(world.engine.size(), before);
        world.audit().await;
    }
}
