//! [`plan`]: what becomes of each object, and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Object, Policy, Reason, Roots, about};
use crate::{About, Digest, ProjectName, RepositoryName, Span, TagName, Timestamp, canonical};

/// How many objects a plan looks at, at most: all of a project.
pub const PLAN_OBJECTS_MAX: usize = 50_000;

/// What a plan follows from, beside the policy and the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Every manifest of the project's repositories, in the order of repositories and digests.
    pub objects: Vec<Object>,
    /// What stays whatever the policy says.
    pub roots: Roots,
    /// Configurations and layers that repositories outside the project have, too.
    pub elsewhere: BTreeSet<Digest>,
    /// What is in the archive already.
    pub archived: BTreeSet<Digest>,
    /// The first day of which pulls are known.
    pub pulls_since: Option<Timestamp>,
}

/// A plan: its canonical form is the document that an entry of the ledger names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The project.
    pub project: ProjectName,
    /// How many ledger entries it takes into account.
    pub as_of: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The policy that it follows.
    pub policy: Policy,
    /// What becomes of each object: containers before what they consist of, so that nothing is ever there in halves.
    pub items: Vec<Item>,
    /// All in all.
    pub totals: Totals,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The repository.
    pub repository: RepositoryName,
    /// The digest.
    pub digest: Digest,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagName>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<Digest>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why it stays; none if it goes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub because: BTreeSet<Reason>,
    /// How many bytes are free at hand when it is gone or in the archive: those that nothing before it in the plan frees already.
    pub frees: u64,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It stays as it is.
    Keep,
    /// It stays, and its configuration and layers lie in the archive.
    Archive,
    /// It goes: into the trash first.
    Trash,
}

/// How much it is, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// How many objects stay.
    pub kept: u64,
    /// How many objects lie in the archive.
    pub archived: u64,
    /// How many objects go.
    pub trashed: u64,
    /// How many bytes are free at hand then.
    pub frees: u64,
}

/// Which configurations and layers go into the archive, and which come back from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Into the archive: what nothing names that stays at hand.
    pub away: BTreeSet<Digest>,
    /// Out of it: what something names that stays at hand.
    pub back: BTreeSet<Digest>,
}

impl Moves {
    /// The moves that lead to what `plan`, made from `facts`, says.
    pub fn of(plan: &Plan, facts: &Facts) -> Self {
        let outcomes: BTreeMap<_, _> =
            plan.items.iter().map(|item| ((&item.repository, &item.digest), item.outcome)).collect();
        let blobs_of = |wanted: Outcome| {
            let objects = facts.objects.iter();
            let fitting = objects.filter(move |object| {
                outcomes.get(&(&object.repository, &object.digest)).is_some_and(|outcome| *outcome == wanted)
            });
            fitting.flat_map(|object| object.blobs.iter().map(|(digest, _)| digest.clone())).collect::<BTreeSet<_>>()
        };
        let at_hand = blobs_of.clone()(Outcome::Keep);
        let stays = |digest: &Digest| at_hand.contains(digest) || facts.elsewhere.contains(digest);
        let away = blobs_of(Outcome::Archive).into_iter();
        Self {
            away: away.filter(|digest| !stays(digest) && !facts.archived.contains(digest)).collect(),
            back: facts.archived.iter().filter(|digest| at_hand.contains(*digest)).cloned().collect(),
        }
    }
}

impl Plan {
    /// Its canonical bytes.
    pub fn document(&self) -> Vec<u8> {
        canonical::to_vec(self)
    }
}

/// What becomes of each object of a project under `policy`.
pub fn plan(project: ProjectName, as_of: u64, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    let graph = Graph::of(&facts.objects);
    let hot = graph.spread(graph.kept(facts, policy, now));
    let cold = graph.spread(graph.rooted(&facts.roots.cold));
    let outcome = |at: usize| match (hot.contains_key(&at), cold.contains_key(&at)) {
        (true, _) => Outcome::Keep,
        (false, true) => Outcome::Archive,
        (false, false) => Outcome::Trash,
    };
    // What stays at hand, whoever else goes.
    let mut free: BTreeSet<&Digest> = facts.elsewhere.iter().collect();
    let at_hand = (0..facts.objects.len()).filter(|at| outcome(*at) == Outcome::Keep);
    free.extend(at_hand.flat_map(|at| facts.objects[at].blobs.iter().map(|(digest, _)| digest)));
    free.extend(&facts.archived);
    let mut totals = Totals::default();
    let mut items = Vec::with_capacity(facts.objects.len());
    for at in graph.order() {
        let object = &facts.objects[at];
        let outcome = outcome(at);
        let (count, itself) = match outcome {
            Outcome::Keep => (&mut totals.kept, 0),
            Outcome::Archive => (&mut totals.archived, 0),
            Outcome::Trash => (&mut totals.trashed, object.size),
        };
        *count += 1;
        let gone = object.blobs.iter().filter(|(digest, _)| outcome != Outcome::Keep && free.insert(digest));
        let frees = gone.fold(itself, |sum, (_, size)| sum.saturating_add(*size)).min(BYTES_MAX);
        totals.frees = totals.frees.saturating_add(frees).min(BYTES_MAX);
        items.push(Item {
            repository: object.repository.clone(),
            digest: object.digest.clone(),
            tags: object.tags.clone(),
            about: graph.subjects(object),
            outcome,
            because: hot.get(&at).or_else(|| cold.get(&at)).cloned().unwrap_or_default(),
            frees,
        });
    }
    Plan { project, as_of, at: now, policy: policy.clone(), items, totals }
}

