//! Claims that end by themselves: what was seen running, and leases.

use std::collections::BTreeSet;

use super::{Answer, Desk, text};
use crate::{
    Digest, Event, Party, Permission, ProjectName, Refusal, Span, StageName,
    state::{
        LEASE_LASTS_MAX, LEASES_MAX, LEASES_OF_ONE_MAX, Lease, OBSERVATION_LASTS_MAX, OBSERVATIONS_MAX, Observation,
    },
};

/// How many digests one observation names at most: more do not fit into an entry.
const OBSERVED_MAX: usize = 200;
/// How old an observation becomes, in milliseconds, before the same is worth another entry.
const OBSERVED_AGAIN_MS: u64 = 3_600_000;

impl Desk<'_> {
    pub(super) fn observe(&self, name: ProjectName, stage: StageName, digests: BTreeSet<Digest>) -> Answer {
        self.project(&name, Permission::Observe, Some(&stage))?;
        if digests.len() > OBSERVED_MAX {
            return Err(Refusal::LimitReached { what: "an observation", limit: format!("{OBSERVED_MAX} digests") });
        }
        let known = self.state.retention(&name).map(|retention| &*retention.running).unwrap_or_default();
        let is_own = |one: &&Observation| one.stage == stage && one.mark.by == self.actor.party;
        let age = |one: &Observation| self.now.since(one.mark.at);
        match known.iter().find(is_own) {
            Some(own) if own.digests == digests && age(own).as_millis() < OBSERVED_AGAIN_MS => return Ok(Vec::new()),
            None if digests.is_empty() => return Ok(Vec::new()),
            _ => {}
        }
        let others = known.iter().filter(|one| !is_own(one) && age(one) < OBSERVATION_LASTS_MAX).count();
        if others >= OBSERVATIONS_MAX {
            let limit = format!("{OBSERVATIONS_MAX} observations by different parties or of different stages");
            return Err(Refusal::LimitReached { what: "a project", limit });
        }
        Ok(vec![Event::Observed { project: name, stage, digests }])
    }

    /// Whoever may pull a digest may claim it. For a stage it has to be what the stage has, or what it is leased for already.
    pub(super) fn lease(
        &self,
        name: ProjectName,
        digest: Digest,
        stage: Option<StageName>,
        lasts: Span,
        reason: String,
    ) -> Answer {
        let project = self.project(&name, Permission::Pull, stage.as_ref())?;
        text("a reason", &reason)?;
        if lasts > LEASE_LASTS_MAX || lasts.as_millis() == 0 {
            return Err(Refusal::LimitReached {
                what: "a lease",
                limit: format!("{LEASE_LASTS_MAX}, and lasts some time"),
            });
        }
        if let Some(hold) = self.state.system().hold_on(&digest, &name) {
            return Err(Refusal::Held { digest, reason: hold.mark.reason.clone() });
        }
        let leases: Vec<&Lease> =
            self.state.retention(&name).into_iter().flat_map(|known| known.leases_at(self.now)).collect();
        if let Some(stage) = &stage
            && !project.stage(stage).has_promoted(&digest)
            && !leases.iter().any(|lease| lease.digest == digest && lease.stage.as_ref() == Some(stage))
        {
            return Err(Refusal::NotPromoted { digest: digest.to_string(), stages: vec![stage.clone()] });
        }
        let until = self.now + lasts;
        let own: Vec<&Lease> = leases.iter().copied().filter(|lease| lease.mark.by == self.actor.party).collect();
        match own.iter().find(|lease| lease.digest == digest && lease.stage == stage) {
            Some(same) if same.until >= until => return Ok(Vec::new()),
            Some(_) => {}
            None if own.len() >= LEASES_OF_ONE_MAX => {
                let limit = format!("{LEASES_OF_ONE_MAX} leases of a project");
                return Err(Refusal::LimitReached { what: "one party", limit });
            }
            None if leases.len() >= LEASES_MAX => {
                return Err(Refusal::LimitReached { what: "a project", limit: format!("{LEASES_MAX} leases") });
            }
            None => {}
        }
        Ok(vec![Event::Leased { project: name, digest, stage, until, reason }])
    }

    /// Ends all leases that a party has of a digest: one's own, or those of another for whoever may hold and keep.
    pub(super) fn unlease(&self, name: ProjectName, digest: Digest, party: Option<Party>) -> Answer {
        let party = party.unwrap_or_else(|| self.actor.party.clone());
        let mut leases = self.state.retention(&name).into_iter().flat_map(|known| known.leases_at(self.now));
        if party != self.actor.party {
            self.project(&name, Permission::Hold, None)?;
        }
        if !leases.any(|lease| lease.digest == digest && lease.mark.by == party) {
            return Err(Refusal::NotLeased { digest, party });
        }
        Ok(vec![Event::Unleased { project: name, digest, party }])
    }
}
