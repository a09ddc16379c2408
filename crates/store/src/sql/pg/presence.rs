//! Who uses a database: servers, in every session that they have, or one program that is alone with it.
//!
//! A server holds a shared lock in each of its sessions, from the session's beginning to its end. A verb that must be alone holds the same lock
//! for itself. So while it works no server has a session in which it could still write what it decided before, and one that was stopped or
//! cut off gets no new session until everything that is derived is there again.

use std::time::Duration;

use tokio_postgres::Client;

use crate::sql::{Failed, locks::PRESENT};

/// How often being alone is tried: a server that has just ended is present until the database has noticed.
const TRIES: u32 = 12;
/// How long between.
const PAUSE: Duration = Duration::from_millis(250);

/// Who may use the database at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Other servers, too.
    Shared,
    /// Nobody else, as long as this handle lives.
    Alone,
}

/// Makes a session one of a server.
pub(super) async fn enter(client: &Client) -> Result<(), Failed> {
    let entered: bool = client.query_one("SELECT pg_try_advisory_lock_shared($1)", &[&PRESENT]).await?.try_get(0)?;
    if entered {
        return Ok(());
    }
    Err(Failed::Stopped("a verb such as `selfsame rebuild` is alone with it: wait until that has ended".into()))
}

/// The same once the tables are there: what is decided on rows that are yet to be made anew would be wrong.
pub(super) async fn enter_whole(client: &Client) -> Result<(), Failed> {
    enter(client).await?;
    let rebuilding: bool = client.query_one("SELECT EXISTS(SELECT 1 FROM rebuild)", &[]).await?.try_get(0)?;
    if rebuilding {
        let why = "a rebuild has begun and has not ended: run `selfsame rebuild` again, to its end";
        return Err(Failed::Stopped(why.into()));
    }
    Ok(())
}

/// Has a session be alone, as long as it lives; an error if there are servers.
pub(super) async fn be_alone(client: &Client) -> Result<(), Failed> {
    for _ in 0..TRIES {
        let alone: bool = client.query_one("SELECT pg_try_advisory_lock($1)", &[&PRESENT]).await?.try_get(0)?;
        if alone {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let there = present(client).await?;
    let from = if there.is_empty() { "another program".into() } else { there.join(", ") };
    Err(Failed::Stopped(format!("it is in use, from {from}: stop the servers first")))
}

/// From which addresses servers, or a program that is alone, use the database.
pub(super) async fn present(client: &Client) -> Result<Vec<String>, Failed> {
    let select = "SELECT DISTINCT COALESCE(host(a.client_addr), 'the same machine') FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                  WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid::bigint = $1 AND a.datname = current_database() \
                  AND pid <> pg_backend_pid() ORDER BY 1";
    let rows = client.query(select, &[&PRESENT]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
