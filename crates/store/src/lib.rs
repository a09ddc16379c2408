//! Adapters of the storage ports: SQLite or PostgreSQL for the ledger and its rows, a directory or object storage for blobs and for the
//! published ledger.

pub mod blobs;
pub mod conformance;
pub mod memory;
pub mod objects;
pub mod sql;
pub mod tiles;
mod waiting;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use engine::ports::{Blobs, Tiles, Trouble};

/// The storage of a server.
pub struct Opened {
    /// Entries, state, catalog and views in one database.
    pub database: Arc<sql::Database>,
    /// Bytes by digest, and the published ledger.
    pub shelves: Shelves,
}

/// Where blobs and published files are kept.
pub struct Shelves {
    /// Bytes by digest.
    pub blobs: Arc<dyn Blobs>,
    /// The published ledger.
    pub tiles: Arc<dyn Tiles>,
    /// The blobs again, where they are in object storage: to be checked before they are depended on.
    pub objects: Option<Arc<objects::Objects>>,
}

/// Opens the storage in `data`, making it if needed. Only one process can have it open.
pub fn open(data: &Path) -> Result<Opened, Trouble> {
    open_as(data, |name| std::env::var(name).ok())
}

/// Opens the storage in `data` with the credentials that `variable` gives, if it needs any.
pub fn open_as(data: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Opened, Trouble> {
    make(data)?;
    let database = Arc::new(sql::Database::open(data)?);
    let shelves = Shelves::open(data, database.clone(), variable)?;
    Ok(Opened { database, shelves })
}

impl Shelves {
    /// Opens what `data` says: object storage if that was chosen for it ([`objects::choose`]), else folders in it.
    fn open(
        data: &Path,
        sessions: Arc<dyn objects::Sessions>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Trouble> {
        let Some(place) = objects::chosen(data)? else {
            return Ok(Self {
                blobs: Arc::new(blobs::Directory::open(data)?),
                tiles: Arc::new(tiles::TileDirectory::open(&data.join("ledger"))?),
                objects: None,
            });
        };
        let credentials = objects::Credentials::from_variables(variable);
        let credentials = credentials.map_err(|missing| Trouble::new(format!("open `{place}`"), missing))?;
        let tiles = Arc::new(objects::ObjectTiles::new(place.clone(), &credentials)?);
        let objects = Arc::new(objects::Objects::new(place, &credentials, sessions)?);
        Ok(Self { blobs: objects.clone(), tiles, objects: Some(objects) })
    }
}

/// Opens the storage of a replica: a database on a PostgreSQL server, and the files of `data`, which all replicas share, or object storage with
/// the credentials that `variable` gives.
pub async fn open_replica(
    data: &Path,
    address: sql::Address,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Opened, Trouble> {
    open_replicas(data, address, sql::Access::Shared, variable).await
}

/// The same storage for a verb that must be alone with it: an error while there are servers, and none gets in as long as it is open.
pub async fn open_alone(
    data: &Path,
    address: sql::Address,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Opened, Trouble> {
    open_replicas(data, address, sql::Access::Alone, variable).await
}

/// Opens what `data` says of blobs and published files, and no database: to be read only, and whoever serves them is not disturbed.
pub fn open_shelves(data: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Shelves, Trouble> {
    Shelves::open(data, Arc::new(objects::NoSessions), variable)
}

async fn open_replicas(
    data: &Path,
    address: sql::Address,
    access: sql::Access,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Opened, Trouble> {
    make(data)?;
    let database = Arc::new(sql::Database::connect(address, access).await?);
    let shelves = Shelves::open(data, database.clone(), variable)?;
    let tiles = Arc::new(tiles::ReplicaTiles::new(shelves.tiles, database.clone()));
    Ok(Opened { database, shelves: Shelves { tiles, ..shelves } })
}

fn make(data: &Path) -> Result<(), Trouble> {
    let doing = || format!("open `{}`", data.display());
    fs::create_dir_all(data).map_err(|error| Trouble::new(doing(), error))?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700)).map_err(|error| Trouble::new(doing(), error))
}
