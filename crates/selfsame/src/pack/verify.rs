//! [`verify`]: checks a pack, and names each file in which something does not fit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use domain::{Digest, Entry, Event, ProjectConfig, ProjectName};
use engine::receipts;
use evidence::signed::key::PublicKey;
use serde::Serialize;
use tlog::{Checkpoint, TlogProof, VerifiedCheckpoint, VerifierKey};

use super::{
    CHECKPOINT, Called, INDEX, Index, LEDGER_KEY, RECEIPTS_KEY, document_file, entry_file, proof_file, receipt_file,
};

/// How many bytes a file has at most.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// How many files a pack has at most.
const FILES_MAX: usize = 1_000_000;
/// How deep folders lie at most: each file is in one below the pack.
const DEPTH_MAX: usize = 2;

/// What a pack holds.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Which project it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The name of the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// How many entries the ledger had.
    pub size: u64,
    /// How many of them are in the pack and are proved.
    pub entries: usize,
    /// How many promotions are among them.
    pub promotions: usize,
    /// How many documents fit the entries that name them.
    pub documents: usize,
    /// How many receipts are signed and agree with the entries.
    pub receipts: usize,
    /// Files that the entries call for, and that the pack says it could not have.
    pub absent: BTreeSet<String>,
    /// What does not fit.
    pub misfits: Vec<Misfit>,
}

/// Something that does not fit.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// The file in which it shows.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

struct Verifier<'a> {
    folder: &'a Path,
    index: Index,
    ledger: &'a VerifierKey,
    /// The files that something called for.
    called: BTreeSet<String>,
    found: Found,
}

/// Checks the pack in `folder` with the ledger's public key. Receipts are checked with `receipts`, or with the key that the pack brings.
///
/// # Errors
/// If the folder cannot be read. What does not fit is an answer.
pub fn verify(folder: &Path, ledger: &VerifierKey, receipts: Option<PublicKey>) -> io::Result<Found> {
    let index =
        match read(&folder.join(INDEX)).map_err(|error| error.to_string()).and_then(|bytes| Index::decode(&bytes)) {
            Ok(index) => index,
            Err(problem) => {
                let misfits = vec![Misfit { file: INDEX.into(), problem }];
                return Ok(Found { misfits, ..Found::default() });
            }
        };
    let found = Found { project: Some(index.project.clone()), size: index.size, ..Found::default() };
    let mut verifier = Verifier { folder, index, ledger, called: BTreeSet::new(), found };
    verifier.files()?;
    verifier.everything(receipts);
    Ok(verifier.found)
}

