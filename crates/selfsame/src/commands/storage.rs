//! Options that say where a ledger is kept.

mod objects;

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

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
    /// The PostgreSQL database of several equal servers, as `postgres://USER:PASSWORD@HOST/DATABASE`; without it, this one keeps its own in DIR. A
    /// password is better given by the environment, where `ps` does not show it.
    #[arg(long, env = "SELFSAME_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<DatabaseUrl>,
    #[command(flatten)]
    objects: objects::ObjectArgs,
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
        Self { data, database: None, objects: Default::default() }
    }

    /// The data directory, which knows where the rest is.
    pub fn folder(&self) -> Outcome<DataDir> {
        let database = match &self.database {
            None => DatabaseChoice::Embedded,
            Some(DatabaseUrl(url)) => match url.parse() {
                Ok(address) => DatabaseChoice::Postgres(address),
                Err(invalid) => return Err(Failure::usage(format!("{invalid}"), "see `selfsame serve --help`")),
            },
        };
        let data = DataDir::new(&self.data).with_database(database);
        if let Some(place) = self.objects.place()? {
            data.keep_objects_at(&place).map_err(|unusable: Unusable| Failure::broken(unusable.to_string()))?;
        }
        Ok(data)
    }
}
