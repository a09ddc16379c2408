//! [`Database`]: a stopped server's data directory, compared with the published ledger.

use std::{collections::BTreeMap, sync::Arc};

use domain::Digest;
use engine::{Ports, ports::Trouble};
use store::objects::Objects;
use tlog::{EntryBundle, Hash, bundles_for, leaf_hash};

use super::{Finding, Shown, Source, fold::Fold};
use crate::{
    compose::{DataDir, DatabaseChoice},
    outcome::{Failure, Outcome},
};

/// How many rows or entries are read at once.
const CHUNK: usize = 1000;
/// How many entries that are not what was published are named at most.
const NAMED_MAX: usize = 1000;

/// The storage of a stopped server.
pub struct Database {
    /// Its adapters.
    pub ports: Ports,
    /// Its blobs, where they are in object storage.
    pub objects: Option<Arc<Objects>>,
    /// Whether what is published is not all in the data directory.
    pub is_elsewhere: bool,
}

impl Database {
    /// Opens the storage that a data directory knows of. No server may use it, and none is started meanwhile.
    pub async fn open(folder: &DataDir) -> Outcome<Self> {
        let storage = folder.open_alone().await.map_err(|unusable| Failure::broken(unusable.to_string()))?;
        let is_elsewhere = storage.objects.is_some() || matches!(folder.database(), DatabaseChoice::Postgres(_));
        Ok(Self { ports: storage.ports, objects: storage.objects, is_elsewhere })
    }

    /// The rows of the state.
    pub async fn shown(&self) -> Result<Shown, Trouble> {
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

    /// Compares each of the first `size` entries with the one that was published, whose hashes lead to the signed root. Answers with how many
    /// were compared.
    pub async fn compare(&self, source: &Source, size: u64, findings: &mut Vec<Finding>) -> Outcome<u64> {
        let stored = match self.ports.ledger.head().await {
            Ok(head) => head.frontier.size().min(size),
            Err(trouble) => {
                findings.push(Finding::Database { problem: trouble.to_string() });
                return Ok(0);
            }
        };
        for bundle in bundles_for(0, stored) {
            // What is wrong with a published file was found before.
            let Ok(published) = source.tile(&bundle.tile()).await? else { continue };
            self.compare_bundle(&bundle, &published, findings).await;
            if findings.len() >= NAMED_MAX {
                break;
            }
        }
        Ok(stored)
    }

    async fn compare_bundle(&self, bundle: &EntryBundle, published: &[Hash], findings: &mut Vec<Finding>) {
        let first = bundle.first_entry();
        let read = self.ports.ledger.read(first, published.len()).await;
        let whole =
            read.is_ok_and(|entries| entries.iter().map(|entry| leaf_hash(entry)).eq(published.iter().copied()));
        if whole {
            return;
        }
        for (entry, hash) in (first..).zip(published) {
            let problem = match self.ports.ledger.read_each(&[entry]).await.as_deref() {
                Ok([(_, bytes)]) if leaf_hash(bytes) == *hash => continue,
                Ok([_]) => "is not the one that was published".to_owned(),
                Ok(_) => "is missing".to_owned(),
                Err(trouble) => format!("is not readable: {trouble}"),
            };
            findings.push(Finding::StoredEntry { entry, problem });
        }
    }

    /// Goes on from the published entries to those that are not published yet, and compares where both end.
    pub async fn go_on(
        &self,
        fold: &mut Fold,
        frontier: &mut tlog::Frontier,
        origin: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Trouble> {
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
                frontier.append(leaf_hash(&bytes));
            }
        }
        if head.frontier != *frontier {
            findings.push(Finding::Database { problem: "its head does not follow from the entries".into() });
        }
        Ok(())
    }
}
