//! [`Database`]: a stopped server's data directory, compared with the published ledger.

use std::{collections::BTreeMap, path::Path};

use domain::Digest;
use engine::Ports;

use super::{Finding, Shown, fold::Fold};
use crate::{
    compose::DataDir,
    outcome::{Failure, Outcome},
};

/// How many rows or entries are read at once.
const CHUNK: usize = 1000;

/// The storage of a stopped server.
pub struct Database {
    /// Its adapters.
    pub ports: Ports,
}

impl Database {
    /// Opens the storage in a data directory.
    pub fn open(data: &Path) -> Outcome<Self> {
        // Opening would make a directory that is not there.
        if !data.is_dir() {
            return Err(Failure::usage(
                format!("there is no folder `{}`", data.display()),
                "name the server's data directory",
            ));
        }
        let storage = DataDir::new(data).open_storage().map_err(|unusable| Failure::broken(unusable.to_string()))?;
        Ok(Self { ports: storage.ports })
    }

    /// The rows of the state.
    pub async fn shown(&self) -> Outcome<Shown> {
        let size = self.ports.ledger.head().await?.frontier.size();
        let mut rows = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.ports.ledger.all_rows(after.as_deref(), CHUNK).await?;
            let Some((last, _)) = page.last() else { return Ok(Shown { size, rows }) };
            after = Some(last.clone());
            rows.extend(page.iter().map(|(key, row)| (key.clone(), Digest::sha256(row).hex().to_owned())));
        }
    }

    /// Goes on from the published entries to those that are not published yet, and compares where both end.
    pub async fn go_on(
        &self,
        fold: &mut Fold,
        frontier: &mut tlog::Frontier,
        origin: &str,
        findings: &mut Vec<Finding>,
    ) -> Outcome {
        let head = self.ports.ledger.head().await?;
        if frontier.size() > head.frontier.size() {
            let problem = format!("it has {} entries, and {} were published", head.frontier.size(), frontier.size());
            findings.push(Finding::Database { problem });
            return Ok(());
        }
        loop {
            let chunk = self.ports.ledger.read(frontier.size(), CHUNK).await?;
            if chunk.is_empty() {
                break;
            }
            for bytes in chunk {
                if let Err(finding) = fold.take(frontier.size(), &bytes, origin) {
                    findings.push(finding);
                    return Ok(());
                }
                frontier.append(tlog::leaf_hash(&bytes));
            }
        }
        if head.frontier != *frontier {
            findings.push(Finding::Database { problem: "its head does not follow from the entries".into() });
        }
        Ok(())
    }
}
