//! [`Roots`]: the digests that stay whatever the policy says, each with the reasons.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Policy, Reason};
use crate::{Digest, Project, Release, ReleaseId, System, Timestamp, state::Retention};

/// A release with what is known of it.
pub type KnownRelease = (ReleaseId, Arc<Release>);

/// What stays whatever the policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// What stays at hand.
    pub hot: BTreeMap<Digest, BTreeSet<Reason>>,
    /// What stays, and may lie in the archive.
    pub cold: BTreeMap<Digest, BTreeSet<Reason>>,
}

impl Roots {
    /// The roots of `project`. All releases that anything may be left of have to be among `releases`.
    pub fn of(
        project: &Project,
        releases: &[KnownRelease],
        system: &System,
        retention: &Retention,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let mut roots = Self::default();
        for (stage, there) in &project.stages {
            for (position, settled) in there.recent().enumerate() {
                let (stage, release) = (stage.clone(), settled.release.clone());
                let reason = match (position, &there.current) {
                    (0, Some(_)) => Reason::StageHead { stage, release },
                    _ => Reason::RollbackWindow { stage, release },
                };
                roots.root(settled.contents.digests(), &reason);
            }
        }
        let held = |digest: &Digest| system.hold_on(digest, &project.config.project).is_some();
        for digest in system.holds.keys().filter(|digest| held(digest)) {
            roots.root([digest], &Reason::Held { digest: digest.clone() });
        }
        for digest in retention.keeps.keys() {
            roots.root([digest], &Reason::Kept { digest: digest.clone() });
        }
        for seen in retention.running.iter().filter(|seen| now.since(seen.mark.at) < policy.running()) {
            roots.root(&seen.digests, &Reason::Running { stage: seen.stage.clone() });
        }
        for lease in retention.leases_at(now) {
            roots.root([&lease.digest], &Reason::Leased { until: lease.until });
        }
        for (id, release) in releases {
            let digests = || release.contents.digests();
            if held(id.digest()) {
                roots.root(digests(), &Reason::Held { digest: id.digest().clone() });
            }
            if retention.keeps.contains_key(id.digest()) {
                roots.root(digests(), &Reason::Kept { digest: id.digest().clone() });
            }
            roots.age(id, release, policy, now);
        }
        roots
    }

    /// What a release keeps by its age.
    fn age(&mut self, id: &ReleaseId, release: &Release, policy: &Policy, now: Timestamp) {
        if now.since(release.last_activity()) < policy.open() {
            let reason = Reason::OpenPromotion { release: id.clone() };
            return self.root(release.contents.digests(), &reason);
        }
        // A release that no stage ever had is a root only while it is open.
        let Some(left) = release.left_last() else { return };
        let ago = now.since(left);
        if policy.delete_after.is_some_and(|span| ago >= span) {
            return;
        }
        let roots = if policy.archive_after.is_some_and(|span| ago >= span) { &mut self.cold } else { &mut self.hot };
        for digest in release.contents.digests() {
            roots.entry(digest.clone()).or_default().insert(Reason::Release { release: id.clone() });
        }
    }

    fn root<'a>(&mut self, digests: impl IntoIterator<Item = &'a Digest>, reason: &Reason) {
        for digest in digests {
            self.hot.entry(digest.clone()).or_default().insert(reason.clone());
        }
    }
}
