//! [`Postgres`]: sessions with a PostgreSQL that other replicas use, too.
//!
//! Reads run in a snapshot (`REPEATABLE READ`), writes at `READ COMMITTED`, where a statement that waited for another transaction sees what
//! that has done. What keeps the ledger from forking is in `ledger::commit`. Every session has limits of its own on how long it may wait, and be
//! waited for (`address`); every answer is waited for only so long here.

mod address;
mod listen;
mod presence;
mod session;
mod turn;
mod values;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::Timestamp;
use engine::ports::Trouble;
use futures::future::BoxFuture;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Failed, inspect::Inspection, schema, tx::Tx};
pub use address::{Address, InvalidAddress};
pub(super) use listen::CHANNEL;
use listen::Listener;
pub use presence::Access;
pub(super) use session::Session;
pub(super) use turn::PgTurn;

/// How many read at once, and how many write.
const READERS: usize = 12;
const WRITERS: usize = 4;
/// How long anything may take here: longer than the server gives it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A PostgreSQL database.
pub struct Postgres {
    address: Address,
    /// What this replica calls itself where others must tell it from themselves: a new name with each start.
    name: String,
    tls: MakeRustlsConnect,
    readers: Pool,
    writers: Pool,
    listener: Listener,
    /// The session by which this program is alone, if it must be.
    alone: Option<tokio_postgres::Client>,
}

/// Idle sessions, and turns at having one.
struct Pool {
    idle: Mutex<Vec<Session>>,
    turns: Semaphore,
}

/// A transaction that writes. One that is dropped is taken back.
struct Open<'p> {
    tx: Tx<'static>,
    _turn: SemaphorePermit<'p>,
}

/// What PostgreSQL, or the way to it, answered with.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Problem {
    text: String,
    /// Whether the session is good for more.
    passing: bool,
}

impl Postgres {
    /// Connects, and brings the database to this version.
    pub(super) async fn open(address: Address, access: Access) -> Result<Self, Trouble> {
        let tls = address.tls()?;
        let trouble = |failed: Failed| Trouble::new(format!("open {address}"), failed);
        let (client, connection) = connect(&address, &tls).await.map_err(trouble)?;
        let driven = tokio::spawn(connection);
        match access {
            Access::Shared => presence::enter(&client).await,
            Access::Alone => presence::be_alone(&client).await,
        }
        .map_err(trouble)?;
        let migrated = schema::migrate_postgres(&client).await;
        migrated.map_err(|unfit| Trouble::new(format!("migrate {address}"), unfit))?.tell(&address);
        let alone = match access {
            Access::Alone => Some(client),
            Access::Shared => {
                drop(client);
                let _ = driven.await;
                None
            }
        };
        let listener = Listener::start(address.clone(), tls.clone());
        let name = crate::blobs::new_upload_id("")?.name().to_owned();
        Ok(Self { address, name, tls, readers: Pool::new(READERS), writers: Pool::new(WRITERS), listener, alone })
    }

