//! Values on their way to PostgreSQL and back.
//!
//! A text of ours may have the character U+0000, and one of PostgreSQL may not; so it is written as two others, by a rule that leads back.

use rusqlite::types::Value;
use tokio_postgres::{
    Row as PgRow,
    types::{FromSql, IsNull, ToSql, Type, accepts, private::BytesMut, to_sql_checked},
};

use crate::sql::{
    Failed,
    tx::{Row, V},
};

/// What begins an escaped character. No text has it that means anything: it is a noncharacter of Unicode.
const ESCAPE: char = '\u{10FFFF}';

/// A value that waits to be sent.
#[derive(Debug)]
pub(super) enum Owned {
    I(i64),
    T(String),
    B(Vec<u8>),
    Null,
}

/// A column of many rows.
#[derive(Debug)]
pub(super) enum Column {
    I(Vec<i64>),
    T(Vec<String>),
    B(Vec<Vec<u8>>),
}

impl From<&V<'_>> for Owned {
    fn from(value: &V<'_>) -> Self {
        match *value {
            V::I(number) => Self::I(number),
            V::T(text) => Self::T(escaped(text)),
            V::B(bytes) => Self::B(bytes.to_vec()),
            V::Null => Self::Null,
        }
    }
}

impl ToSql for Owned {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::I(number) => number.to_sql_checked(ty, out),
            Self::T(text) => text.to_sql_checked(ty, out),
            Self::B(bytes) => bytes.to_sql_checked(ty, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    // Which type a place has follows from the statement; each value is checked against it when it is sent.
    accepts!(INT8, TEXT, BYTEA);
    to_sql_checked!();
}

impl Column {
    /// The columns of rows that stand one after the other. What their first row has, all have.
    pub fn all(values: &[V<'_>], columns: usize) -> Result<Vec<Self>, Failed> {
        let mixed = || Failed::Damaged("a column of rows to be written, which has values of several kinds".into());
        let of = |column: usize| {
            let values = || values.iter().skip(column).step_by(columns);
            let numbers = |value: &V<'_>| if let V::I(number) = *value { Some(number) } else { None };
            let texts = |value: &V<'_>| if let V::T(text) = *value { Some(escaped(text)) } else { None };
            let bytes = |value: &V<'_>| if let V::B(bytes) = *value { Some(bytes.to_vec()) } else { None };
            let column = match values().next() {
                Some(V::I(_)) => values().map(numbers).collect::<Option<_>>().map(Self::I),
                Some(V::T(_)) => values().map(texts).collect::<Option<_>>().map(Self::T),
                Some(V::B(_)) => values().map(bytes).collect::<Option<_>>().map(Self::B),
                Some(V::Null) | None => None,
            };
            column.ok_or_else(mixed)
        };
        (0..columns).map(of).collect()
    }

    /// What SQL calls an array of such values.
    pub fn array(&self) -> &'static str {
        match self {
            Self::I(_) => "bigint[]",
            Self::T(_) => "text[]",
            Self::B(_) => "bytea[]",
        }
    }

    /// The column as a parameter.
    pub fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::I(numbers) => numbers,
            Self::T(texts) => texts,
            Self::B(bytes) => bytes,
        }
    }
}

/// Any value of the few types that our statements answer with.
struct Any(Value);

impl<'a> FromSql<'a> for Any {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Integer(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            _ => Value::Text(unescaped(<&str>::from_sql(ty, raw)?)),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    accepts!(INT8, INT4, BOOL, BYTEA, TEXT, VARCHAR, NAME);
}

/// A row as it came.
pub(super) fn row(row: &PgRow) -> Result<Row, tokio_postgres::Error> {
    (0..row.len())
        .map(|column| row.try_get::<_, Any>(column).map(|Any(value)| value))
        .collect::<Result<_, _>>()
        .map(Row)
}

fn escaped(text: &str) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text.to_owned();
    }
    text.replace(ESCAPE, "\u{10FFFF}1").replace('\0', "\u{10FFFF}0")
}

fn unescaped(text: &str) -> String {
    if !text.contains(ESCAPE) {
        return text.to_owned();
    }
    text.replace("\u{10FFFF}0", "\0").replace("\u{10FFFF}1", "\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::{ESCAPE, escaped, unescaped};

    #[test]
    fn every_text_comes_back() {
        for text in ["", "a", "\0", "\u{10FFFF}", "\u{10FFFF}0", "\0\u{10FFFF}1\0", "\u{10FFFF}\x001"] {
            let sent = escaped(text);
            assert!(!sent.contains('\0'), "{sent:?}");
            assert_eq!(unescaped(&sent), text, "{sent:?}");
            assert_eq!(sent == text, !text.contains(['\0', ESCAPE]), "{sent:?}");
        }
    }
}
