//! Wires the adapters by hand, visibly: which storage, which keys, which clock.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{Digest, TokenId};
use engine::{Engine, Opening, Options, Ports, ports::Trouble, receipts::Receipts};
use evidence::signed::private::PrivateKey;
use store::{
    objects::{Objects, Place},
    sql::Access,
};
use tlog::SignerKey;

use crate::keys::{Keys, read_if_there, write_new};

/// Where everything of an embedded server lies.
///
/// ```text
/// data/
///   selfsame.db        the ledger, the state, the catalog and the views (SQLite)
///   blobs/ sums/ uploads/
///   ledger/            the published ledger: checkpoint, tiles, entries
///   objects.json       or: in which object storage all of these are instead
///   keys/ledger.key    the ledger's private key (PKCS#8)
///   keys/ledger.pub    its public key, as a verifier needs it
///   keys/receipts.key  the private key that signs receipts of promotions (PKCS#8)
///   keys/receipts.pub  its public key (PEM)
///   keys/admin.token   the first token; delete it once others are issued
/// ```
///
/// Of a replica, the database is elsewhere, and what is left in the folder all replicas share: blobs, the published ledger, keys. Where the first two
/// are in object storage, and the keys in a folder of their own, they share no folder.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    database: DatabaseChoice,
    keys: Option<PathBuf>,
}

