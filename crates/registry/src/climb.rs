//! [`Climb`]: the way up from a digest, to the manifests that name it and to what those are about. Tags say so, too, and may say so of each
//! other in a circle.

use std::collections::BTreeSet;

use domain::{Digest, RepositoryName};
use engine::{
    attached,
    ports::{Catalog, Trouble},
};

/// How many manifests are looked at before a climb ends. Whoever climbs takes that for a no.
const NODES_MAX: usize = 2000;
/// How many manifests are looked up at once.
const PAGE: usize = 100;

/// Goes up depth first, so that where any way up will do, few manifests are looked at.
pub(crate) struct Climb<'a> {
    catalog: &'a dyn Catalog,
    repository: &'a RepositoryName,
    waiting: Vec<Waiting>,
    seen: BTreeSet<Digest>,
    cut: bool,
}

enum Waiting {
    One(Digest),
    /// What names the first digest, after the second.
    More(Digest, Digest),
}

impl<'a> Climb<'a> {
    /// A climb from `digest`, which comes first.
    pub fn from(catalog: &'a dyn Catalog, repository: &'a RepositoryName, digest: &Digest) -> Self {
        let (waiting, seen) = (vec![Waiting::One(digest.clone())], BTreeSet::from([digest.clone()]));
        Self { catalog, repository, waiting, seen, cut: false }
    }

    /// The next digest. What is above it comes only after [`Climb::go_above`].
    pub async fn next(&mut self) -> Result<Option<Digest>, Trouble> {
        while let Some(waiting) = self.waiting.pop() {
            match waiting {
                Waiting::One(digest) => return Ok(Some(digest)),
                Waiting::More(below, after) => drop(self.page(&below, Some(&after)).await?),
            }
        }
        Ok(None)
    }

    /// Goes on above `digest`; `false` if nothing is there.
    pub async fn go_above(&mut self, digest: &Digest) -> Result<bool, Trouble> {
        let named = self.page(digest, None).await?;
        let subjects = attached::subjects(self.catalog, self.repository, digest).await?;
        self.cut |= subjects.cut;
        let about = !subjects.digests.is_empty();
        self.add(subjects.digests.into_iter().collect());
        Ok(named || about)
    }

    /// Whether the climb did not see everything, because there were too many manifests or tags.
    pub fn was_cut(&self) -> bool {
        self.cut
    }

    async fn page(&mut self, below: &Digest, after: Option<&Digest>) -> Result<bool, Trouble> {
        let found = self.catalog.containers(self.repository, below, after, PAGE).await?;
        let Some(last) = found.last() else { return Ok(false) };
        self.waiting.push(Waiting::More(below.clone(), last.clone()));
        self.add(found);
        Ok(true)
    }

    fn add(&mut self, above: Vec<Digest>) {
        for digest in above {
            if self.seen.len() == NODES_MAX {
                self.cut = true;
                self.waiting.retain(|waiting| matches!(waiting, Waiting::One(_)));
                return;
            }
            if self.seen.insert(digest.clone()) {
                self.waiting.push(Waiting::One(digest));
            }
        }
    }
}
