//! What a database is, as far as it can be asked without changing it.

use std::path::Path;

use domain::Timestamp;
use engine::ports::Trouble;
use rusqlite::{Connection, OpenFlags};

use super::{Address, Failed, pg, schema};

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What it is, with its version.
    pub server: String,
    /// The version of its tables; `None` if there are none yet.
    pub schema: Option<i64>,
    /// Its clock, where it has one of its own.
    pub clock: Option<Timestamp>,
    /// From which addresses servers use it.
    pub used_from: Vec<String>,
}

impl Inspection {
    /// The version that this program's tables have.
    pub const SCHEMA: i64 = schema::KNOWN;

    /// Asks a PostgreSQL database, which is not brought to this program's version.
    ///
    /// # Errors
    /// If it does not answer, or is not fit for a ledger.
    pub async fn of_server(address: &Address) -> Result<Self, Trouble> {
        pg::inspect(address).await
    }

    /// Looks at `selfsame.db` in `data`; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_file(data: &Path) -> Result<Option<Self>, Trouble> {
        let file = data.join("selfsame.db");
        if !file.exists() {
            return Ok(None);
        }
        let look = || -> Result<_, Failed> {
            let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            schema::version_of(&connection)
        };
        let schema = look().map_err(|failed| Trouble::new(format!("look at `{}`", file.display()), failed))?;
        let server = format!("SQLite {}", rusqlite::version());
        Ok(Some(Self { server, schema, clock: None, used_from: Vec::new() }))
    }
}
