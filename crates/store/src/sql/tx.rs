//! [`Tx`]: a transaction, whichever the database.

use domain::Timestamp;
use rusqlite::types::{ToSqlOutput, Value};

use super::{Failed, integer, pg::Session};

/// A transaction. Its functions are `async` for databases behind a network; on SQLite they answer without waiting.
///
/// It holds the connection exclusively, since one that is shared could not move between threads with the future that uses it. `'c` outlives
/// whatever a function of the transaction may borrow: so a reader's connection is moved in, and out again at the end.
pub(super) enum Tx<'c> {
    /// SQLite, in this process: the writer's connection.
    Lite(&'c mut rusqlite::Connection),
    /// SQLite, in this process: a reader's connection.
    LiteReader(rusqlite::Connection),
    /// PostgreSQL.
    Pg(Session),
}

/// A value on its way into the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum V<'a> {
    /// An integer.
    I(i64),
    /// A text.
    T(&'a str),
    /// Bytes.
    B(&'a [u8]),
    /// Nothing.
    Null,
}

/// A row on its way out. Columns are numbered from 0; one of another type than asked for is damage.
#[derive(Debug)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Tx<'_> {
    /// Runs a statement; answers with how many rows it changed.
    pub async fn execute(&mut self, sql: &str, values: &[V<'_>]) -> Result<u64, Failed> {
        let connection = match self {
            Self::Lite(connection) => &mut **connection,
            Self::LiteReader(connection) => connection,
            Self::Pg(session) => return session.execute(sql, values).await,
        };
        let mut statement = connection.prepare_cached(&numbered(sql))?;
        Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
    }

    /// Runs a statement. If it fails, that is heard of when the transaction ends, at the latest.
    pub async fn run(&mut self, sql: &str, values: &[V<'_>]) -> Result<(), Failed> {
        match self {
            Self::Pg(session) => session.send_statement(sql, values).await,
            _ => self.execute(sql, values).await.map(drop),
        }
    }

    /// All rows of a query.
    pub async fn rows(&mut self, sql: &str, values: &[V<'_>]) -> Result<Vec<Row>, Failed> {
        let connection = match self {
            Self::Lite(connection) => &mut **connection,
            Self::LiteReader(connection) => connection,
            Self::Pg(session) => return session.rows(sql, values).await,
        };
        let mut statement = connection.prepare_cached(&numbered(sql))?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Row((0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?));
        }
        Ok(found)
    }

    /// Where others may write: lets none of them change the ledger until this transaction ends.
    pub async fn hold_ledger(&mut self) -> Result<(), Failed> {
        match self {
            Self::Pg(_) => self.rows("SELECT id FROM head WHERE id = 1 FOR UPDATE", &[]).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Where others may write: waits until nobody else has the lock `which`, and has it until this transaction ends. `false` where nobody else can.
    pub async fn take_turn(&mut self, which: i64) -> Result<bool, Failed> {
        match self {
            Self::Pg(_) => self.run("SELECT pg_advisory_xact_lock($1)", &[V::I(which)]).await.map(|()| true),
            _ => Ok(false),
        }
    }

    /// Removes all rows of a table. PostgreSQL would write down each of them, and takes its time.
    pub async fn empty(&mut self, table: &str) -> Result<(), Failed> {
        let verb = if matches!(self, Self::Pg(_)) { "TRUNCATE" } else { "DELETE FROM" };
        self.run(&format!("{verb} {table}"), &[]).await
    }

    /// The first row of a query.
    pub async fn row(&mut self, sql: &str, values: &[V<'_>]) -> Result<Option<Row>, Failed> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// What the database finds wrong with its own pages, tables and indices; at most 100 sentences.
    pub async fn contradictions(&mut self) -> Result<Vec<String>, Failed> {
        if let Self::Pg(_) = self {
            // What is in its pages and indices, PostgreSQL checks with tools of its own: `pg_amcheck`, and checksums of pages.
            return Ok(Vec::new());
        }
        let rows = self.rows("PRAGMA integrity_check(100)", &[]).await?;
        let said = rows.iter().map(|row| row.text(0, "what the database says of itself").map(str::to_owned));
        let said = said.collect::<Result<Vec<_>, _>>()?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }

    /// A damaged index would make a row look as if it had never been there. So the answer "there is none" is asked for twice, of two
    /// indices on different pages: this is the second time, and a row that is found now is an error.
    pub async fn expect_none(
        &mut self,
        again: &str,
        values: &[V<'_>],
        what: impl Fn() -> String,
    ) -> Result<(), Failed> {
        match self.row(again, values).await? {
            None => Ok(()),
            Some(_) => Err(Failed::Damaged(what())),
        }
    }
}

/// SQLite takes `$2` for a *name*, numbered by its first appearance, and would bind values in the wrong order without a word; `?2` is a number.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl rusqlite::ToSql for V<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(ToSqlOutput::Borrowed(match self {
            V::I(number) => ValueRef::Integer(*number),
            V::T(text) => ValueRef::Text(text.as_bytes()),
            V::B(bytes) => ValueRef::Blob(bytes),
            V::Null => ValueRef::Null,
        }))
    }
}

impl<'a> From<Option<&'a str>> for V<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(V::Null, V::T)
    }
}

impl From<u64> for V<'_> {
    fn from(number: u64) -> Self {
        V::I(integer(number))
    }
}

impl From<Timestamp> for V<'_> {
    fn from(time: Timestamp) -> Self {
        V::I(time.as_millis())
    }
}

impl Row {
    /// An integer.
    pub fn integer(&self, column: usize, what: &str) -> Result<i64, Failed> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(Failed::Damaged(what.to_owned())),
        }
    }

    /// A size, count or index.
    pub fn natural(&self, column: usize, what: &str) -> Result<u64, Failed> {
        u64::try_from(self.integer(column, what)?).map_err(|_| Failed::Damaged(what.to_owned()))
    }

    /// A time.
    pub fn time(&self, column: usize, what: &str) -> Result<Timestamp, Failed> {
        self.integer(column, what).map(Timestamp::from_millis)
    }

    /// A text.
    pub fn text(&self, column: usize, what: &str) -> Result<&str, Failed> {
        self.optional_text(column, what)?.ok_or_else(|| Failed::Damaged(what.to_owned()))
    }

    /// A text, or nothing.
    pub fn optional_text(&self, column: usize, what: &str) -> Result<Option<&str>, Failed> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(Failed::Damaged(what.to_owned())),
        }
    }

    /// A text that is still what it was parsed from.
    pub fn parsed<T: std::str::FromStr>(&self, column: usize, what: &str) -> Result<T, Failed> {
        let text = self.text(column, what)?;
        text.parse().map_err(|_| Failed::Damaged(format!("{what} `{text}`")))
    }

    /// Bytes, moved out.
    pub fn take_bytes(&mut self, column: usize, what: &str) -> Result<Vec<u8>, Failed> {
        match self.0.get_mut(column).map(|value| std::mem::replace(value, Value::Null)) {
            Some(Value::Blob(bytes)) => Ok(bytes),
            _ => Err(Failed::Damaged(what.to_owned())),
        }
    }
}
