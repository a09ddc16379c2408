//! [`Registries`]: brings what a stage has to registries that are not ours, and reads back what they have then.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use domain::{
    ComponentName, Digest, Due, RepositoryName, TagName,
    config::{RegistryTarget, Target},
};
use engine::{
    Engine,
    ports::{Courier, Undelivered},
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{Client, Copy, Error, Here, Host, Journal, Manifest, Place, Plan, Reference, Remote, Sources, Wanted};

/// How many things of one delivery are done at once.
const JOBS: usize = 4;

/// Delivers to other registries: each artifact with its children and all evidence, copied from where it lies here.
pub struct Registries {
    engine: Engine,
    client: Client,
    plans: PathBuf,
    allowed: BTreeSet<Host>,
}

/// What is delivered of one component.
struct Part<'a> {
    component: &'a ComponentName,
    digest: &'a Digest,
    from: &'a RepositoryName,
    to: Remote,
}

impl Registries {
    /// Who delivers what `engine` has, as whoever `client` is. Plans are kept in the folder `plans` until they are done. Only `allowed`
    /// registries are delivered to; any, if that is empty.
    pub fn new(engine: Engine, client: Client, plans: PathBuf, allowed: BTreeSet<Host>) -> Self {
        Self { engine, client, plans, allowed }
    }

    async fn bring(&self, due: &Due, target: &RegistryTarget) -> Result<BTreeMap<ComponentName, Digest>, Error> {
        let parts = self.parts(due, target)?;
        // First all bytes, and only then the tags: whoever pulls by tag sees the old release until the new one is there, whole.
        let mut manifests = Vec::new();
        for part in &parts {
            manifests.push(self.copy(due, part).await?);
        }
        let mut found = BTreeMap::new();
        for (part, manifest) in parts.iter().zip(manifests) {
            for tag in target.tags(&due.stage) {
                put_tag(&part.to, tag, &manifest).await?;
            }
            found.insert(part.component.clone(), manifest.digest);
        }
        Ok(found)
    }

    fn parts<'a>(&self, due: &'a Due, target: &RegistryTarget) -> Result<Vec<Part<'a>>, Error> {
        let conflict = |problem: String| Error::Conflict(problem);
        let host: Host =
            target.registry.host().parse().map_err(|invalid: crate::InvalidLocation| conflict(invalid.to_string()))?;
        if !self.allowed.is_empty() && !self.allowed.contains(&host) {
            return Err(conflict(format!("this server does not deliver to `{host}`: see its `--deliver-to`")));
        }
        let part = |(component, (from, digest)): (&'a ComponentName, &'a (Option<RepositoryName>, Digest))| {
            let gone = || conflict(format!("the project has no component `{component}` any more"));
            let from = from.as_ref().ok_or_else(gone)?;
            let repository = target.repository(component).ok_or_else(gone)?;
            let to = Remote::new(self.client.clone(), Place { host: host.clone(), repository });
            Ok(Part { component, digest, from, to })
        };
        due.artifacts.iter().map(part).collect()
    }

    /// Copies one component, or goes on with it where it was broken off, and reads back all of it.
    async fn copy(&self, due: &Due, part: &Part<'_>) -> Result<Manifest, Error> {
        let copy = Copy {
            sources: Sources::here(Here::new(self.engine.clone(), part.from.clone())),
            destination: part.to.clone(),
            jobs: JOBS,
            moves_tags: false,
        };
        let wanted = Wanted::One(Reference::Digest(part.digest.clone()), None);
        let (journal, kept) = self.journal(due, part)?;
        let asked = wanted.describe(&copy.sources, &copy.destination);
        let plan = match kept.filter(|plan| plan.asked == asked) {
            Some(plan) => plan,
            None => {
                let plan = copy.plan(&wanted).await?;
                journal.begin(&plan)?;
                plan
            }
        };
        let copied = match copy.run(&plan, &journal, &|_| {}).await {
            Ok(_) => read_back(&part.to, &plan, part.digest).await,
            Err(error) => Err(error),
        };
        match copied {
            // It goes on there, once the registry is back.
            Err(error) if error.passes() => Err(error),
            // What was thought to be done may not be: the next attempt looks at everything again.
            copied => journal.end().and(copied),
        }
    }

    fn journal(&self, due: &Due, part: &Part<'_>) -> Result<(Journal, Option<Plan>), Error> {
        let Due { project, stage, target, .. } = due;
        let name = Digest::sha256(format!("{project}/{stage}/{target}/{}", part.component).as_bytes());
        let file = self.plans.join(format!("{}.plan", &name.hex()[..32]));
        match Journal::open(&file) {
            // Another version wrote it: it is begun anew.
            Err(Error::Conflict(_)) => {
                std::fs::remove_file(&file).map_err(|error| Error::file(&file, error))?;
                Journal::open(&file)
            }
            opened => opened,
        }
    }
}

/// Reads back every manifest of a plan, each compared with its digest; answers with `root`.
async fn read_back(to: &Remote, plan: &Plan, root: &Digest) -> Result<Manifest, Error> {
    let read = |digest: Digest| {
        let reference = Reference::Digest(digest);
        async move {
            let found = to.manifest(&reference).await?;
            found.ok_or_else(|| to.senseless(&format!("`{reference}` was put, and is not there when it is read back")))
        }
    };
    let manifests: Vec<Digest> = plan.manifests.iter().map(|node| node.digest.clone()).collect();
    let found: Vec<Manifest> = stream::iter(manifests).map(read).buffer_unordered(JOBS).try_collect().await?;
    let is_root = |manifest: &Manifest| manifest.digest == *root;
    found.into_iter().find(is_root).ok_or_else(|| to.senseless(&format!("`{root}` is no part of what was copied")))
}

/// Has a tag point to a manifest that is there, and reads it back.
async fn put_tag(to: &Remote, tag: TagName, manifest: &Manifest) -> Result<(), Error> {
    let reference = Reference::Tag(tag);
    to.put_manifest(&reference, manifest).await?;
    let found = to.manifest(&reference).await?.map(|found| found.digest);
    if found.as_ref() == Some(&manifest.digest) {
        return Ok(());
    }
    let has = found.map_or("nothing".to_owned(), |digest| format!("`{digest}`"));
    let place = to.place();
    Err(to
        .senseless(&format!("`{reference}` of `{place}` was put as `{}`, and it answers with {has}", manifest.digest)))
}

#[async_trait::async_trait]
impl Courier for Registries {
    async fn deliver(&self, due: &Due) -> Result<BTreeMap<ComponentName, Digest>, Undelivered> {
        let Target::Registry(target) = &due.to;
        self.bring(due, target).await.map_err(|error| match error {
            Error::AtWork(_) => Undelivered::Elsewhere,
            error => Undelivered::Failed(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::RegistryAddress;
    use proptest::prelude::*;

    use crate::Host;

    proptest! {
        /// What a project's file may say is what the client understands.
        #[test]
        fn every_registry_of_a_target_can_be_spoken_to(
            text in "(https?://)?[a-z0-9.-]{1,12}(:[0-9]{1,5})?(/[a-z0-9/._-]{1,9})?|(https?://)?([a-z0-9]{1,4}[.]){0,4}(0x)?[0-9]{1,3}",
        ) {
            if let Ok(address) = text.parse::<RegistryAddress>() {
                prop_assert!(address.host().parse::<Host>().is_ok(), "{}", text);
            }
        }
    }
}