/// The largest number that canonical JSON can spell exactly.
const BYTES_MAX: u64 = (1 << 53) - 1;

/// How long the text of a SHA-512 digest is: of no other does a tag have only the beginning.
const SHA512_LENGTH: usize = "sha512:".len() + 128;

/// The position of each object.
type Places<'a> = BTreeMap<(&'a RepositoryName, &'a Digest), usize>;

/// Objects by their positions, with what belongs to what: never across repositories.
struct Graph<'a> {
    objects: &'a [Object],
    places: Places<'a>,
    /// For each object, those that it consists of.
    children: Vec<Vec<usize>>,
    /// For each object, those that are about it.
    referrers: Vec<Vec<usize>>,
    /// Whether an object is a part of another, or about another: then it is no image of its own.
    belongs: Vec<bool>,
}

/// The object of a repository that something is about.
fn find(places: &Places<'_>, repository: &RepositoryName, about: &About) -> Option<usize> {
    match about {
        About::Digest(digest) => places.get(&(repository, digest)).copied(),
        About::Beginning(beginning) => {
            // The first digest that begins so.
            let first: Digest = format!("{beginning:0<length$}", length = SHA512_LENGTH).parse().ok()?;
            let ((there, digest), at) = places.range((repository, &first)..).next()?;
            (*there == repository && digest.as_str().starts_with(&**beginning)).then_some(*at)
        }
    }
}

impl<'a> Graph<'a> {
    fn of(objects: &'a [Object]) -> Self {
        let places: Places<'_> =
            objects.iter().enumerate().map(|(at, object)| ((&object.repository, &object.digest), at)).collect();
        let (mut children, mut referrers) = (vec![Vec::new(); objects.len()], vec![Vec::new(); objects.len()]);
        let mut belongs = vec![false; objects.len()];
        for (at, object) in objects.iter().enumerate() {
            for child in &object.children {
                if let Some(child) = places.get(&(&object.repository, child)) {
                    children[at].push(*child);
                    belongs[*child] = true;
                }
            }
            for about in about(object.subject.as_ref(), &object.tags) {
                belongs[at] = true;
                if let Some(subject) = find(&places, &object.repository, &about) {
                    referrers[subject].push(at);
                }
            }
        }
        Self { objects, places, children, referrers, belongs }
    }

    /// What an object is about. Of a digest of which a tag has only the beginning, the object has to be there.
    fn subjects(&self, object: &Object) -> Vec<Digest> {
        let found = |about: About| match about {
            About::Digest(digest) => Some(digest),
            beginning => find(&self.places, &object.repository, &beginning).map(|at| self.objects[at].digest.clone()),
        };
        about(object.subject.as_ref(), &object.tags).into_iter().filter_map(found).collect()
    }

    /// What stays at hand by itself: roots, what is new, and the images that a rule keeps.
    fn kept(&self, facts: &Facts, policy: &Policy, now: Timestamp) -> BTreeMap<usize, BTreeSet<Reason>> {
        let mut kept = self.rooted(&facts.roots.hot);
        for (at, object) in self.objects.iter().enumerate() {
            let reason = match object.touched {
                None => Reason::AgeUnknown,
                Some(touched) if now.since(touched) < policy.fresh() => Reason::Fresh,
                Some(_) => continue,
            };
            kept.entry(at).or_default().insert(reason);
        }
        for (number, rule) in (1..).zip(&policy.keep) {
            for at in self.kept_by(rule, facts.pulls_since, now) {
                kept.entry(at).or_default().insert(Reason::Rule { number });
            }
        }
        kept
    }

