//! [`Promoted`]: what stages have, and what it consists of.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{Digest, Key, Refusal, ReleaseId, StageName, State};
use engine::ports::{Catalog, PartKind};

use crate::{Registry, error::Failure, rights::Rights};

/// The artifacts of the releases that some stages have.
pub(crate) struct Promoted<'a> {
    registry: &'a Registry,
    rights: &'a Rights,
    /// Those that were pushed to this repository first, since most questions are about them.
    artifacts: Vec<Artifact>,
    any_hold: bool,
}

struct Artifact {
    digest: Digest,
    releases: BTreeSet<ReleaseId>,
    /// What it consists of, once somebody asked.
    closure: Option<Arc<BTreeSet<Digest>>>,
}

/// Whether something belongs to what was promoted.
pub(crate) enum Way {
    /// It does not.
    None,
    /// It does, and nothing in between is held.
    Free,
    /// It does, but only to what is held.
    Held(Refusal),
}

impl<'a> Promoted<'a> {
    /// What `stages` have: the current release of each, and those before it.
    pub async fn by(registry: &'a Registry, rights: &'a Rights, stages: &[StageName]) -> Result<Self, Failure> {
        let (mut here, mut elsewhere) = (BTreeMap::<_, BTreeSet<_>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
        if let Some(project) = &rights.project {
            let component = project.config.component_of(&rights.repository);
            for settled in stages.iter().flat_map(|stage| project.stage(stage).recent()) {
                let own = component.and_then(|component| settled.contents.components.get(component));
                for digest in settled.contents.digests() {
                    let artifacts = if Some(digest) == own { &mut here } else { &mut elsewhere };
                    artifacts.entry(digest.clone()).or_default().insert(settled.release.clone());
                }
            }
        }
        // What is leased for a stage stays pullable there, whatever the stage has by now.
        for digest in leased(registry, rights, stages).await? {
            here.entry(digest).or_default();
        }
        let artifact = |(digest, releases)| Artifact { digest, releases, closure: None };
        let artifacts = here.into_iter().chain(elsewhere).map(artifact).collect();
        Ok(Self { registry, rights, artifacts, any_hold: rights.any_hold(registry).await? })
    }

    /// Whether `digest` is one of the artifacts or a part of one.
    pub async fn way_to(&mut self, digest: &Digest) -> Result<Way, Failure> {
        let mut met = Way::None;
        for number in 0..self.artifacts.len() {
            let artifact = &mut self.artifacts[number];
            if artifact.digest != *digest {
                let closure = match &artifact.closure {
                    Some(closure) => closure,
                    None => artifact.closure.insert(closure(self.registry, self.rights, &artifact.digest).await?),
                };
                if !closure.contains(digest) {
                    continue;
                }
            }
            let artifact = &self.artifacts[number];
            let held = match self.all_held(&artifact.releases).await? {
                None => self.held_between(&artifact.digest, digest).await?,
                held => held,
            };
            match held {
                None => return Ok(Way::Free),
                Some(held) => met = Way::Held(held),
            }
        }
        Ok(met)
    }

    /// The refusal of one of the releases, if each of them is held.
    async fn all_held(&self, releases: &BTreeSet<ReleaseId>) -> Result<Option<Refusal>, Failure> {
        let mut met = None;
        for release in releases {
            met = self.rights.held(self.registry, release.digest()).await?;
            if met.is_none() {
                return Ok(None);
            }
        }
        Ok(met)
    }

    /// What is held on every way down from `artifact` to `digest`, which is a part of it; `None` if one way is free.
    async fn held_between(&self, artifact: &Digest, digest: &Digest) -> Result<Option<Refusal>, Failure> {
        if !self.any_hold {
            return Ok(None);
        }
        let catalog: &dyn Catalog = &*self.registry.engine.ports().catalog;
        let mut met = None;
        let (mut waiting, mut seen) = (vec![artifact.clone()], BTreeSet::from([artifact.clone()]));
        while let Some(node) = waiting.pop() {
            if let Some(held) = self.rights.held(self.registry, &node).await? {
                met.get_or_insert(held);
                continue;
            }
            if node == *digest {
                return Ok(None);
            }
            for part in catalog.parts(&self.rights.repository, &node).await? {
                if part.digest == *digest && self.rights.held(self.registry, digest).await?.is_none() {
                    return Ok(None);
                }
                let child = part.kind == PartKind::Child;
                let leads_there = child && closure(self.registry, self.rights, &part.digest).await?.contains(digest);
                if leads_there && seen.insert(part.digest.clone()) {
                    waiting.push(part.digest);
                }
            }
        }
        Ok(met)
    }
}

async fn closure(registry: &Registry, rights: &Rights, manifest: &Digest) -> Result<Arc<BTreeSet<Digest>>, Failure> {
    Ok(registry.closures.of(&*registry.engine.ports().catalog, &rights.repository, manifest).await?)
}

async fn leased(registry: &Registry, rights: &Rights, stages: &[StageName]) -> Result<Vec<Digest>, Failure> {
    let Some(project) = rights.repository.project() else { return Ok(Vec::new()) };
    let now = registry.engine.now();
    let leased = |state: &State| {
        let leases = state.retention(&project).into_iter().flat_map(|known| known.leases_at(now));
        let here = leases.filter(|lease| lease.stage.as_ref().is_some_and(|stage| stages.contains(stage)));
        here.map(|lease| lease.digest.clone()).collect()
    };
    Ok(registry.engine.read(&[Key::Retention(project.clone())], leased).await?)
}
