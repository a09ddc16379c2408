//! [`Copy`](struct@Copy): copies artifacts with all that belongs to them, in an order in which nothing is there before what it names.

mod evidence;

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Digest, TagName};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{Error, Journal, Plan, Reference, Remote, Sources, Wanted};

/// A copy from some places to another one.
pub struct Copy {
    /// Where the bytes come from.
    pub sources: Sources,
    /// Where they go.
    pub destination: Remote,
    /// How many things are done at once.
    pub jobs: usize,
    /// Whether a tag of the destination that points elsewhere is moved.
    pub moves_tags: bool,
}

/// What became of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It was there.
    There,
    /// The registry had it in another repository.
    Mounted,
    /// Its bytes were sent.
    Copied,
}

/// What a copy did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// How many manifests belong to it.
    pub manifests: u64,
    /// How many blobs they name.
    pub blobs: u64,
    /// How many bytes all of it has.
    pub bytes: u64,
    /// How many of the blobs the destination did not have.
    pub blobs_sent: u64,
    /// How many bytes they have.
    pub bytes_sent: u64,
    /// How many of the blobs were mounted from another repository of the destination.
    pub blobs_mounted: u64,
    /// How many steps were done by an earlier attempt.
    pub steps_before: u64,
}

#[derive(Default)]
struct Counted {
    sent: AtomicU64,
    bytes: AtomicU64,
    mounted: AtomicU64,
}

impl Copy {
    /// Finds what there is to do. Nothing is written; what the destination would lose is refused.
    pub async fn plan(&self, wanted: &Wanted) -> Result<Plan, Error> {
        let plan = Plan::find(wanted, &self.sources, &self.destination, self.jobs).await?;
        self.refuse_losses(&plan).await?;
        Ok(plan)
    }

    /// What a plan would move now.
    pub async fn weigh(&self, plan: &Plan) -> Result<Copied, Error> {
        let blobs = plan.blobs();
        let look = |(digest, size): (&Digest, u64)| {
            let digest = digest.clone();
            async move { Ok::<_, Error>((self.destination.has_blob(&digest, size).await?, size)) }
        };
        let there: Vec<(bool, u64)> = stream::iter(blobs).map(look).buffer_unordered(self.jobs).try_collect().await?;
        let lacking = || there.iter().filter(|(there, _)| !there);
        Ok(Copied {
            blobs_sent: lacking().count() as u64,
            bytes_sent: lacking().map(|(_, size)| size).sum(),
            ..Self::of(plan)
        })
    }

    fn of(plan: &Plan) -> Copied {
        Copied {
            manifests: plan.manifests.len() as u64,
            blobs: plan.blobs().len() as u64,
            bytes: plan.bytes(),
            ..Copied::default()
        }
    }

    /// Does what is planned and not done yet. `sent` is told of bytes as they go.
    pub async fn run(&self, plan: &Plan, journal: &Journal, sent: &(dyn Fn(u64) + Sync)) -> Result<Copied, Error> {
        let counted = Counted::default();
        let steps_before = journal.count() as u64;
        self.put_blobs(plan, journal, &counted, sent).await?;
        let levels = plan.manifests.iter().map(|node| node.level).max().map_or(0, |level| level + 1);
        for level in 0..levels {
            let nodes = plan.manifests.iter().filter(|node| node.level == level);
            let nodes: Vec<_> = nodes.map(|node| (node.digest.clone(), node.subject.is_some())).collect();
            let put = |(digest, has_subject): (Digest, bool)| async move {
                self.put_manifest(&digest, has_subject, journal).await
            };
            stream::iter(nodes).map(put).buffer_unordered(self.jobs).try_collect::<Vec<()>>().await?;
        }
        self.list_referrers(plan, journal).await?;
        let tags: Vec<_> = plan.evidence_tags.iter().chain(&plan.tags).collect();
        for (tag, digest) in tags {
            self.put_tag(tag, digest, journal).await?;
        }
        self.read_back(plan).await?;
        Ok(Copied {
            blobs_sent: counted.sent.into_inner(),
            bytes_sent: counted.bytes.into_inner(),
            blobs_mounted: counted.mounted.into_inner(),
            steps_before,
            ..Self::of(plan)
        })
    }

    async fn put_blobs(
        &self,
        plan: &Plan,
        journal: &Journal,
        counted: &Counted,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let near = self.sources.first().on(&self.destination.place().host);
        let put = |(digest, size): (&Digest, u64)| {
            let digest = digest.clone();
            async move {
                let line = format!("blob {digest}");
                if journal.is_done(&line) {
                    return Ok(());
                }
                let placed = self.destination.put_blob(&digest, size, &self.sources, near, sent).await?;
                match placed {
                    Placed::There => {}
                    Placed::Mounted => drop(counted.mounted.fetch_add(1, Ordering::Relaxed)),
                    Placed::Copied => {
                        counted.sent.fetch_add(1, Ordering::Relaxed);
                        counted.bytes.fetch_add(size, Ordering::Relaxed);
                    }
                }
                if placed != Placed::Copied {
                    sent(size);
                }
                journal.done(line)
            }
        };
        stream::iter(plan.blobs()).map(put).buffer_unordered(self.jobs).try_collect::<Vec<()>>().await.map(drop)
    }

    async fn put_manifest(&self, digest: &Digest, has_subject: bool, journal: &Journal) -> Result<(), Error> {
        let line = format!("manifest {digest}");
        if journal.is_done(&line) {
            return Ok(());
        }
        let manifest = self.sources.manifest(digest).await?;
        let is_listed = self.destination.put_manifest(&Reference::Digest(digest.clone()), &manifest).await?;
        if has_subject && is_listed {
            journal.done(format!("listed {digest}"))?;
        }
        journal.done(line)
    }

    async fn put_tag(&self, tag: &TagName, digest: &Digest, journal: &Journal) -> Result<(), Error> {
        let line = format!("tag {tag} {digest}");
        if journal.is_done(&line) {
            return Ok(());
        }
        let reference = Reference::Tag(tag.clone());
        // Bytes that the destination has need not come from far away again.
        let manifest = match self.destination.manifest(&Reference::Digest(digest.clone())).await {
            Ok(Some(manifest)) => manifest,
            _ => self.sources.manifest(digest).await?,
        };
        self.destination.put_manifest(&reference, &manifest).await?;
        journal.done(line)
    }

    /// Done is what the destination serves: every tag, and what has none, is read there once more.
    async fn read_back(&self, plan: &Plan) -> Result<(), Error> {
        let tags = plan.tags.iter().map(|(tag, digest)| (Reference::Tag(tag.clone()), digest));
        let untagged = plan.roots.iter().filter(|digest| !plan.tags.values().any(|tagged| tagged == *digest));
        for (reference, expected) in tags.chain(untagged.map(|digest| (Reference::Digest(digest.clone()), digest))) {
            let found = self.destination.manifest(&reference).await?;
            if found.as_ref().map(|manifest| &manifest.digest) != Some(expected) {
                let has = found.map_or("nothing".to_owned(), |manifest| format!("`{}`", manifest.digest));
                let place = self.destination.place();
                let problem = format!("`{reference}` of `{place}` was put as `{expected}`, and it answers with {has}");
                return Err(self.destination.senseless(&problem));
            }
        }
        Ok(())
    }
}