/// Where the ledger, the state, the catalog and the views are.
#[derive(Clone, Debug)]
pub enum DatabaseChoice {
    /// In the data directory, which this process has for itself.
    Embedded,
    /// On a PostgreSQL server, with other replicas.
    Postgres(store::sql::Address),
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file or folder could not be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// Which.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// A file of the keys is not what it should be.
    #[error("`{path}`: {problem}")]
    Key {
        /// Where.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The database is elsewhere, and nobody said where.
    #[error("the ledger of `{path}` is in `{database}`: name that with --database, or in $SELFSAME_DATABASE")]
    Elsewhere {
        /// The folder.
        path: String,
        /// Where its ledger is, without user and password.
        database: String,
    },
    /// The folder has a ledger of its own.
    #[error(
        "`{path}` has a ledger of its own, in `selfsame.db`: leave --database out, or name another folder with --data"
    )]
    Here {
        /// The folder.
        path: String,
    },
    /// The ledger in the database was begun with another key.
    #[error(
        "`{path}` is `{ours}`, and the ledger in the database was begun with `{theirs}`: give each replica the same `keys` folder"
    )]
    OtherKey {
        /// The file of the public key.
        path: String,
        /// What it holds.
        ours: String,
        /// What the database says.
        theirs: String,
    },
    /// Storage could not be opened.
    #[error(transparent)]
    Storage(#[from] Trouble),
    /// The engine could not start.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

/// An engine with the things that the server shows beside it.
pub struct Composed {
    /// The engine.
    pub engine: Engine,
    /// Its storage.
    pub storage: Storage,
    /// The public key of the ledger, as a verifier key.
    pub verifier: String,
    /// Who makes receipts of promotions; nobody, if the folder of keys was given and has no key for that.
    pub receipts: Option<Arc<Receipts>>,
}

/// The adapters of a server.
pub struct Storage {
    /// The ports that the engine works on.
    pub ports: Ports,
    /// The blobs again, where they are in object storage.
    pub objects: Option<Arc<Objects>>,
}

impl Storage {
    fn of(store::Opened { database, shelves }: store::Opened) -> Self {
        let ports = Ports {
            ledger: database.clone(),
            catalog: database.clone(),
            blobs: shelves.blobs,
            views: database,
            tiles: shelves.tiles,
        };
        Self { ports, objects: shelves.objects }
    }

    /// Makes object storage that ledger's own, if there is any.
    async fn claim(&self, verifier: &str) -> Result<(), Unusable> {
        if let Some(objects) = &self.objects {
            objects.check().await?;
            objects.claim(verifier).await?;
        }
        Ok(())
    }
}

impl DataDir {
    /// The data directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), database: DatabaseChoice::Embedded, keys: None }
    }

    /// The same, with the keys in a folder that somebody has made, which is only read.
    pub fn with_keys(self, keys: Option<PathBuf>) -> Self {
        Self { keys, ..self }
    }

    /// The same, with the database there.
    pub fn with_database(self, database: DatabaseChoice) -> Self {
        Self { database, ..self }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub fn database(&self) -> &DatabaseChoice {
        &self.database
    }

    /// The folder of the keys.
    pub fn keys(&self) -> Keys {
        Keys::new(self.keys.clone().unwrap_or_else(|| self.path.join("keys")))
    }

    /// The file that says that the database is elsewhere.
    fn marker(&self) -> PathBuf {
        self.path.join("database")
    }

    /// Opens the storage for a verb that must be alone with it: no server runs meanwhile, and none is started.
    pub async fn open_alone(&self) -> Result<Storage, Unusable> {
        match &self.database {
            DatabaseChoice::Embedded => self.open_embedded(),
            DatabaseChoice::Postgres(address) => Ok(self.open_replica(address, Access::Alone).await?.0),
        }
    }

    /// Opens the storage for a verb that only looks: other servers of one database go on.
    pub async fn open_to_look(&self) -> Result<Storage, Unusable> {
        match &self.database {
            DatabaseChoice::Embedded => self.open_embedded(),
            DatabaseChoice::Postgres(address) => Ok(self.open_replica(address, Access::Shared).await?.0),
        }
    }

    /// Opens the storage of an embedded server, and nothing else: no engine runs.
    fn open_embedded(&self) -> Result<Storage, Unusable> {
        // Otherwise a second ledger would begin here, under the same key.
        if let Some(elsewhere) = read_if_there(&self.marker())? {
            return Err(Unusable::Elsewhere {
                path: self.path.display().to_string(),
                database: elsewhere.trim().into(),
            });
        }
        Ok(Storage::of(store::open(&self.path)?))
    }

    /// Has the directory keep its blobs and the published ledger in object storage, from its beginning on.
    pub fn keep_objects_at(&self, place: &Place) -> Result<(), Unusable> {
        Ok(store::objects::choose(&self.path, place)?)
    }

    /// Opens the storage of a replica. Whatever was there first, a ledger in this folder or one in that database, goes with no other.
    async fn open_replica(
        &self,
        address: &store::sql::Address,
        access: Access,
    ) -> Result<(Storage, Arc<store::sql::Database>), Unusable> {
        if self.path.join("selfsame.db").exists() {
            return Err(Unusable::Here { path: self.path.display().to_string() });
        }
        let opened = match access {
            Access::Shared => store::open_replica(&self.path, address.clone(), variable).await?,
            Access::Alone => store::open_alone(&self.path, address.clone(), variable).await?,
        };
        if read_if_there(&self.marker())?.is_none() {
            write_new(&self.marker(), format!("{address}\n").as_bytes(), 0o600)?;
        }
        let database = opened.database.clone();
        Ok((Storage::of(opened), database))
    }

    /// Opens the storage and starts an engine on it. A new ledger gets a key and a first token.
    pub async fn compose(&self, origin: &str) -> Result<Composed, Unusable> {
        match &self.database {
            DatabaseChoice::Embedded => self.start(self.open_embedded()?, self.signer(origin)?).await,
            DatabaseChoice::Postgres(address) => {
                // Of replicas that start together, one makes the keys and begins the ledger.
                let _starting = self.starting()?;
                let (storage, database) = self.open_replica(address, Access::Shared).await?;
                let signer = self.signer(origin)?;
                let (ours, theirs) =
                    (signer.verifier_key().to_string(), database.verifier(&signer.verifier_key().to_string()).await?);
                if ours != theirs {
                    let path = self.keys().public().display().to_string();
                    return Err(Unusable::OtherKey { path, ours, theirs });
                }
                self.start(storage, signer).await
            }
        }
    }

    /// As [`DataDir::open_alone`], and makes object storage that ledger's own.
    pub async fn open_for(&self, verifier: &str) -> Result<Storage, Unusable> {
        let storage = self.open_alone().await?;
        storage.claim(verifier).await?;
        Ok(storage)
    }

    /// A lock that is held while a replica starts.
    fn starting(&self) -> Result<fs::File, Unusable> {
        let path = self.path.join("lock");
        let lock = || {
            fs::create_dir_all(&self.path)?;
            let file = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
            file.lock().map(|()| file)
        };
        lock().map_err(|source| Unusable::File { path: path.display().to_string(), source })
    }

    async fn start(&self, storage: Storage, signer: SignerKey) -> Result<Composed, Unusable> {
        let verifier = signer.verifier_key().to_string();
        storage.claim(&verifier).await?;
        let is_new = storage.ports.ledger.head().await?.frontier.size() == 0;
        let opening = if is_new { Some(self.opening()?) } else { None };
        let origin = signer.name().to_string();
        let engine = Engine::start(storage.ports.clone(), Options::new(signer, opening)).await?;
        let key = self.receipts_key()?;
        let receipts = key.map(|key| Arc::new(Receipts::new(engine.clone(), Arc::new(key), &origin)));
        Ok(Composed { engine, storage, verifier, receipts })
    }

    /// The key that signs receipts, made on first use where the folder is our own. None is made beside the public key of another one: whoever
    /// believes that would not believe what is signed then.
    fn receipts_key(&self) -> Result<Option<PrivateKey>, Unusable> {
        let keys = self.keys();
        match keys.receipts()? {
            None if self.keys.is_none() && !keys.receipts_public().exists() => keys.make_receipts().map(Some),
            None => {
                let folder = keys.folder().display().to_string();
                tracing::warn!(folder, "There is no `receipts.key`, so promotions leave no receipts");
                Ok(None)
            }
            found => Ok(found),
        }
    }

    /// The ledger's key, made on first use. Its name, the origin, is kept with it and stays what it was.
    fn signer(&self, origin: &str) -> Result<SignerKey, Unusable> {
        let keys = self.keys();
        match keys.signer()? {
            Some(signer) => Ok(signer),
            None if self.keys.is_none() => keys.make_signer(origin),
            None => Err(keys.missing("ledger.key")),
        }
    }

    /// The first token, made on first use.
    fn opening(&self) -> Result<Opening, Unusable> {
        let keys = self.keys();
        let secret = match keys.first_token()? {
            Some(secret) => secret,
            None if self.keys.is_none() => keys.make_first_token()?,
            None => return Err(keys.missing("admin.token")),
        };
        let token: Option<TokenId> = server::token::id_of(&secret);
        let token = token.ok_or_else(|| keys.unreadable("admin.token", "it holds no token"))?;
        Ok(Opening { token, hash: Digest::sha256(secret.as_bytes()) })
    }
}

/// The published ledger and the blobs that `data` speaks of, to be read. The database is not touched, so a server may be running there.
pub fn files_of(data: &Path) -> Result<engine::Files, Trouble> {
    let shelves = store::open_shelves(data, variable)?;
    Ok(engine::Files { tiles: shelves.tiles, blobs: shelves.blobs })
}

/// The published ledger and the blobs of a backup.
pub fn files_in(folder: &Path) -> Result<engine::Files, Trouble> {
    if let Some(place) = store::objects::chosen(folder)? {
        let why = format!("its blobs are in `{place}`, so it is no backup: name another folder");
        return Err(Trouble::new(format!("write to `{}`", folder.display()), why));
    }
    files_of(folder)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