    /// Where it is, without user and password.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// What this replica calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What others say of the ledger's size.
    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Runs `read` in one snapshot.
    pub(super) async fn read<'e, T>(
        &self,
        read: impl for<'t> FnOnce(&'t mut Tx<'e>) -> BoxFuture<'t, Result<T, Failed>> + Send,
    ) -> Result<T, Failed> {
        let reading = async {
            let _turn = self.readers.turn().await?;
            let mut session = self.session(&self.readers).await?;
            session.send_plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
            let mut tx = Tx::Pg(session);
            let found = read(&mut tx).await;
            let Tx::Pg(mut session) = tx else { unreachable!("a transaction stays what it is") };
            // Nothing depends on how it ends, so that is heard of together with the next use.
            session.send_plain("COMMIT").await;
            self.readers.give_back(session, &found);
            found
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Runs `write` in a transaction of its own, and commits it. After a failure that is not a
    /// conflict it is unknown whether it was committed, or is yet to be.
    pub(super) async fn write<T>(
        &self,
        write: impl for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Failed>> + Send,
    ) -> Result<T, Failed> {
        let writing = async {
            let mut open = self.begin("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
            let written = write(&mut open.tx).await;
            self.finish(open, written).await
        };
        timeout(PATIENCE, writing).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Begins a transaction that writes.
    async fn begin(&self, begin: &'static str) -> Result<Open<'_>, Failed> {
        let turn = self.writers.turn().await?;
        let mut session = self.session(&self.writers).await?;
        session.send_plain(begin).await;
        Ok(Open { tx: Tx::Pg(session), _turn: turn })
    }

    /// Commits a transaction in which `written` was done, or takes it back if that failed.
    async fn finish<T>(&self, open: Open<'_>, mut written: Result<T, Failed>) -> Result<T, Failed> {
        let Tx::Pg(mut session) = open.tx else { unreachable!("a transaction stays what it is") };
        if written.is_ok() {
            written = self.still_alone().await.and(written);
        }
        session.send_plain(if written.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
        // `COMMIT` after a statement that failed takes the transaction back.
        if let Err(error) = session.settle().await
            && written.is_ok()
        {
            written = Err(error.into());
        }
        self.writers.give_back(session, &written);
        written
    }

    async fn session(&self, pool: &Pool) -> Result<Session, Failed> {
        if let Some(session) = pool.take() {
            return Ok(session);
        }
        let (client, connection) = connect(&self.address, &self.tls).await?;
        tokio::spawn(connection);
        if self.alone.is_none() {
            presence::enter_whole(&client).await?;
        }
        Ok(Session::new(client))
    }

    /// Whoever must be alone commits nothing once he need not be any more.
    async fn still_alone(&self) -> Result<(), Failed> {
        match &self.alone {
            Some(client) => Ok(client.batch_execute("SELECT 1").await?),
            None => Ok(()),
        }
    }
}

/// What a database says of itself.
pub(super) async fn inspect(address: &Address) -> Result<Inspection, Trouble> {
    let tls = address.tls()?;
    let asking = async {
        let (client, connection) = connect(address, &tls).await?;
        tokio::spawn(connection);
        let select = "SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let row = client.query_one(select, &[]).await?;
        let server = format!("PostgreSQL {}", row.try_get::<_, &str>(0)?);
        let clock = Some(Timestamp::from_millis(row.try_get(1)?));
        let schema = schema::version_of_postgres(&client).await?;
        Ok(Inspection { server, schema, clock, used_from: presence::present(&client).await? })
    };
    let asked = timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(silent()));
    asked.map_err(|failed: Failed| Trouble::new(format!("ask {address}"), failed))
}

impl Pool {
    fn new(turns: usize) -> Self {
        Self { idle: Mutex::default(), turns: Semaphore::new(turns) }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Failed> {
        self.turns.acquire().await.map_err(|closed| Failed::Stopped(closed.to_string()))
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|session| !session.is_closed());
        idle.pop()
    }

    fn give_back<T>(&self, session: Session, came_to: &Result<T, Failed>) {
        let is_good = came_to.as_ref().err().is_none_or(Failed::leaves_session);
        if is_good && !session.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }
}

/// Connects, and refuses a server that would not keep what it acknowledges. The second half must be driven for the first to work.
async fn connect(
    address: &Address,
    tls: &MakeRustlsConnect,
) -> Result<(tokio_postgres::Client, BoxFuture<'static, ()>), Failed> {
    let (client, connection) = address.config().connect(tls.clone()).await?;
    let driven = Box::pin(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %Problem::from(error), "A connection to the database ended");
        }
    });
    let checked = {
        let checking = check(&client);
        let mut driven = driven;
        match futures::future::select(Box::pin(checking), &mut driven).await {
            futures::future::Either::Left((checked, _)) => checked.map(|()| driven),
            futures::future::Either::Right(_) => Err(silent()),
        }
    };
    checked.map(|driven| (client, driven as BoxFuture<'static, ()>))
}

async fn check(client: &tokio_postgres::Client) -> Result<(), Failed> {
    let select = "SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('server_encoding'), \
                  current_setting('server_version_num')::bigint, pg_is_in_recovery()";
    let row = client.query_one(select, &[]).await?;
    let (synchronous, fsync, encoding): (&str, &str, &str) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (version, standby): (i64, bool) = (row.try_get(3)?, row.try_get(4)?);
    let refuse = |why: String| Err(Failed::Stopped(why));
    if synchronous == "off" {
        return refuse("its `synchronous_commit` is `off`, so what it acknowledges can be lost: set it to `on`".into());
    }
    if fsync == "off" {
        return refuse("its `fsync` is `off`, so a power cut can damage it: set it to `on`".into());
    }
    if encoding != "UTF8" {
        return refuse(format!("its encoding is `{encoding}`: make the database with `ENCODING 'UTF8'`"));
    }
    if version < 140_000 {
        return refuse(format!("it is PostgreSQL {}: 14 is the earliest that will do", version / 10_000));
    }
    if standby {
        return refuse("it is a standby, where nothing can be written: name the primary".into());
    }
    Ok(())
}

fn silent() -> Failed {
    let text = format!("it did not answer within {} s", PATIENCE.as_secs());
    Failed::Pg(Problem { text, passing: false })
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        use std::error::Error;
        match error.as_db_error() {
            Some(said) => {
                let hint = said.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                let ended = said.code() == &SqlState::ADMIN_SHUTDOWN || said.severity() == "FATAL";
                Self { text: format!("{} ({}){hint}", said.message(), said.code().code()), passing: !ended }
            }
            None => {
                let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                Self { text: format!("{error}{source}"), passing: false }
            }
        }
    }
}

/// What a constraint refuses says who was faster: see `ledger::commit`.
impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        let refused =
            error.as_db_error().map(|said| (said.code().clone(), said.table().unwrap_or_default().to_owned()));
        match refused.as_ref().map(|(code, table)| (code, &**table)) {
            Some((&SqlState::UNIQUE_VIOLATION, "requests")) => Self::Answered,
            Some((&SqlState::UNIQUE_VIOLATION, "entries")) | Some((&SqlState::NOT_NULL_VIOLATION, "head")) => {
                Self::Conflict
            }
            _ => Self::Pg(error.into()),
        }
    }
}

impl Failed {
    /// Whether the session that it happened in is good for more.
    fn leaves_session(&self) -> bool {
        match self {
            Self::Pg(problem) => problem.passing,
            Self::Sql(_) | Self::Damaged(_) | Self::Answered | Self::Conflict | Self::Stopped(_) => true,
        }
    }
}
