//! How answers look: tables for people, JSON for programs.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::outcome::{Failure, Outcome};

/// Rows under headings, each column as wide as its widest cell.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(ToOwned::to_owned).to_vec()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Whether there is no row under the headings.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The table as text, without a newline at its end.
    pub fn render(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Prints an answer: as JSON, or as the text that `human` makes of it.
pub fn answer<T: Serialize>(json: bool, value: &T, human: impl FnOnce(&T) -> String) -> Outcome {
    if json {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::broken(error.to_string()))?;
        return print(&text);
    }
    print(&human(value))
}

/// Prints a text and ends its line. A reader that went away, such as `head`, is no failure.
pub fn print(text: &str) -> Outcome {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::broken(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something beside the answer, on standard error.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Says what can be done next, on standard error.
pub fn hint(text: &str) {
    eprintln!("hint: {text}");
}

/// Whether somebody can be asked.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person a question that is answered with yes or no.
pub fn confirm(question: &str) -> Outcome<bool> {
    eprint!("{question} [y/N] ");
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| Failure::broken(format!("standard input: {error}")))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// A size as people read it.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut scaled, mut unit) = (size, 0);
    let mut tenths = 0;
    while scaled >= 1024 && unit + 1 < UNITS.len() {
        tenths = scaled % 1024 * 10 / 1024;
        scaled /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{size} B") } else { format!("{scaled}.{tenths} {}", UNITS[unit]) }
}
