//! [`Model`]: what must be there, by the words of the policy and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{Digest, HISTORY_MAX, Party, ReleaseId, Timestamp};

/// How long whatever was pushed stays, in the policy of the test.
pub const FRESH_HOURS: u64 = 1;
/// How long a report keeps what runs, in the policy of the test.
pub const RUNNING_HOURS: u64 = 7;
/// How long a pull keeps what has a tag `main-*`, in the policy of the test.
pub const PULLED_HOURS: u64 = 6;

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
    /// Until when somebody leases something, perhaps for a stage: a manifest, or a part of some.
    pub leases: BTreeMap<(Party, Digest, Option<usize>), Timestamp>,
    /// What somebody saw running in a stage, and when.
    pub running: BTreeMap<(Party, usize), (Timestamp, BTreeSet<Digest>)>,
    /// When each was last pulled.
    pub pulled: BTreeMap<Digest, Timestamp>,
    /// What was a part of something when the last plan was made: it goes with that, by that plan.
    pub parts: BTreeSet<Digest>,
    /// When something was pulled for the first time.
    pub pulls_since: Option<Timestamp>,
    /// How many manifests went, came back, and stayed by a plan only because somebody claimed or pulled them.
    pub collected: usize,
    pub restored: usize,
    pub claimed: usize,
    pub used: usize,
}

impl Model {
    /// One of what is there, by a number.
    pub fn pick_present(&self, number: usize) -> Option<Digest> {
        self.present.iter().nth(number % self.present.len().max(1)).cloned()
    }

    /// One of the things, by a number; of images only where `images` says so.
    pub fn pick(&self, number: usize, fits: impl Fn(&Thing) -> bool) -> Option<Digest> {
        let fitting: Vec<_> = self.things.iter().filter(|(_, thing)| fits(thing)).map(|(digest, _)| digest).collect();
        fitting.get(number % fitting.len().max(1)).map(|digest| (*digest).clone())
    }

    pub fn settle(&mut self, stage: usize, digest: &Digest) {
        self.stages[stage].push_front(digest.clone());
        self.stages[stage].truncate(HISTORY_MAX + 1);
    }

    pub fn pull(&mut self, digest: &Digest, now: Timestamp) {
        self.pulls_since.get_or_insert(now);
        self.pulled.insert(digest.clone(), now);
    }

    /// All that must be there: the roots, what they consist of, and what is about any of it.
    pub fn must_be_there(&self, now: Timestamp) -> BTreeSet<Digest> {
        let ruled = self.new_or_version(now).chain(self.in_use(now));
        self.spread(self.rooted().into_iter().chain(self.claimed(now)).chain(ruled))
    }

    /// The same, but for what stays only because it was pulled.
    pub fn must_be_there_unpulled(&self, now: Timestamp) -> BTreeSet<Digest> {
        self.spread(self.rooted().into_iter().chain(self.claimed(now)).chain(self.new_or_version(now)))
    }

    /// The same, but for what stays only because somebody claims it for a while.
    pub fn must_be_there_unclaimed(&self, now: Timestamp) -> BTreeSet<Digest> {
        self.spread(self.rooted().into_iter().chain(self.new_or_version(now)).chain(self.in_use(now)))
    }

    /// What nobody can delete by hand.
    pub fn undeletable(&self, now: Timestamp) -> BTreeSet<Digest> {
        self.spread(self.rooted().into_iter().chain(self.claimed(now)))
    }

    /// What stages have or could roll back to, what is held, and what is kept.
    fn rooted(&self) -> Vec<&Digest> {
        self.stages.iter().flatten().chain(&self.held).chain(&self.kept).collect()
    }

    /// What somebody claims for a while, itself or a part of it.
    fn claimed(&self, now: Timestamp) -> Vec<&Digest> {
        let leased = self.leases.iter().filter(|(_, until)| **until > now).map(|((_, digest, _), _)| digest);
        let running = self.running.values().filter(|(at, _)| is_within(*at, RUNNING_HOURS, now));
        let claims: BTreeSet<&Digest> = leased.chain(running.flat_map(|(_, digests)| digests)).collect();
        let is_claimed = |digest: &&Digest| {
            let blobs = self.things[*digest].blobs.iter().map(|(blob, _)| blob);
            blobs.chain([*digest]).any(|part| claims.contains(part))
        };
        self.present.iter().filter(is_claimed).collect()
    }

    /// What was pushed just now, and versions.
    fn new_or_version(&self, now: Timestamp) -> impl Iterator<Item = &Digest> {
        let fresh =
            move |digest: &&Digest| self.touched.get(*digest).is_some_and(|at| is_within(*at, FRESH_HOURS, now));
        self.present.iter().filter(fresh).chain(self.images_tagged("v"))
    }

    /// What has a tag `main-*` and was pulled lately; all that has one, until pulls are known for so long.
    fn in_use(&self, now: Timestamp) -> Vec<&Digest> {
        let unknown = self.pulls_since.is_none_or(|since| is_within(whole_day(since), PULLED_HOURS, now));
        let pulled = |digest: &Digest| self.pulled.get(digest).is_some_and(|at| is_within(*at, PULLED_HOURS, now));
        let used = |digest: &&Digest| unknown || pulled(digest) || self.things[*digest].children.iter().any(pulled);
        self.images_tagged("main-").filter(used).collect()
    }

    /// Somebody makes a plan.
    pub fn plan(&mut self) {
        self.parts = self.present.iter().flat_map(|digest| &self.things[digest].children).cloned().collect();
    }

    /// Rules keep images: what is not about something, and no part of something, now or when the last plan was made.
    fn images_tagged(&self, beginning: &'static str) -> impl Iterator<Item = &Digest> {
        let tagged = self.tags.iter().filter(move |(tag, _)| tag.starts_with(beginning)).map(|(_, digest)| digest);
        tagged.filter(|digest| {
            let part_of_any = self.present.iter().any(|other| self.things[other].children.contains(digest));
            self.things[*digest].about.is_none() && !part_of_any && !self.parts.contains(*digest)
        })
    }

    /// What is there of these, of what they consist of, and of what is about any of it.
    fn spread<'a>(&'a self, roots: impl Iterator<Item = &'a Digest>) -> BTreeSet<Digest> {
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
}

fn is_within(at: Timestamp, hours: u64, now: Timestamp) -> bool {
    now.since(at).as_millis() < hours * 3_600_000
}

/// The beginning of its day, by which pulls are known.
fn whole_day(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(24 * 3_600_000))
}