    /// The images that a rule keeps.
    fn kept_by(&self, rule: &super::KeepRule, pulls_since: Option<Timestamp>, now: Timestamp) -> Vec<usize> {
        let fits = |at: &usize| {
            let object = &self.objects[*at];
            let tagged = |pattern: &super::Pattern| object.tags.iter().any(|tag| pattern.matches(tag));
            !self.belongs[*at]
                && rule.repository.as_ref().is_none_or(|repository| *repository == object.repository)
                && rule.tags.as_ref().is_none_or(tagged)
        };
        let fitting: Vec<usize> = (0..self.objects.len()).filter(fits).collect();
        if rule.pushed_within.is_none() && rule.pulled_within.is_none() && rule.latest.is_none() {
            return fitting;
        }
        let touched = |at: usize| self.objects[at].touched.unwrap_or(now);
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        if let Some(span) = rule.pushed_within {
            kept.extend(fitting.iter().filter(|at| now.since(touched(**at)) < span));
        }
        if let Some(span) = rule.pulled_within {
            // A day is known by its beginning, so what was pulled on it may be younger by a day.
            let recent = |day: Timestamp| now.since(day) < span.plus(Span::DAY);
            // Where pulls are not known for so long, everything may have been pulled.
            let unknown = pulls_since.is_none_or(|since| now.since(since) < span);
            kept.extend(fitting.iter().filter(|at| unknown || self.pulled(**at).is_some_and(recent)));
        }
        if let Some(count) = rule.latest {
            let mut by_repository: BTreeMap<&RepositoryName, Vec<usize>> = BTreeMap::new();
            for at in fitting {
                by_repository.entry(&self.objects[at].repository).or_default().push(at);
            }
            for mut images in by_repository.into_values() {
                // The newest first; where two are as new, in the order of their digests.
                images.sort_by_key(|at| (std::cmp::Reverse(touched(*at)), *at));
                kept.extend(images.into_iter().take(count as usize));
            }
        }
        kept.into_iter().collect()
    }

    /// The day on which an object, or one that it consists of, was last pulled.
    fn pulled(&self, at: usize) -> Option<Timestamp> {
        let children = self.children[at].iter().map(|child| self.objects[*child].pulled);
        children.chain([self.objects[at].pulled]).flatten().max()
    }

    /// The objects that roots name, or that name a root which is no manifest: a blob that is held.
    fn rooted(&self, roots: &BTreeMap<Digest, BTreeSet<Reason>>) -> BTreeMap<usize, BTreeSet<Reason>> {
        let mut rooted: BTreeMap<usize, BTreeSet<Reason>> = BTreeMap::new();
        for (at, object) in self.objects.iter().enumerate() {
            let named = std::iter::once(&object.digest).chain(object.blobs.iter().map(|(digest, _)| digest));
            for reasons in named.filter_map(|digest| roots.get(digest)) {
                rooted.entry(at).or_default().extend(reasons.iter().cloned());
            }
        }
        rooted
    }

    /// What stays with what stays: what it consists of, and what is about it.
    fn spread(&self, mut kept: BTreeMap<usize, BTreeSet<Reason>>) -> BTreeMap<usize, BTreeSet<Reason>> {
        let mut waiting: VecDeque<usize> = kept.keys().copied().collect();
        while let Some(at) = waiting.pop_front() {
            let digest = &self.objects[at].digest;
            let with = self.children[at].iter().map(|child| (*child, Reason::PartOf { digest: digest.clone() }));
            let about = self.referrers[at].iter().map(|one| (*one, Reason::About { digest: digest.clone() }));
            for (other, reason) in with.chain(about) {
                kept.entry(other).or_insert_with(|| {
                    waiting.push_back(other);
                    BTreeSet::from([reason])
                });
            }
        }
        kept
    }

    /// Containers before what they consist of, subjects before what is about them.
    fn order(&self) -> Vec<usize> {
        debug_assert_eq!(self.places.len(), self.objects.len(), "each object once");
        let mut above = vec![0_usize; self.objects.len()];
        for below in self.children.iter().chain(&self.referrers).flatten() {
            above[*below] += 1;
        }
        let mut ready: VecDeque<usize> = (0..self.objects.len()).filter(|at| above[*at] == 0).collect();
        let mut order = Vec::with_capacity(self.objects.len());
        while let Some(at) = ready.pop_front() {
            order.push(at);
            for below in self.children[at].iter().chain(&self.referrers[at]) {
                above[*below] -= 1;
                if above[*below] == 0 {
                    ready.push_back(*below);
                }
            }
        }
        // A digest cannot lead to itself, but a tag can say anything: what goes in a circle comes last.
        let placed: BTreeSet<usize> = order.iter().copied().collect();
        order.extend((0..self.objects.len()).filter(|at| !placed.contains(at)));
        order
    }
}
