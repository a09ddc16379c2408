//! What a plan follows from.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Digest, Key, ProjectName, Refusal,
    retention::{Facts, KnownRelease, Object, Outcome, PLAN_OBJECTS_MAX, Plan, Roots, plan},
};

use crate::{
    Engine, Error,
    ports::{ManifestRecord, PartKind, Tier},
};

/// How much is looked up at once.
const PAGE: usize = 200;
/// How long a plan waits for the views to know all that the ledger has.
const VIEWS_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The plan for a project as things are, and what it follows from.
pub(super) async fn planned(engine: &Engine, name: &ProjectName) -> Result<(Plan, Facts), Error> {
    // First of all: whatever comes while facts are gathered is later than this, and saves what it touches.
    let (as_of, now) = (engine.size(), engine.now());
    let keys = [Key::Project(name.clone()), Key::Retention(name.clone())];
    let known = engine.read(&keys, |state| state.project(name).cloned()).await?;
    let project = known.ok_or_else(|| Refusal::ProjectUnknown { project: name.clone() })?;
    let unset = || Refusal::RetentionUnset { project: name.clone() };
    let policy = project.config.retention.clone().ok_or_else(unset)?;
    let pulls = policy.asks_for_pulls();
    let objects = objects(engine, name, pulls).await?;
    let releases = releases(engine, name, as_of).await?;
    let roots = engine.read(&keys, |state| {
        let nothing = domain::Retention::default();
        let retention = state.retention(name).unwrap_or(&nothing);
        state.project(name).map(|project| Roots::of(project, &releases, state.system(), retention, &policy, now))
    });
    let roots = roots.await?.ok_or_else(|| Refusal::ProjectUnknown { project: name.clone() })?;
    let archived = archived(engine, &objects).await?;
    let pulls_since = if pulls { engine.ports().catalog.pulls_since().await? } else { None };
    let mut facts = Facts { objects, roots, elsewhere: BTreeSet::new(), archived, pulls_since };
    // Who else has a blob matters only where it would go.
    let draft = plan(name.clone(), as_of, &facts, &policy, now);
    facts.elsewhere = elsewhere(engine, name, &facts, &draft).await?;
    Ok((plan(name.clone(), as_of, &facts, &policy, now), facts))
}

async fn objects(engine: &Engine, project: &ProjectName, pulls: bool) -> Result<Vec<Object>, Error> {
    if pulls {
        engine.write_pulls().await?;
    }
    let mut objects: Vec<Object> = Vec::new();
    // What manifests say of sizes may be wrong.
    let mut sizes: BTreeMap<Digest, u64> = BTreeMap::new();
    loop {
        let after = objects.last().map(|last| (last.repository.clone(), last.digest.clone()));
        let page = engine.ports().catalog.manifests(project, after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(objects);
        }
        if objects.len() + page.len() > PLAN_OBJECTS_MAX {
            let limit = format!("{PLAN_OBJECTS_MAX} manifests in its repositories");
            return Err(Refusal::LimitReached { what: "the project of a retention plan", limit }.into());
        }
        let keys: Vec<Key> =
            page.iter().map(|(record, _)| Key::Subject(project.clone(), record.digest.clone())).collect();
        let touched = engine.read(&keys, |state| {
            let touched = |(record, _): &(ManifestRecord, _)| {
                state.subject(project, &record.digest)?.touched.as_ref().map(|touched| touched.at)
            };
            page.iter().map(touched).collect::<Vec<_>>()
        });
        let touched = touched.await?;
        for (record, _) in &page {
            for part in record.parts.iter().filter(|part| part.kind != PartKind::Child) {
                if !sizes.contains_key(&part.digest) {
                    let link = engine.ports().catalog.link(&record.repository, &part.digest).await?;
                    sizes.insert(part.digest.clone(), link.map_or(0, |link| link.size));
                }
            }
        }
        let mut pulled = Vec::with_capacity(page.len());
        for (record, _) in &page {
            let known =
                if pulls { engine.ports().catalog.pulled(&record.repository, &record.digest).await? } else { None };
            pulled.push(known);
        }
        let known = touched.into_iter().zip(pulled);
        objects.extend(page.into_iter().zip(known).map(|((record, tags), (touched, pulled))| {
            let (children, blobs) =
                record.parts.into_iter().partition::<Vec<_>, _>(|part| part.kind == PartKind::Child);
            // Named twice is there once.
            let blobs: BTreeMap<Digest, u64> = blobs
                .into_iter()
                .map(|part| {
                    let size = sizes.get(&part.digest).copied().unwrap_or_default();
                    (part.digest, size)
                })
                .collect();
            let children: BTreeSet<Digest> = children.into_iter().map(|part| part.digest).collect();
            Object {
                repository: record.repository,
                digest: record.digest,
                size: record.size,
                subject: record.subject,
                tags,
                children: children.into_iter().collect(),
                blobs: blobs.into_iter().collect(),
                touched,
                pulled,
            }
        }));
    }
}

async fn releases(engine: &Engine, project: &ProjectName, as_of: u64) -> Result<Vec<KnownRelease>, Error> {
    if !engine.wait_for(as_of, VIEWS_PATIENCE).await {
        return Err(Error::broken("make a retention plan", "the views trail the ledger"));
    }
    let (mut releases, mut before) = (Vec::new(), None);
    loop {
        let page = engine.ports().views.releases(project, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(releases) };
        before = Some(last.index);
        let keys: Vec<Key> = page.iter().map(|row| Key::Release(project.clone(), row.release.clone())).collect();
        let known = engine.read(&keys, |state| {
            let one = |row: &crate::ports::ReleaseRow| {
                Some((row.release.clone(), state.release(project, &row.release)?.clone()))
            };
            page.iter().filter_map(one).collect::<Vec<_>>()
        });
        releases.extend(known.await?);
    }
}

async fn archived(engine: &Engine, objects: &[Object]) -> Result<BTreeSet<Digest>, Error> {
    let blobs = &engine.ports().blobs;
    let mut archived = BTreeSet::new();
    if blobs.list_away(Tier::Archive, None, 1).await?.is_empty() {
        return Ok(archived);
    }
    for (digest, _) in objects.iter().flat_map(|object| &object.blobs) {
        if blobs.size(digest).await?.is_none() && blobs.away(digest, Tier::Archive).await?.is_some() {
            archived.insert(digest.clone());
        }
    }
    Ok(archived)
}

/// Blobs of what goes or lies in the archive that repositories of others have, too.
async fn elsewhere(
    engine: &Engine,
    project: &ProjectName,
    facts: &Facts,
    draft: &Plan,
) -> Result<BTreeSet<Digest>, Error> {
    let going: BTreeSet<_> = draft
        .items
        .iter()
        .filter(|item| item.outcome != Outcome::Keep)
        .map(|item| (&item.repository, &item.digest))
        .collect();
    let objects = facts.objects.iter().filter(|object| going.contains(&(&object.repository, &object.digest)));
    let blobs: BTreeSet<&Digest> = objects.flat_map(|object| object.blobs.iter().map(|(digest, _)| digest)).collect();
    let mut elsewhere = BTreeSet::new();
    for digest in blobs {
        let places = engine.ports().catalog.blob_anywhere(digest).await?;
        if places.iter().any(|place| place.project().as_ref() != Some(project)) {
            elsewhere.insert(digest.clone());
        }
    }
    Ok(elsewhere)
}
