//! [`Session`]: one connection, and what was sent on it.
//!
//! A round trip costs more than most statements, so what nobody waits for is sent at once and heard of later: a whole commit is one round trip.
//! PostgreSQL runs what it is sent in order, and once a statement of a transaction has failed, it refuses all that follow, `COMMIT` included.

use std::{collections::HashMap, sync::Arc};

use futures::{FutureExt, future::BoxFuture, poll};
use tokio_postgres::{Client, Error, Statement, types::ToSql};

use super::values::{Column, Owned, row};
use crate::sql::{
    Failed,
    insert::Insert,
    tx::{Row, V},
};

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// A connection. One that is dropped in the middle of a transaction is closed, and PostgreSQL takes the transaction back.
pub(in crate::sql) struct Session {
    client: Arc<Client>,
    statements: HashMap<String, Statement>,
    /// What was sent and not heard of yet, in order.
    sent: Vec<BoxFuture<'static, Result<u64, Error>>>,
}

impl Session {
    pub fn new(client: Client) -> Self {
        Self { client: Arc::new(client), statements: HashMap::new(), sent: Vec::new() }
    }

    /// Whether nothing can be sent on it any more.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends what stands alone, such as `BEGIN`.
    pub async fn send_plain(&mut self, sql: &'static str) {
        let client = self.client.clone();
        self.send(async move { client.batch_execute(sql).await.map(|()| 0) }.boxed()).await;
    }

    /// Sends a statement that nobody waits for.
    pub async fn send_statement(&mut self, sql: &str, values: &[V<'_>]) -> Result<(), Failed> {
        let statement = self.prepared(sql).await?;
        let values: Vec<Owned> = values.iter().map(Owned::from).collect();
        let client = self.client.clone();
        let sent = async move {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            client.execute(&statement, &values).await
        };
        self.send(sent.boxed()).await;
        Ok(())
    }

    /// Sends rows, any number of them in one statement.
    pub async fn send_rows(&mut self, insert: &Insert, values: &[V<'_>]) -> Result<(), Failed> {
        if values.is_empty() {
            return Ok(());
        }
        let columns = Column::all(values, insert.columns())?;
        let arrays: Vec<_> =
            (1..).zip(&columns).map(|(place, column)| format!("${place}::{}", column.array())).collect();
        let statement = self.prepared(&insert.text_of_arrays(&arrays)).await?;
        let client = self.client.clone();
        let sent = async move {
            let values: Vec<_> = columns.iter().map(Column::parameter).collect();
            client.execute(&statement, &values).await
        };
        self.send(sent.boxed()).await;
        Ok(())
    }

    /// Sends a statement, and hears of all that was sent: how many rows it changed.
    pub async fn execute(&mut self, sql: &str, values: &[V<'_>]) -> Result<u64, Failed> {
        self.send_statement(sql, values).await?;
        Ok(self.settle().await?)
    }

    /// All rows of a query, once all that was sent before is heard of.
    pub async fn rows(&mut self, sql: &str, values: &[V<'_>]) -> Result<Vec<Row>, Failed> {
        let statement = self.prepared(sql).await?;
        let values: Vec<Owned> = values.iter().map(Owned::from).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let client = self.client.clone();
        let found = client.query(&statement, &values);
        let mut found = std::pin::pin!(found);
        // Sent behind what was sent before, and not only once that is heard of.
        let at_once = poll!(&mut found);
        self.settle().await?;
        let found = match at_once {
            std::task::Poll::Ready(found) => found?,
            std::task::Poll::Pending => found.await?,
        };
        Ok(found.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// Hears of all that was sent: the first failure, or what the last statement changed.
    pub async fn settle(&mut self) -> Result<u64, Error> {
        let mut changed = Ok(0);
        for sent in std::mem::take(&mut self.sent) {
            let heard = sent.await;
            if changed.is_ok() {
                changed = heard;
            }
        }
        changed
    }

    /// Polls once, which sends.
    async fn send(&mut self, mut sent: BoxFuture<'static, Result<u64, Error>>) {
        match poll!(&mut sent) {
            std::task::Poll::Ready(heard) => self.sent.push(std::future::ready(heard).boxed()),
            std::task::Poll::Pending => self.sent.push(sent),
        }
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, Failed> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let statement = match self.client.prepare(sql).await {
            Ok(statement) => statement,
            Err(error) => {
                // In a transaction that has failed, nothing is prepared: what it failed for came before.
                self.settle().await?;
                return Err(error.into());
            }
        };
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}
