//! Adapters of the storage ports: SQLite or PostgreSQL for the ledger and its rows, a directory for blobs and for the published ledger.

pub mod blobs;
pub mod conformance;
pub mod memory;
pub mod sql;
pub mod tiles;
mod waiting;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use engine::ports::Trouble;

/// The storage of an embedded server.
pub struct Opened {
    /// Entries, state, catalog and views in one database.
    pub database: Arc<sql::Database>,
    /// Bytes by digest.
    pub blobs: Arc<blobs::Directory>,
    /// The published ledger.
    pub tiles: Arc<tiles::TileDirectory>,
}

/// Opens the storage in `data`, making it if needed. Only one process can have it open.
pub fn open(data: &Path) -> Result<Opened, Trouble> {
    make(data)?;
    Ok(Opened {
        database: Arc::new(sql::Database::open(data)?),
        blobs: Arc::new(blobs::Directory::open(data)?),
        tiles: Arc::new(tiles::TileDirectory::open(&data.join("ledger"))?),
    })
}

/// The storage of a replica.
pub struct OpenedReplica {
    /// Entries, state, catalog and views in one database, which all replicas use.
    pub database: Arc<sql::Database>,
    /// Bytes by digest.
    pub blobs: Arc<blobs::Directory>,
    /// The published ledger.
    pub tiles: Arc<tiles::ReplicaTiles>,
}

/// Opens the storage of a replica: a database on a PostgreSQL server, and the files of `data`, which all replicas share.
pub async fn open_replica(data: &Path, address: sql::Address) -> Result<OpenedReplica, Trouble> {
    make(data)?;
    let database = Arc::new(sql::Database::connect(address).await?);
    let files = Arc::new(tiles::TileDirectory::open(&data.join("ledger"))?);
    Ok(OpenedReplica {
        blobs: Arc::new(blobs::Directory::open(data)?),
        tiles: Arc::new(tiles::ReplicaTiles::new(files, database.clone())),
        database,
    })
}

fn make(data: &Path) -> Result<(), Trouble> {
    let doing = || format!("open `{}`", data.display());
    fs::create_dir_all(data).map_err(|error| Trouble::new(doing(), error))?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700)).map_err(|error| Trouble::new(doing(), error))
}
