//! Wires the adapters by hand, visibly: which storage, which keys, which clock.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{Digest, TokenId};
use engine::{Engine, Opening, Options, Ports, ports::Trouble};
use store::objects::{Objects, Place};
use tlog::SignerKey;

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
///   keys/admin.token   the first token; delete it once others are issued
/// ```
///
/// Of a replica, the database is elsewhere, and all replicas share the folder: its blobs, its published ledger, its keys.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    database: DatabaseChoice,
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
    /// The private key of the ledger is not readable as one.
    #[error("`{path}` is no ledger key: {problem}")]
    Key {
        /// Where.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The database is elsewhere, and nobody said where.
    #[error(
        "the ledger of `{path}` is in `{database}`: name that with --database; the verbs that work on a stopped server's folder cannot"
    )]
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
        Self { path: path.into(), database: DatabaseChoice::Embedded }
    }

    /// The same, with the database there.
    pub fn with_database(self, database: DatabaseChoice) -> Self {
        Self { database, ..self }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the ledger's public key.
    pub fn public_key(&self) -> PathBuf {
        self.path.join("keys/ledger.pub")
    }

    /// The file of the first token.
    pub fn admin_token(&self) -> PathBuf {
        self.path.join("keys/admin.token")
    }

    /// The file that says that the database is elsewhere.
    fn marker(&self) -> PathBuf {
        self.path.join("database")
    }

    /// Opens the storage of an embedded server, and nothing else: no engine runs.
    pub fn open_storage(&self) -> Result<Storage, Unusable> {
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
    ) -> Result<(Storage, Arc<store::sql::Database>), Unusable> {
        if self.path.join("selfsame.db").exists() {
            return Err(Unusable::Here { path: self.path.display().to_string() });
        }
        let opened = store::open_replica(&self.path, address.clone(), |name| std::env::var(name).ok()).await?;
        if read_if_there(&self.marker())?.is_none() {
            write_new(&self.marker(), format!("{address}\n").as_bytes(), 0o600)?;
        }
        let database = opened.database.clone();
        Ok((Storage::of(opened), database))
    }

    /// Opens the storage and starts an engine on it. A new ledger gets a key and a first token.
    pub async fn compose(&self, origin: &str) -> Result<Composed, Unusable> {
        match &self.database {
            DatabaseChoice::Embedded => self.start(self.open_storage()?, self.signer(origin)?).await,
            DatabaseChoice::Postgres(address) => {
                // Of replicas that start together, one makes the keys and begins the ledger.
                let _starting = self.starting()?;
                let (storage, database) = self.open_replica(address).await?;
                let signer = self.signer(origin)?;
                let (ours, theirs) =
                    (signer.verifier_key().to_string(), database.verifier(&signer.verifier_key().to_string()).await?);
                if ours != theirs {
                    return Err(Unusable::OtherKey { path: self.public_key().display().to_string(), ours, theirs });
                }
                self.start(storage, signer).await
            }
        }
    }

    /// Opens the storage, wherever it is, and looks whether it can be used; no engine runs.
    pub async fn open(&self, verifier: &str) -> Result<Storage, Unusable> {
        let storage = match &self.database {
            DatabaseChoice::Embedded => self.open_storage()?,
            DatabaseChoice::Postgres(address) => self.open_replica(address).await?.0,
        };
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
        let engine = Engine::start(storage.ports.clone(), Options::new(signer, opening)).await?;
        Ok(Composed { engine, storage, verifier })
    }

    /// The ledger's key, made on first use. Its name, the origin, is kept with it and stays what it was.
    fn signer(&self, origin: &str) -> Result<SignerKey, Unusable> {
        let (file, public) = (self.path.join("keys/ledger.key"), self.public_key());
        let unreadable = |problem: String| Unusable::Key { path: file.display().to_string(), problem };
        if let Some(pem) = read_if_there(&file)? {
            let name = read_if_there(&public)?.and_then(|vkey| vkey.split('+').next().map(ToOwned::to_owned));
            let name = name.unwrap_or_else(|| origin.to_owned());
            return SignerKey::from_pkcs8_pem(&name, &pem).map_err(|error| unreadable(error.to_string()));
        }
        let mut seed = [0_u8; 32];
        fill_random(&mut seed);
        let signer = SignerKey::from_seed(origin, seed).map_err(|error| unreadable(error.to_string()))?;
        let pem = signer.to_pkcs8_pem().map_err(|error| unreadable(error.to_string()))?;
        write_new(&public, signer.verifier_key().to_string().as_bytes(), 0o644)?;
        write_new(&file, pem.as_bytes(), 0o600)?;
        Ok(signer)
    }

    /// The first token, made on first use. Its secret is on disk before the ledger knows its hash.
    fn opening(&self) -> Result<Opening, Unusable> {
        let file = self.admin_token();
        let secret = match read_if_there(&file)? {
            Some(secret) => secret.trim().to_owned(),
            None => {
                let secret = server::token::generate();
                write_new(&file, format!("{secret}\n").as_bytes(), 0o600)?;
                secret
            }
        };
        let token: Option<TokenId> = server::token::id_of(&secret);
        let token = token
            .ok_or_else(|| Unusable::Key { path: file.display().to_string(), problem: "it holds no token".into() })?;
        Ok(Opening { token, hash: Digest::sha256(secret.as_bytes()) })
    }
}

/// The published ledger and the blobs in a data directory or a backup. The database is not touched, so a server may be running there.
pub fn files_in(folder: &Path) -> Result<engine::Files, Trouble> {
    if let Some(place) = store::objects::chosen(folder)? {
        let why = format!("its blobs are in `{place}`: copy that bucket by the storage's own means");
        return Err(Trouble::new(format!("read `{}`", folder.display()), why));
    }
    Ok(engine::Files {
        tiles: Arc::new(store::tiles::TileDirectory::open(&folder.join("ledger"))?),
        blobs: Arc::new(store::blobs::Directory::open(folder)?),
    })
}

fn fill_random(bytes: &mut [u8]) {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
}

fn read_if_there(path: &Path) -> Result<Option<String>, Unusable> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Unusable::File { path: path.display().to_string(), source }),
    }
}

/// Writes a file that must not be there yet: whole or not at all, and durably.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Unusable> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let temporary = path.with_extension("new");
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| Unusable::File { path: path.display().to_string(), source })
}
