//! [`Blobs`]: the blobs that the entries name, with all that their manifests are made of, and whether they are intact.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Digest, Event, ProjectName, RepositoryName};
use engine::{
    manifest,
    ports::{Part, PartKind},
};

use super::{
    Finding, NotChecked, Shelf,
    report::{BLOBS, DOCUMENTS},
    shelf::Found,
};
use crate::outcome::Outcome;

/// The blobs that must be there.
#[derive(Default)]
pub struct Blobs {
    /// Documents of evidence, with the entry that names each.
    documents: BTreeMap<Digest, u64>,
    manifests: BTreeMap<Digest, Pushed>,
    /// Manifests that are in no repository any more: they need not be there, nor what they are made of.
    deleted: BTreeSet<Digest>,
    holds: BTreeSet<(Digest, Option<ProjectName>)>,
}

struct Pushed {
    entry: u64,
    media_type: String,
    /// Where it can be pulled from; at least one.
    repositories: BTreeSet<RepositoryName>,
}

/// What came of looking at blobs.
#[derive(Default)]
pub struct Looked {
    /// Of so many every byte was read and is right.
    pub intact: u64,
    /// What could not be looked at.
    pub not_checked: Vec<NotChecked>,
}

/// Looks at each blob once.
struct Look<'a> {
    shelf: &'a Shelf,
    seen: BTreeSet<Digest>,
    intact: u64,
    held: u64,
    unread: BTreeMap<String, u64>,
    findings: &'a mut Vec<Finding>,
}

impl Blobs {
    /// Takes note of what an entry names, and of what was deleted.
    pub fn take(&mut self, entry: u64, event: &Event) {
        match event {
            Event::ManifestPushed { repository, digest, media_type, .. } => {
                self.deleted.remove(digest);
                let empty = || Pushed { entry, media_type: media_type.clone(), repositories: BTreeSet::new() };
                self.manifests.entry(digest.clone()).or_insert_with(empty).repositories.insert(repository.clone());
            }
            Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } => {
                let Some(pushed) = self.manifests.get_mut(digest) else { return };
                pushed.repositories.remove(repository);
                if pushed.repositories.is_empty() {
                    self.manifests.remove(digest);
                    self.deleted.insert(digest.clone());
                }
            }
            Event::Held { digest, project, .. } => drop(self.holds.insert((digest.clone(), project.clone()))),
            Event::Unheld { digest, project, .. } => drop(self.holds.remove(&(digest.clone(), project.clone()))),
            event => {
                let Some(document) = event.blob() else { return };
                self.documents.entry(document.clone()).or_insert(entry);
            }
        }
    }

    /// How many the entries name themselves.
    pub fn len(&self) -> usize {
        self.documents.len() + self.manifests.len()
    }

    /// Reads each of them, and all that the manifests are made of. `progress` is told how many of those that entries name were read.
    pub async fn look(&self, shelf: &Shelf, progress: impl Fn(u64), findings: &mut Vec<Finding>) -> Outcome<Looked> {
        let (seen, unread) = Default::default();
        let mut look = Look { shelf, seen, intact: 0, held: 0, unread, findings };
        let mut unserved = 0;
        for (document, entry) in &self.documents {
            match shelf.document(document).await {
                Some(found) => drop(look.judge(found, |problem| blob(document, *entry, problem))),
                None => unserved += 1,
            }
        }
        for (done, (digest, pushed)) in self.manifests.iter().enumerate() {
            progress(done as u64);
            self.look_at_manifest(digest, pushed, &mut look).await?;
        }
        let mut looked = Looked { intact: look.intact, not_checked: Vec::new() };
        if unserved > 0 {
            let why =
                format!("no server hands out documents of evidence, and there are {unserved}: give --data for that");
            looked.not_checked.push(NotChecked::unasked(DOCUMENTS, why));
        }
        match look.held {
            0 => {}
            held if self.holds.is_empty() => {
                let why = format!("the server says that {held} are held, and the ledger knows no hold");
                looked.not_checked.push(NotChecked::asked(BLOBS, why));
            }
            held => {
                let why = format!("nobody gets what is held, and {held} are: give --data for that");
                looked.not_checked.push(NotChecked::unasked(BLOBS, why));
            }
        }
        let unread = look.unread.into_iter().map(|(why, count)| format!("{count} cannot be read from here: {why}"));
        looked.not_checked.extend(unread.map(|why| NotChecked::asked(BLOBS, why)));
        Ok(looked)
    }

    async fn look_at_manifest(&self, digest: &Digest, pushed: &Pushed, look: &mut Look<'_>) -> Outcome {
        let Some(repository) = pushed.repositories.first() else { return Ok(()) };
        let found = look.shelf.manifest(digest, repository).await?;
        let Some(bytes) = look.judge(found, |problem| blob(digest, pushed.entry, problem)) else { return Ok(()) };
        let parts = match manifest::parse(repository, digest, &pushed.media_type, &bytes) {
            Ok(record) => record.parts,
            Err(error) => {
                look.findings.push(blob(digest, pushed.entry, format!("is no manifest: {error}")));
                return Ok(());
            }
        };
        for part in parts {
            let wrong = |problem| Finding::Part {
                digest: part.digest.clone(),
                kind: kind(&part),
                manifest: digest.clone(),
                entry: pushed.entry,
                problem,
            };
            if part.kind == PartKind::Child {
                // It has an entry of its own, and is looked at for that.
                if !self.manifests.contains_key(&part.digest) && !self.deleted.contains(&part.digest) {
                    look.findings.push(wrong("was never pushed".into()));
                }
            } else if !look.seen.contains(&part.digest) {
                let found = look.shelf.blob(&part.digest, part.size, repository).await?;
                // Another manifest may have it where it is not held.
                if !matches!(found, Found::Held) {
                    look.seen.insert(part.digest.clone());
                }
                look.judge(found, wrong);
            }
        }
        Ok(())
    }
}

impl Look<'_> {
    fn judge<T>(&mut self, found: Found<T>, wrong: impl FnOnce(String) -> Finding) -> Option<T> {
        match found {
            Found::Intact(found) => {
                self.intact += 1;
                return Some(found);
            }
            Found::Wrong(problem) => self.findings.push(wrong(problem)),
            Found::Held => self.held += 1,
            Found::Unread(why) => *self.unread.entry(why).or_default() += 1,
        }
        None
    }
}

fn blob(digest: &Digest, entry: u64, problem: String) -> Finding {
    Finding::Blob { digest: digest.clone(), entry, problem }
}

fn kind(part: &Part) -> &'static str {
    match part.kind {
        PartKind::Config => "configuration",
        PartKind::Layer => "layer",
        PartKind::Child => "child",
    }
}
