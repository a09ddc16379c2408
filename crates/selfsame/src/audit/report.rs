//! [`Report`]: what an audit came to.

use std::fmt::Write;

use serde::Serialize;

use super::Finding;

/// The state that is shown, as something that may not be checked.
pub const STATE: &str = "state";
/// The blobs that the entries name, as something that may not be checked.
pub const BLOBS: &str = "blobs";
/// The documents of evidence, as something that may not be checked.
pub const DOCUMENTS: &str = "documents";

/// What an audit came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// In one word.
    pub conclusion: Conclusion,
    /// The name of the ledger.
    pub origin: String,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The root that was signed, in Base64.
    pub root: String,
    /// The key that signed it.
    pub key: String,
    /// How many rows of the state were compared with what the entries make them.
    pub rows: Option<u64>,
    /// How many entries of a database were compared with those that are published.
    pub database: Option<u64>,
    /// How many blobs were read and are intact: those that the entries name, and what they are made of.
    pub blobs_intact: u64,
    /// What was not checked, and why.
    pub not_checked: Vec<NotChecked>,
    /// How many entries the earlier checkpoint covers, if one was given.
    pub since: Option<u64>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// An audit in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Everything that was asked for was checked, and fits.
    Sound,
    /// Nothing was found, but something that was asked for could not be checked.
    Incomplete,
    /// Something does not fit.
    Unsound,
}

/// Something that was not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What: `state`, `blobs` or `documents`.
    pub what: &'static str,
    /// Why, and how it can be.
    pub why: String,
    /// Whether it was asked for: whoever names a server or a data directory asks for everything that is there.
    pub asked_for: bool,
}

impl NotChecked {
    /// Something that was asked for and could not be checked.
    pub fn asked(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into(), asked_for: true }
    }

    /// Something that was not asked for, or that nobody can check from where we stand.
    pub fn unasked(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into(), asked_for: false }
    }
}

impl Conclusion {
    /// The conclusion from what was found and what was not checked.
    pub fn of(findings: &[Finding], not_checked: &[NotChecked]) -> Self {
        match (findings, not_checked.iter().any(|one| one.asked_for)) {
            ([], false) => Self::Sound,
            ([], true) => Self::Incomplete,
            _ => Self::Unsound,
        }
    }
}

impl Report {
    /// The report for people.
    pub fn describe(&self) -> String {
        let mut text =
            format!("ledger `{}`: {} entries, root {}\n  key     {}", self.origin, self.size, self.root, self.key);
        let fits = self.findings.is_empty();
        if fits {
            text.push_str(
                "\n  entries each in its one form, in the order of time; every hash recomputed up to the signed root",
            );
        }
        let and = |claim: &'static str| if fits { claim } else { "" };
        if let Some(rows) = self.rows {
            let _ = write!(text, "\n  state   {rows} rows compared{}", and(": each follows from the entries"));
        }
        if let Some(entries) = self.database {
            let _ =
                write!(text, "\n  stored  {entries} entries compared{}", and(": each is the one that was published"));
        }
        if self.blobs_intact > 0 {
            let _ = write!(text, "\n  blobs   {} read, and intact", self.blobs_intact);
        }
        if let Some(since) = self.since {
            let _ = write!(text, "\n  since   compared with the earlier checkpoint of {since} entries");
        }
        for NotChecked { what, why, .. } in &self.not_checked {
            let _ = write!(text, "\nnot checked: {what}: {why}");
        }
        for finding in &self.findings {
            let _ = write!(text, "\nFOUND: {finding}");
        }
        text.push_str(match (self.conclusion, self.not_checked.is_empty()) {
            (Conclusion::Sound, true) => "\nsound",
            (Conclusion::Sound, false) => "\nsound, but for what was not checked",
            (Conclusion::Incomplete, _) => "\nINCOMPLETE: nothing was found, and not everything could be checked",
            (Conclusion::Unsound, _) => "\nNOT SOUND",
        });
        text
    }
}
