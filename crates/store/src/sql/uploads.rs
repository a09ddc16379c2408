//! The [`Sessions`] port: uploads to object storage that are under way.

use async_trait::async_trait;
use domain::Timestamp;
use engine::ports::{Trouble, UploadId};
use futures::FutureExt;

use super::{
    Database, Failed,
    seal::sealed,
    tx::{Row, Tx, V},
};
use crate::objects::{Sessions, StoredPart};

const SESSIONS: &str = "upload sessions";

#[async_trait]
impl Sessions for Database {
    async fn begin(&self, id: &UploadId, document: String, now: Timestamp) -> Result<(), Trouble> {
        let id = id.as_str().to_owned();
        self.write(SESSIONS, move |tx| async move { begin(tx, &id, &document, now).await }.boxed()).await
    }

    async fn find(&self, id: &UploadId) -> Result<Option<(u64, String)>, Trouble> {
        self.look_up(SESSIONS, |tx| find(tx, id.as_str()).boxed()).await
    }

    async fn advance(
        &self,
        id: &UploadId,
        version: u64,
        document: String,
        part: Option<StoredPart>,
        now: Timestamp,
    ) -> Result<bool, Trouble> {
        let id = id.as_str().to_owned();
        self.write(SESSIONS, move |tx| {
            async move { advance(tx, &id, version, &document, part.as_ref(), now).await }.boxed()
        })
        .await
    }

    async fn parts(&self, id: &UploadId) -> Result<Vec<StoredPart>, Trouble> {
        self.scan(SESSIONS, |tx| parts(tx, id.as_str()).boxed()).await
    }

    async fn end(&self, id: &UploadId, version: u64) -> Result<bool, Trouble> {
        let id = id.as_str().to_owned();
        self.write(SESSIONS, move |tx| async move { end(tx, &id, version).await }.boxed()).await
    }

    async fn stale(&self, before: Timestamp, limit: usize) -> Result<Vec<(UploadId, u64)>, Trouble> {
        self.scan(SESSIONS, |tx| stale(tx, before, limit).boxed()).await
    }
}

async fn stale(tx: &mut Tx<'_>, before: Timestamp, limit: usize) -> Result<Vec<(UploadId, u64)>, Failed> {
    let select = "SELECT id, version FROM uploads WHERE at <= $1 ORDER BY at LIMIT $2";
    let rows = tx.rows(select, &[before.into(), (limit as u64).into()]).await?;
    let named = |row: &Row| Ok((row.parsed(0, "an upload's name")?, row.natural(1, "an upload's version")?));
    rows.iter().map(named).collect()
}

async fn begin(tx: &mut Tx<'_>, id: &str, document: &str, now: Timestamp) -> Result<(), Failed> {
    let insert = "INSERT INTO uploads(id, version, document, at, seal) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(insert, &sealed(&[V::T(id), V::I(1), V::T(document), now.into()])).await?;
    Ok(())
}

async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<(u64, String)>, Failed> {
    let what = || format!("the upload `{id}`");
    let select = "SELECT id, version, document, at, seal FROM uploads WHERE id = $1";
    let Some(row) = tx.row(select, &[V::T(id)]).await? else { return Ok(None) };
    let row = row.unsealed(what)?;
    Ok(Some((row.natural(1, &what())?, row.text(2, &what())?.to_owned())))
}

async fn advance(
    tx: &mut Tx<'_>,
    id: &str,
    version: u64,
    document: &str,
    part: Option<&StoredPart>,
    now: Timestamp,
) -> Result<bool, Failed> {
    let update = "UPDATE uploads SET version = $2, document = $3, at = $4, seal = $5 WHERE id = $1 AND version = $6";
    let mut values = sealed(&[V::T(id), (version + 1).into(), V::T(document), now.into()]);
    values.push(version.into());
    if tx.execute(update, &values).await? == 0 {
        return Ok(false);
    }
    if let Some(part) = part {
        let insert = "INSERT INTO upload_parts(upload, number, etag, sums, seal) VALUES ($1, $2, $3, $4, $5)";
        let row = [V::T(id), part.number.into(), V::T(&part.etag), V::B(&part.sums)];
        tx.execute(insert, &sealed(&row)).await?;
    }
    Ok(true)
}

async fn parts(tx: &mut Tx<'_>, id: &str) -> Result<Vec<StoredPart>, Failed> {
    let what = || format!("a part of the upload `{id}`");
    let select = "SELECT upload, number, etag, sums, seal FROM upload_parts WHERE upload = $1 ORDER BY number";
    let rows = tx.rows(select, &[V::T(id)]).await?.into_iter().map(|row| {
        let mut row = row.unsealed(what)?;
        let (number, etag) = (row.natural(1, &what())?, row.text(2, &what())?.to_owned());
        Ok(StoredPart { number, etag, sums: row.take_bytes(3, &what())? })
    });
    rows.collect()
}

async fn end(tx: &mut Tx<'_>, id: &str, version: u64) -> Result<bool, Failed> {
    let deleted = tx.execute("DELETE FROM uploads WHERE id = $1 AND version = $2", &[V::T(id), version.into()]).await?;
    if deleted == 1 {
        tx.execute("DELETE FROM upload_parts WHERE upload = $1", &[V::T(id)]).await?;
    }
    Ok(deleted == 1)
}
