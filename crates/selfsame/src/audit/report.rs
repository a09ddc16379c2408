//! [`Report`]: what an audit came to.

use std::fmt::Write;

use serde::Serialize;

use super::Finding;

/// What an audit came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether nothing was found.
    pub sound: bool,
    /// The name of the ledger.
    pub origin: String,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The root that was signed, in Base64.
    pub root: String,
    /// The key that signed it.
    pub key: String,
    /// The state that is shown.
    pub state: Compared,
    /// How many blobs that the entries name were read and are intact.
    pub blobs_intact: u64,
    /// How many blobs could not be looked at from here.
    pub blobs_unchecked: u64,
    /// How many entries the earlier checkpoint covers, if one was given.
    pub since: Option<u64>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Whether something was compared.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// So many rows were.
    Rows(usize),
    /// It was not, and this is why.
    Not(String),
}

impl Report {
    /// The report for people.
    pub fn describe(&self) -> String {
        let mut text =
            format!("ledger `{}`: {} entries, root {}\n  key     {}", self.origin, self.size, self.root, self.key);
        if self.sound {
            text.push_str(
                "\n  entries each in its one form, in the order of time; every hash recomputed up to the signed root",
            );
        }
        let _ = match &self.state {
            Compared::Rows(rows) if self.sound => {
                write!(text, "\n  state   {rows} rows, each follows from the entries")
            }
            Compared::Rows(rows) => write!(text, "\n  state   {rows} rows compared"),
            Compared::Not(why) => write!(text, "\n  state   not compared: {why}"),
        };
        let _ = write!(text, "\n  blobs   {} intact, {} not looked at", self.blobs_intact, self.blobs_unchecked);
        if let Some(since) = self.since {
            let _ = write!(text, "\n  since   compared with the earlier checkpoint of {since} entries");
        }
        for finding in &self.findings {
            let _ = write!(text, "\nFOUND: {finding}");
        }
        text.push_str(if self.sound { "\nsound" } else { "\nNOT SOUND" });
        text
    }
}
