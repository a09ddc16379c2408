//! Packs: what an auditor takes along. A folder with entries of the ledger and their proofs, the documents and receipts that these call for, and a list of all
//! files. It is checked without a server.

mod verify;

use std::collections::{BTreeMap, BTreeSet};

use domain::{ComponentName, Digest, Entry, Event, ProjectName, ReleaseId, StageName};
use serde::{Deserialize, Serialize};

pub use verify::{Found, Misfit, verify};

/// What `pack.json` says it is.
const FORMAT: &str = "selfsame-pack/v1";
/// The list of all files.
pub const INDEX: &str = "pack.json";
/// The signed checkpoint that every proof leads to.
pub const CHECKPOINT: &str = "checkpoint";
/// The ledger's public key.
pub const LEDGER_KEY: &str = "ledger.pub";
/// The public key of receipts.
pub const RECEIPTS_KEY: &str = "receipts.pub";

/// The list of a pack's files. There is one way to write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Always [`FORMAT`].
    format: String,
    /// Which project it is about.
    pub project: ProjectName,
    /// The name of the ledger.
    pub origin: String,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The files with their digests.
    pub files: BTreeMap<String, Digest>,
    /// Files that the entries call for, and that could not be had.
    pub absent: BTreeSet<String>,
}

impl Index {
    /// The list of a pack that has no file yet.
    pub fn new(project: ProjectName, origin: &str, size: u64) -> Self {
        let (files, absent) = (BTreeMap::new(), BTreeSet::new());
        Self { format: FORMAT.into(), project, origin: origin.into(), size, files, absent }
    }

    /// The one way to write it.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("names and digests can be written");
        bytes.push(b'\n');
        bytes
    }

    /// Reads it, if it is written in the one way.
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let index: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if index.format != FORMAT {
            return Err(format!("its format is `{}`, and this program reads `{FORMAT}`", index.format));
        }
        if index.encode() == bytes { Ok(index) } else { Err("it is not written as packs are".into()) }
    }
}

/// The file of an entry.
pub fn entry_file(index: u64) -> String {
    format!("entries/{index}.json")
}

/// The file of the proof that the ledger holds an entry.
pub fn proof_file(index: u64) -> String {
    format!("entries/{index}.tlog-proof")
}

/// The file of a document.
pub fn document_file(digest: &Digest) -> String {
    format!("documents/{}-{}", digest.algorithm(), digest.hex())
}

/// The file of a receipt.
pub fn receipt_file(promotion: u64, component: &ComponentName) -> String {
    format!("receipts/{promotion}-{component}.sigstore.json")
}

/// What entries call for.
#[derive(Debug, Default)]
pub struct Called {
    /// Entries that decisions stand on, each with a promotion that does.
    pub cited: BTreeMap<u64, u64>,
    /// Documents of evidence, each with its entry.
    pub documents: BTreeMap<Digest, u64>,
    /// Promotions into a stage, of these components.
    pub promotions: BTreeMap<u64, (StageName, Vec<ComponentName>)>,
    /// Releases that were promoted, each with a promotion.
    pub releases: BTreeMap<ReleaseId, u64>,
}

impl Called {
    /// What `entries` call for.
    pub fn by(entries: &BTreeMap<u64, Entry>) -> Self {
        let mut called = Self::default();
        for (index, entry) in entries {
            match &entry.event {
                Event::EvidenceRecorded { document: Some(document), .. } => {
                    called.documents.entry(document.clone()).or_insert(*index);
                }
                Event::Promoted { stage, release, contents, decision, .. } => {
                    for cited in decision.findings.iter().flat_map(|finding| &finding.entries) {
                        called.cited.entry(*cited).or_insert(*index);
                    }
                    let components = contents.components.keys().cloned().collect();
                    called.promotions.insert(*index, (stage.clone(), components));
                    called.releases.entry(release.clone()).or_insert(*index);
                }
                _ => {}
            }
        }
        called
    }
}
