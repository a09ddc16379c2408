//! What replicas of one database have in common beside the ledger: news of each other's commits, the newest checkpoint, and the key.

use std::time::Duration;

use engine::ports::{Head, Ledger, Trouble};
use futures::FutureExt;

use super::{
    Database, Failed,
    locks::{CHECKPOINT, TURNS},
    pg::CHANNEL,
    seal::sealed,
    tx::{Tx, V},
};

/// How often the head is read, whether or not anybody said that it has moved.
const ROUND: Duration = Duration::from_millis(300);

/// Says to the other replicas, once this transaction is committed, how many entries there are.
pub(super) async fn tell(tx: &mut Tx<'_>, size: u64) -> Result<(), Failed> {
    match tx {
        Tx::Pg(_) => tx.run("SELECT pg_notify($1, $2)", &[V::T(CHANNEL), V::T(&size.to_string())]).await,
        _ => Ok(()),
    }
}

pub(super) async fn moved(database: &Database, from: u64) -> Result<Head, Trouble> {
    match database {
        Database::Lite(_) => std::future::pending().await,
        Database::Pg(postgres) => {
            postgres.listener().more_than(from, ROUND).await;
            database.head().await
        }
    }
}

/// See [`Ledger::take_turn`]. The clock is the database's: those of the replicas may differ.
pub(super) async fn take_turn(database: &Database, work: &str, lasts: Duration) -> Result<Option<u64>, Trouble> {
    let Database::Pg(postgres) = database else { return Ok(Some(0)) };
    let (work, me) = (work.to_owned(), postgres.name().to_owned());
    let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX);
    database.write("whose turn it is", move |tx| turn(tx, work, me, lasts).boxed()).await
}

async fn turn(tx: &mut Tx<'_>, work: String, me: String, lasts: i64) -> Result<Option<u64>, Failed> {
    let what = || format!("whose turn it is at `{work}`");
    tx.take_turn(TURNS).await?;
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let now = tx.row(now, &[]).await?.ok_or_else(|| Failed::Damaged("the time".into()))?.integer(0, "the time")?;
    let known = "SELECT work, who, number, until, seal FROM turns WHERE work = $1";
    let number = match tx.row(known, &[V::T(&work)]).await? {
        None => 1,
        Some(row) => {
            let row = row.unsealed(what)?;
            let (mine, number) = (row.text(1, "whose turn it is")? == me, row.natural(2, "the number of a turn")?);
            if !mine && row.integer(3, "the end of a turn")? > now {
                return Ok(None);
            }
            if mine { number } else { number + 1 }
        }
    };
    let set = "INSERT INTO turns(work, who, number, until, seal) VALUES ($1, $2, $3, $4, $5) ON CONFLICT(work) DO UPDATE SET \
               who = excluded.who, number = excluded.number, until = excluded.until, seal = excluded.seal";
    let until = V::I(now.saturating_add(lasts));
    tx.run(set, &sealed(&[V::T(&work), V::T(&me), number.into(), until])).await?;
    Ok(Some(number))
}

impl Database {
    /// The newest checkpoint that was put.
    pub async fn checkpoint(&self) -> Result<Option<Vec<u8>>, Trouble> {
        self.look_up("the checkpoint", |tx| async move { Ok(checkpoint(tx).await?.map(|(_, note)| note)) }.boxed())
            .await
    }

    /// Puts a checkpoint, unless there is one of a larger tree: a replica that was slow puts nothing back to where it was.
    pub async fn put_checkpoint(&self, note: Vec<u8>) -> Result<(), Trouble> {
        self.write("the checkpoint", move |tx| {
            async move {
                let size = size_of(&note).ok_or_else(|| Failed::Damaged("a checkpoint to be put".into()))?;
                tx.take_turn(CHECKPOINT).await?;
                if checkpoint(tx).await?.is_some_and(|(larger, _)| larger > size) {
                    return Ok(());
                }
                let set = "INSERT INTO checkpoint(id, size, note, seal) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT(id) DO UPDATE SET size = excluded.size, note = excluded.note, seal = excluded.seal";
                tx.run(set, &sealed(&[V::I(1), size.into(), V::B(&note)])).await
            }
            .boxed()
        })
        .await
    }

    /// Makes `verifier`, a verifier key, that of this ledger, if it has none yet; answers with the one that it has.
    pub async fn verifier(&self, verifier: &str) -> Result<String, Trouble> {
        let verifier = verifier.to_owned();
        self.write("the ledger's verifier key", move |tx| {
            async move {
                let set = "INSERT INTO verifier(id, name, seal) VALUES ($1, $2, $3) ON CONFLICT(id) DO NOTHING";
                tx.run(set, &sealed(&[V::I(1), V::T(&verifier)])).await?;
                let what = || "the ledger's verifier key".to_owned();
                let row = tx.row("SELECT id, name, seal FROM verifier WHERE id = 1", &[]).await?;
                let row = row.ok_or_else(|| Failed::Damaged(what()))?.unsealed(what)?;
                Ok(row.text(1, "the ledger's verifier key")?.to_owned())
            }
            .boxed()
        })
        .await
    }
}

async fn checkpoint(tx: &mut Tx<'_>) -> Result<Option<(u64, Vec<u8>)>, Failed> {
    let what = || "the checkpoint".to_owned();
    let Some(row) = tx.row("SELECT id, size, note, seal FROM checkpoint WHERE id = 1", &[]).await? else {
        return Ok(None);
    };
    let mut row = row.unsealed(what)?;
    Ok(Some((row.natural(1, "the checkpoint's size")?, row.take_bytes(2, "the checkpoint")?)))
}

/// How many entries a checkpoint covers, by what it says. Whether it is rightly signed is for the engine to say, whenever it reads one.
pub(crate) fn size_of(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1)?.parse().ok()
}
