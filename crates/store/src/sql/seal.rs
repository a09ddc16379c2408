//! Seals: the checksum that a row ends with, over all that stands before it.
//!
//! A seal finds what a disk does by itself. Somebody who writes to the file on purpose can make seals, too; entries are protected against
//! that by the ledger's tree.

use std::hash::Hasher;

use rusqlite::types::{Value, ValueRef};
use twox_hash::XxHash3_64;

use super::{
    Failed,
    tx::{Row, V},
};

/// Adds a row and its seal to the values of a statement.
pub(super) fn push_sealed<'a>(values: &mut Vec<V<'a>>, row: &[V<'a>]) {
    values.extend_from_slice(row);
    values.push(V::I(sum(row.iter().map(V::as_ref))));
}

/// A row and its seal.
pub(super) fn sealed<'a>(row: &[V<'a>]) -> Vec<V<'a>> {
    let mut values = Vec::with_capacity(row.len() + 1);
    push_sealed(&mut values, row);
    values
}

impl Row {
    /// The row, if its last column is the seal of those before.
    pub fn unsealed(self, what: impl Fn() -> String) -> Result<Self, Failed> {
        match self.0.split_last() {
            Some((Value::Integer(seal), row)) if *seal == sum(row.iter().map(ValueRef::from)) => Ok(self),
            _ => Err(Failed::Damaged(what())),
        }
    }
}

impl V<'_> {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            V::I(number) => ValueRef::Integer(*number),
            V::T(text) => ValueRef::Text(text.as_bytes()),
            V::B(bytes) => ValueRef::Blob(bytes),
            V::Null => ValueRef::Null,
        }
    }
}

fn sum<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> i64 {
    let mut hasher = XxHash3_64::new();
    for value in values {
        let (kind, bytes): (u8, &[u8]) = match &value {
            ValueRef::Integer(number) => (1, &number.to_be_bytes()),
            ValueRef::Text(text) => (2, text),
            ValueRef::Blob(bytes) => (3, bytes),
            ValueRef::Null | ValueRef::Real(_) => (0, &[]),
        };
        hasher.write(&[kind]);
        hasher.write(&(bytes.len() as u64).to_be_bytes());
        hasher.write(bytes);
    }
    hasher.finish().cast_signed()
}