impl Verifier<'_> {
    fn misfit(&mut self, file: &str, problem: impl Into<String>) {
        self.found.misfits.push(Misfit { file: file.into(), problem: problem.into() });
    }

    /// Every file is listed with its digest, and every one that is listed is there.
    fn files(&mut self) -> io::Result<()> {
        let mut there = BTreeSet::new();
        list(self.folder, "", DEPTH_MAX, &mut there)?;
        there.remove(INDEX);
        for file in &there {
            match self.index.files.get(file) {
                None => self.misfit(file, format!("`{INDEX}` does not list it")),
                Some(listed) => {
                    let is_so = read(&self.folder.join(file)).map(|bytes| Digest::sha256(&bytes) == *listed);
                    if !is_so.unwrap_or(false) {
                        self.misfit(file, format!("its bytes are others than `{INDEX}` lists"));
                    }
                }
            }
        }
        let missing: Vec<_> = self.index.files.keys().filter(|file| !there.contains(*file)).cloned().collect();
        missing.iter().for_each(|file| self.misfit(file, "it is not there"));
        Ok(())
    }

    /// A file of the pack that something calls for; says so if it is not there.
    fn file(&mut self, name: &str) -> Option<Vec<u8>> {
        self.called.insert(name.to_owned());
        if self.index.absent.contains(name) {
            self.found.absent.insert(name.to_owned());
            return None;
        }
        match self.index.files.contains_key(name).then(|| read(&self.folder.join(name))) {
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(error)) => {
                self.misfit(name, error.to_string());
                None
            }
            None => {
                self.misfit(name, "the entries call for it, and the pack does not have it");
                None
            }
        }
    }

    fn everything(&mut self, receipts: Option<PublicKey>) {
        let Some(checkpoint) = self.checkpoint() else { return };
        let entries = self.entries(&checkpoint);
        self.found.entries = entries.len();
        let called = Called::by(&entries);
        self.found.promotions = called.promotions.len();
        self.cited(&entries, &called);
        self.gates(&entries);
        for (digest, entry) in &called.documents {
            let file = document_file(digest);
            let Some(bytes) = self.file(&file) else { continue };
            if Digest::of(digest.algorithm(), &bytes) == *digest {
                self.found.documents += 1;
            } else {
                self.misfit(&file, format!("it is another document than entry {entry} names"));
            }
        }
        self.receipts(&called, receipts);
        let uncalled: Vec<_> = self.index.files.keys().filter(|file| !self.called.contains(*file)).cloned().collect();
        uncalled.iter().for_each(|file| self.misfit(file, "nothing in the pack calls for it"));
        let uncalled: Vec<_> = self.index.absent.difference(&self.called).cloned().collect();
        uncalled
            .iter()
            .for_each(|file| self.misfit(INDEX, format!("it says `{file}` is absent, and nothing calls for it")));
    }

    fn checkpoint(&mut self) -> Option<VerifiedCheckpoint> {
        let key = self.file(LEDGER_KEY)?;
        if String::from_utf8_lossy(&key).trim() != self.ledger.to_string() {
            self.misfit(LEDGER_KEY, "it is another key than the one that you believe");
        }
        let note = self.file(CHECKPOINT)?;
        match Checkpoint::open(&note, std::slice::from_ref(self.ledger)) {
            Err(error) => {
                self.misfit(CHECKPOINT, error.to_string());
                None
            }
            Ok(checkpoint) => {
                if (self.index.origin.as_str(), self.index.size) != (checkpoint.origin(), checkpoint.size()) {
                    self.misfit(INDEX, "it names another ledger, or another size, than the checkpoint");
                }
                self.found.origin = Some(checkpoint.origin().to_owned());
                Some(checkpoint)
            }
        }
    }

    /// The entries that are proved.
    fn entries(&mut self, checkpoint: &VerifiedCheckpoint) -> BTreeMap<u64, Entry> {
        let index_of = |file: &str| file.strip_prefix("entries/")?.strip_suffix(".json")?.parse::<u64>().ok();
        let indices: BTreeSet<u64> = self.index.files.keys().filter_map(|file| index_of(file)).collect();
        let mut entries = BTreeMap::new();
        for index in indices {
            let (Some(bytes), Some(proof)) = (self.file(&entry_file(index)), self.file(&proof_file(index))) else {
                continue;
            };
            match self.entry(index, &bytes, &proof, checkpoint) {
                Ok(entry) => drop(entries.insert(index, entry)),
                Err(problem) => self.misfit(&entry_file(index), problem),
            }
        }
        entries
    }

    fn entry(&self, index: u64, bytes: &[u8], proof: &[u8], checkpoint: &VerifiedCheckpoint) -> Result<Entry, String> {
        let written = proof;
        let proof = TlogProof::parse(written).map_err(|error| format!("its proof cannot be read: {error}"))?;
        let proved = proof.verify(bytes, std::slice::from_ref(self.ledger));
        let proved = proved.map_err(|error| format!("its proof does not prove it: {error}"))?;
        let led = proved.checkpoint();
        if (proved.index(), led.size(), led.root()) != (index, checkpoint.size(), checkpoint.root()) {
            return Err("its proof is of another entry, or leads to another checkpoint".into());
        }
        // The copy of the entry in the proof is for whoever has the proof alone.
        if proof.unauthenticated_extra() != Some(bytes) || proof.to_string().as_bytes() != written {
            return Err("its proof carries another entry, or is not written as proofs are".into());
        }
        let entry = Entry::decode(bytes).map_err(|error| error.to_string())?;
        match entry.event.project() {
            Some(other) if other != self.index.project => Err(format!("it is about project `{other}`")),
            _ => Ok(entry),
        }
    }

    /// What decisions stand on is in the pack, and so is what was promoted.
    fn cited(&mut self, entries: &BTreeMap<u64, Entry>, called: &Called) {
        for (cited, promotion) in &called.cited {
            if !entries.contains_key(cited) {
                self.misfit(
                    &entry_file(*cited),
                    format!("the promotion of entry {promotion} stands on it, and it is not there"),
                );
            }
        }
        for (release, promotion) in &called.releases {
            let created =
                |entry: &Entry| matches!(&entry.event, Event::ReleaseCreated { release: id, .. } if id == release);
            if !entries.values().any(created) {
                let problem =
                    format!("it promotes release {}, and the entry that created it is not there", release.short());
                self.misfit(&entry_file(*promotion), problem);
            }
        }
    }

    /// The gate that a promotion names is that of the configuration in force.
    fn gates(&mut self, entries: &BTreeMap<u64, Entry>) {
        let mut config: Option<&ProjectConfig> = None;
        for (index, entry) in entries {
            match &entry.event {
                Event::ConfigApplied { config: applied, .. } => config = Some(applied),
                Event::Promoted { stage, decision, .. } => {
                    let gate =
                        config.and_then(|config| config.stages.get(stage)).map(|stage| stage.full_gate().digest());
                    if gate.as_ref() != Some(&decision.gate) {
                        let problem = "the configuration before it, with the gate that it names, is not there";
                        self.misfit(&entry_file(*index), problem);
                    }
                }
                _ => {}
            }
        }
    }

    fn receipts(&mut self, called: &Called, given: Option<PublicKey>) {
        if called.promotions.is_empty() {
            return;
        }
        let brought = self.file(RECEIPTS_KEY).map(|pem| PublicKey::from_pem(&String::from_utf8_lossy(&pem)));
        let wrong = match (&given, &brought) {
            (_, Some(Err(error))) => Some(error.to_string()),
            (Some(given), Some(Ok(brought))) if given != brought => {
                Some("it is another key than the one that you believe".into())
            }
            _ => None,
        };
        if let Some(problem) = wrong {
            self.misfit(RECEIPTS_KEY, problem);
        }
        let key = given.or_else(|| brought.and_then(Result::ok));
        for (promotion, (stage, components)) in &called.promotions {
            for component in components {
                let file = receipt_file(*promotion, component);
                let (Some(bytes), Some(key)) = (self.file(&file), &key) else { continue };
                match receipts::check(&bytes, std::slice::from_ref(key), std::slice::from_ref(self.ledger)) {
                    Err(error) => self.misfit(&file, error.to_string()),
                    Ok(checked) => {
                        let said = &checked.extension;
                        if (said.entry, &said.stage, &said.component) == (*promotion, stage, component) {
                            self.found.receipts += 1;
                        } else {
                            self.misfit(&file, "it is the receipt of another promotion");
                        }
                    }
                }
            }
        }
    }
}

/// The names of all files below a folder.
fn list(folder: &Path, prefix: &str, depth: usize, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() && depth > 1 {
            list(&entry.path(), &format!("{name}/"), depth - 1, found)?;
        } else {
            found.insert(name);
        }
        if found.len() > FILES_MAX {
            return Err(io::Error::other(format!("it has more than {FILES_MAX} files")));
        }
    }
    Ok(())
}

/// The whole of a file, if it is one of ordinary size.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is no file of at most {FILE_BYTES_MAX} bytes")));
    }
    fs::read(path)
}
