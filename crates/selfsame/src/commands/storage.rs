//! Options that say where a ledger is kept.

mod objects;

use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use crate::{
    compose::{DataDir, DatabaseChoice, Unusable},
    outcome::{Failure, Outcome},
};

/// Where a ledger is kept.
#[derive(Clone, Debug, Args)]
pub struct StorageArgs {
    /// Where to keep everything.
    #[arg(long, env = "SELFSAME_DATA", default_value = "selfsame-data", value_name = "DIR")]
    pub data: PathBuf,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

/// Where what is not in the data directory is kept.
#[derive(Clone, Debug, Default, Args)]
pub struct Elsewhere {
    /// The PostgreSQL database of several equal servers, as `postgres://USER:PASSWORD@HOST/DATABASE`; without it, this one keeps its own in DIR. A
    /// password is better given by the environment, where `ps` does not show it.
    #[arg(long, env = "SELFSAME_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<DatabaseUrl>,
    #[command(flatten)]
    objects: objects::ObjectArgs,
}

/// Where the ledger's keys are.
#[derive(Clone, Debug, Default, Args)]
pub struct KeysFolder {
    /// The folder of the ledger's keys, as `selfsame keys create` makes it, which is only read; without it they are in the data directory, and are
    /// made there when a ledger begins.
    #[arg(long, env = "SELFSAME_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// The URL of a database, as somebody wrote it. It may hold a password, so it is never shown, not even where it is wrong.
#[derive(Clone)]
struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl")
    }
}

impl StorageArgs {
    /// All of it in one folder.
    pub fn embedded(data: PathBuf) -> Self {
        Self { data, elsewhere: Elsewhere::default() }
    }

    /// The data directory, which knows where the rest is.
    pub fn folder(&self) -> Outcome<DataDir> {
        self.elsewhere.folder(&self.data)
    }

    /// The same of a ledger that is there.
    pub fn existing(&self) -> Outcome<DataDir> {
        self.elsewhere.existing(&self.data)
    }

    /// The same, where only blobs and published files are wanted: if a bucket is named they are there.
    pub fn readable(&self) -> Outcome<DataDir> {
        if self.elsewhere.objects.place()?.is_some() { self.folder() } else { self.existing() }
    }
}

impl Elsewhere {
    /// A data directory that must be there, unless its database is elsewhere, with where the rest is.
    pub fn existing(&self, data: &Path) -> Outcome<DataDir> {
        // Opening would make a directory that is not there.
        if self.database.is_none() && !data.is_dir() {
            return Err(Failure::usage(
                format!("there is no folder `{}`", data.display()),
                "name the server's data directory with --data",
            ));
        }
        self.folder(data)
    }

    /// A data directory with where the rest is.
    pub fn folder(&self, data: &Path) -> Outcome<DataDir> {
        let database = match &self.database {
            None => DatabaseChoice::Embedded,
            Some(DatabaseUrl(url)) => match url.parse() {
                Ok(address) => DatabaseChoice::Postgres(address),
                Err(invalid) => return Err(Failure::usage(format!("{invalid}"), "see `selfsame serve --help`")),
            },
        };
        let data = DataDir::new(data).with_database(database);
        if let Some(place) = self.objects.place()? {
            data.keep_objects_at(&place).map_err(|unusable: Unusable| Failure::broken(unusable.to_string()))?;
        }
        Ok(data)
    }
}
