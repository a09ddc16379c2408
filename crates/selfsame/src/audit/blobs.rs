//! [`Blobs`]: the blobs that the entries name, and whether they are intact.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Digest, Event, RepositoryName};
use engine::ports;

use super::Finding;
use crate::{
    context::Context,
    oci::{Reference, Registry},
    outcome::{Failure, Outcome},
};

/// The blobs that must be there.
#[derive(Default)]
pub struct Blobs {
    named: BTreeMap<Digest, Named>,
}

struct Named {
    entry: u64,
    /// Where it can be pulled from; evidence documents are in no repository.
    repositories: BTreeSet<RepositoryName>,
    is_document: bool,
}

/// How many blobs were found intact, and how many could not be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Every byte was read and is right.
    pub intact: u64,
    /// They could not be read from where we stand.
    pub unchecked: u64,
}

impl Blobs {
    /// Takes note of what an entry names, and of what was deleted.
    pub fn take(&mut self, entry: u64, event: &Event) {
        match event {
            Event::ManifestDeleted { repository, digest } => {
                if let Some(named) = self.named.get_mut(digest) {
                    named.repositories.remove(repository);
                    if named.repositories.is_empty() && !named.is_document {
                        self.named.remove(digest);
                    }
                }
            }
            _ => {
                let Some(digest) = event.blob() else { return };
                let empty = || Named { entry, repositories: BTreeSet::new(), is_document: false };
                let named = self.named.entry(digest.clone()).or_insert_with(empty);
                match event {
                    Event::ManifestPushed { repository, .. } => drop(named.repositories.insert(repository.clone())),
                    _ => named.is_document = true,
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Reads each of them from storage.
    pub async fn look_in(&self, storage: &dyn ports::Blobs, findings: &mut Vec<Finding>) -> Outcome<Looked> {
        let mut looked = Looked::default();
        for (digest, named) in &self.named {
            let problem = match storage.verify(digest).await {
                Ok(Some(true)) => {
                    looked.intact += 1;
                    continue;
                }
                Ok(Some(false)) => "is damaged".to_owned(),
                Ok(None) => "is missing".to_owned(),
                Err(trouble) => return Err(Failure::broken(trouble.to_string())),
            };
            findings.push(Finding::Blob { digest: digest.clone(), entry: named.entry, problem });
        }
        Ok(looked)
    }

    /// Pulls each of them that is in a repository. Documents are served nowhere, and what is held or hidden from us is not pulled.
    pub async fn look_at(&self, context: &Context, findings: &mut Vec<Finding>) -> Outcome<Looked> {
        let mut looked = Looked::default();
        for (digest, named) in &self.named {
            let Some(repository) = named.repositories.first() else {
                looked.unchecked += 1;
                continue;
            };
            let registry = Registry::new(context, repository.clone())?;
            match registry.fetch(&Reference::Digest(digest.clone())).await {
                Ok(_) => looked.intact += 1,
                Err(Failure::Refused(problem)) if problem.code == "manifest-unknown" => {
                    let problem = format!("is not served from `{repository}`");
                    findings.push(Finding::Blob { digest: digest.clone(), entry: named.entry, problem });
                }
                Err(Failure::Refused(_)) => looked.unchecked += 1,
                Err(failure) => {
                    let problem = format!("cannot be read: {failure}");
                    findings.push(Finding::Blob { digest: digest.clone(), entry: named.entry, problem });
                }
            }
        }
        Ok(looked)
    }
}
