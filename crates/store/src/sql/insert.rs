//! [`Insert`]: many rows by few statements.

use std::sync::OnceLock;

use super::{
    Failed,
    tx::{Tx, V},
};

/// How many rows one statement takes: few sizes, so that statements stay prepared.
const SIZES: [usize; 3] = [32, 8, 1];

/// An `INSERT` of any number of rows.
pub(super) struct Insert {
    into: &'static str,
    columns: usize,
    on_conflict: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Insert {
    /// `INSERT INTO {into} VALUES ... {on_conflict}`, where `into` names the table and its `columns`.
    pub const fn new(into: &'static str, columns: usize, on_conflict: &'static str) -> Self {
        assert!(columns > 0, "a row has columns");
        Self { into, columns, on_conflict, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// How many columns a row has.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// The statement that takes any number of rows, as an array for each column.
    pub fn text_of_arrays(&self, arrays: &[String]) -> String {
        format!("INSERT INTO {} SELECT * FROM unnest({}) {}", self.into, arrays.join(", "), self.on_conflict)
    }

    /// Inserts rows, their values one row after the other. No two of them may conflict with each other.
    pub async fn run(&self, tx: &mut Tx<'_>, mut values: &[V<'_>]) -> Result<(), Failed> {
        debug_assert!(values.len().is_multiple_of(self.columns), "each row has {} columns", self.columns);
        if let Tx::Pg(session) = tx {
            return session.send_rows(self, values).await;
        }
        for (size, text) in SIZES.into_iter().zip(&self.texts) {
            let text = text.get_or_init(|| self.text(size));
            while let Some((now, later)) = values.split_at_checked(size * self.columns) {
                tx.execute(text, now).await?;
                values = later;
            }
        }
        Ok(())
    }

    fn text(&self, rows: usize) -> String {
        let row = |row: usize| {
            let places: Vec<_> = (1..=self.columns).map(|column| format!("${}", row * self.columns + column)).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("INSERT INTO {} VALUES {} {}", self.into, rows.join(", "), self.on_conflict)
    }
}
