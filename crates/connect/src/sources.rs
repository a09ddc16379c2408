//! [`Sources`]: the places that the same bytes can come from, asked one after the other.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::Digest;

use crate::{Download, Error, Here, Manifest, Reference, Remote, origin::Origin};

/// How often one source is asked before the next one is, where there are several.
const ATTEMPTS: u32 = 3;

/// One or several places that have the same bytes.
#[derive(Clone)]
pub struct Sources(Arc<[Source]>);

struct Source {
    origin: Origin,
    failed: AtomicBool,
}

impl Sources {
    /// `first`, and where that does not help, the others in their order.
    pub fn new(first: Remote, others: Vec<Remote>) -> Self {
        let several = !others.is_empty();
        let source = |remote: Remote| {
            let remote = if several { remote.within(ATTEMPTS) } else { remote };
            Source { origin: Origin::Remote(remote), failed: AtomicBool::new(false) }
        };
        Self(std::iter::once(first).chain(others).map(source).collect())
    }

    /// What this server has.
    pub fn here(here: Here) -> Self {
        Self(Arc::new([Source { origin: Origin::Here(here), failed: AtomicBool::new(false) }]))
    }

    /// The one that says what a tag means.
    pub(crate) fn first(&self) -> &Origin {
        &self.0[0].origin
    }

    /// All of them; those that failed lately come last, and are asked once.
    pub(crate) fn in_order(&self) -> Vec<(usize, Origin)> {
        let has_failed = |source: &Source| source.failed.load(Ordering::Relaxed);
        let sources = || self.0.iter().enumerate();
        let well =
            sources().filter(|(_, source)| !has_failed(source)).map(|(number, one)| (number, one.origin.clone()));
        let failed = sources().filter(|(_, source)| has_failed(source));
        let failed = failed.map(|(number, source)| match self.0.len() {
            1 => (number, source.origin.clone()),
            _ => (number, source.origin.clone().within(1)),
        });
        well.chain(failed).collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Remembers how it went with one of them.
    pub(crate) fn remember(&self, number: usize, failed: bool) {
        self.0[number].failed.store(failed, Ordering::Relaxed);
    }

    /// A manifest by its digest, from whoever has it.
    pub async fn manifest(&self, digest: &Digest) -> Result<Manifest, Error> {
        let reference = Reference::Digest(digest.clone());
        let mut errors = Vec::new();
        for (number, origin) in self.in_order() {
            match origin.manifest(&reference).await {
                Ok(Some(manifest)) => {
                    self.remember(number, false);
                    return Ok(manifest);
                }
                Ok(None) => errors.push(Error::Missing { what: format!("`{digest}` of `{}`", origin.name()) }),
                Err(error) => {
                    self.remember(number, error.passes());
                    errors.push(error);
                }
            }
        }
        Err(one_of(errors))
    }

    /// What refers to a manifest, according to each source that answers.
    pub async fn referrers(&self, subject: &Digest) -> Result<BTreeSet<Digest>, Error> {
        let (mut found, mut errors, mut answers) = (BTreeSet::new(), Vec::new(), 0);
        for (number, origin) in self.in_order() {
            match origin.referrers(subject).await {
                Ok(referrers) => {
                    answers += 1;
                    found.extend(referrers);
                }
                Err(error) => {
                    self.remember(number, error.passes());
                    errors.push(error);
                }
            }
        }
        if answers > 0 { Ok(found) } else { Err(one_of(errors)) }
    }

    /// A blob's bytes; the last of them come only if all of them are right.
    pub fn blob(&self, digest: &Digest, size: Option<u64>) -> Download {
        Download::new(self.clone(), digest.clone(), size)
    }
}

/// The only error, or all of them.
pub(crate) fn one_of(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 { errors.remove(0) } else { Error::Each(errors) }
}
