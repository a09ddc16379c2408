//! [`Model`]: what must be there, by the words of the policy and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{Digest, HISTORY_MAX, ReleaseId, Timestamp};

/// How long whatever was pushed stays, in the policy of the test.
pub const FRESH_HOURS: u64 = 1;

/// Something that was pushed.
#[derive(Clone, Debug)]
pub struct Thing {
    pub bytes: String,
    pub kind: &'static str,
    pub children: Vec<Digest>,
    pub blobs: Vec<(Digest, String)>,
    pub about: Option<Digest>,
}

/// What was done, and so what must be there.
#[derive(Default)]
pub struct Model {
    /// All that was ever pushed.
    pub things: BTreeMap<Digest, Thing>,
    /// What is there now.
    pub present: BTreeSet<Digest>,
    /// What somebody deleted by hand: what consists of it is not whole, and that is his doing.
    pub deleted: BTreeSet<Digest>,
    pub tags: BTreeMap<String, Digest>,
    pub touched: BTreeMap<Digest, Timestamp>,
    /// What each stage has and had, the latest first.
    pub stages: [VecDeque<Digest>; 2],
    pub releases: BTreeMap<ReleaseId, Digest>,
    pub held: BTreeSet<Digest>,
    pub kept: BTreeSet<Digest>,
    pub collected: usize,
    pub restored: usize,
}

impl Model {
    /// One of the things, by a number; of images only where `images` says so.
    pub fn pick(&self, number: usize, fits: impl Fn(&Thing) -> bool) -> Option<Digest> {
        let fitting: Vec<_> = self.things.iter().filter(|(_, thing)| fits(thing)).map(|(digest, _)| digest).collect();
        fitting.get(number % fitting.len().max(1)).map(|digest| (*digest).clone())
    }

    pub fn settle(&mut self, stage: usize, digest: &Digest) {
        self.stages[stage].push_front(digest.clone());
        self.stages[stage].truncate(HISTORY_MAX + 1);
    }

    /// Whether a stage has it, could roll back to it, or somebody keeps it.
    pub fn is_rooted_by_hand(&self, digest: &Digest) -> bool {
        self.stages.iter().flatten().chain(&self.kept).any(|root| root == digest)
    }

    /// All that must be there: the roots, what they consist of, and what is about any of it.
    pub fn must_be_there(&self, now: Timestamp) -> BTreeSet<Digest> {
        let fresh = |digest: &&Digest| {
            self.touched.get(*digest).is_some_and(|at| now.since(*at).as_millis() < FRESH_HOURS * 3_600_000)
        };
        let versions = self.tags.iter().filter(|(tag, digest)| tag.starts_with('v') && self.is_image(digest));
        let roots = self.stages.iter().flatten().chain(&self.held).chain(&self.kept);
        let roots = roots.chain(self.present.iter().filter(fresh)).chain(versions.map(|(_, digest)| digest));
        let mut waiting: Vec<Digest> = roots.filter(|root| self.present.contains(*root)).cloned().collect();
        let mut found = BTreeSet::new();
        while let Some(digest) = waiting.pop() {
            if !found.insert(digest.clone()) {
                continue;
            }
            let here = |other: &&Digest| self.present.contains(*other);
            waiting.extend(self.things[&digest].children.iter().filter(here).cloned());
            let about = self.present.iter().filter(|other| self.things[*other].about.as_ref() == Some(&digest));
            waiting.extend(about.cloned());
        }
        found
    }

    /// Rules keep images: what is not about something, and no part of something.
    fn is_image(&self, digest: &Digest) -> bool {
        let part_of_any = self.present.iter().any(|other| self.things[other].children.contains(digest));
        self.things[digest].about.is_none() && !part_of_any
    }
}
