//! The trace of a digest: back to where it comes from, forward to where it went.

use std::collections::{BTreeMap, BTreeSet};

use api::{Attached, Evidence, Hold, InRelease, InStage, PageQuery, SeenRunning, Trace};
use axum::{Json, extract::State, response::Response};
use domain::{Actor, Digest, Entry, Event, Key, Permission, ProjectName, ReleaseId};
use engine::attached;

use super::{at_size, cursor, limit};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller},
    paths::DigestPath,
};

/// How much of what is attached is listed for each repository.
const ATTACHED_MAX: usize = 100;

/// Show everything about a digest that one may see.
///
/// That is where it comes from, what is known about it, and where it went.
#[utoipa::path(
    get, path = "/trace/{digest}", operation_id = "trace", tag = "digests",
    params(DigestPath, PageQuery),
    responses((status = 200, description = "What is known, with the entries from the cursor on.", body = Trace)),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(DigestPath { digest }): At<DigestPath>,
    Asked(page): Asked<PageQuery>,
) -> Result<Response, Problem> {
    let as_of = app.settle().await?;
    let ports = app.engine.ports();
    let limit = limit(page.limit);
    let indices = ports.views.about(&digest, cursor(page.cursor.as_deref())?.unwrap_or(0), limit).await?;
    let next = indices.last().filter(|_| indices.len() == limit).map(|last| (last + 1).to_string());
    let mut trace = Trace {
        as_of,
        digest: digest.clone(),
        repositories: Vec::new(),
        releases: Vec::new(),
        evidence: Vec::new(),
        holds: Vec::new(),
        leases: Vec::new(),
        running: Vec::new(),
        attached: Vec::new(),
        more_attached: false,
        entries: Vec::new(),
        next,
    };
    let mut subjects: BTreeMap<ProjectName, BTreeSet<Digest>> = BTreeMap::new();
    for (index, bytes) in ports.ledger.read_each(&indices).await? {
        let entry = Entry::decode(&bytes)
            .map_err(|error| engine::Error::Broken { doing: format!("read entry {index}"), source: error.into() })?;
        if !is_readable(&app, &caller.actor, entry.event.project().as_ref()).await {
            continue;
        }
        if let Some(project) = entry.event.project() {
            subjects.entry(project).or_default().extend(related(&entry.event, &digest));
        }
        if let Event::ReleaseCreated { project, release, .. } = &entry.event {
            trace.releases.extend(in_release(&app, project, release, &digest).await?);
        }
        trace.entries.push((index, entry).into());
    }
    gather_evidence(&app, &subjects, &mut trace).await?;
    gather_attached(&app, &mut trace).await?;
    for project in subjects.keys() {
        gather_claims(&app, project, &mut trace).await?;
    }
    trace.holds = holds_on(&app, &caller.actor, &digest, !subjects.is_empty()).await?;
    Ok(at_size(as_of, Json(trace)))
}

/// What evidence belongs to the trace of `digest`, from an entry about it: evidence about the digest, about a release that it is part of, and
/// about what it is made of if it is a release.
fn related(event: &Event, digest: &Digest) -> Vec<Digest> {
    let mut related = vec![digest.clone()];
    if let Event::ReleaseCreated { release, contents, .. } = event {
        related.push(release.digest().clone());
        if release.digest() == digest {
            related.extend(contents.digests().cloned());
        }
    }
    related
}

async fn gather_evidence(
    app: &App,
    subjects: &BTreeMap<ProjectName, BTreeSet<Digest>>,
    trace: &mut Trace,
) -> Result<(), Problem> {
    for (project, subjects) in subjects {
        for subject in subjects {
            let key = Key::Subject(project.clone(), subject.clone());
            let known = app.engine.read(&[key], |state| state.subject(project, subject).cloned()).await?;
            let Some(known) = known else { continue };
            if *subject == trace.digest {
                trace.repositories.extend(known.repositories.iter().cloned());
            }
            let about = |one: &domain::Evidence| Evidence { subject: Some(subject.clone()), ..one.clone().into() };
            trace.evidence.extend(known.evidence.iter().map(about));
        }
    }
    trace.evidence.sort_by_key(|evidence| evidence.index);
    Ok(())
}

/// What is attached to the digest in the repositories that it was pushed to. Those are of projects that the actor may read.
async fn gather_attached(app: &App, trace: &mut Trace) -> Result<(), Problem> {
    let catalog = &*app.engine.ports().catalog;
    for repository in &trace.repositories {
        let (found, more) = attached::attached(catalog, repository, &trace.digest, ATTACHED_MAX).await?;
        trace.more_attached |= more;
        trace.attached.extend(found.into_iter().map(|(digest, one)| Attached {
            digest,
            repository: repository.clone(),
            media_type: one.media_type,
            size: one.size,
            artifact_type: one.artifact_type,
            refers: one.refers,
            tags: one.tags,
        }));
    }
    Ok(())
}

/// The leases of the digest, and where it was seen running, in a project that the actor may read.
async fn gather_claims(app: &App, name: &ProjectName, trace: &mut Trace) -> Result<(), Problem> {
    let keys = [Key::Project(name.clone()), Key::Retention(name.clone())];
    let known = |state: &domain::State| (state.project(name).cloned(), state.retention(name).cloned());
    let (Some(project), Some(known)) = app.engine.read(&keys, known).await? else { return Ok(()) };
    let (now, policy) = (app.engine.now(), project.config.retention.clone().unwrap_or_default());
    trace.leases.extend(known.leases_at(now).filter(|lease| lease.digest == trace.digest).cloned().map(Into::into));
    let seen = known
        .running
        .into_iter()
        .filter(|seen| seen.digests.contains(&trace.digest) && now.since(seen.mark.at) < policy.running());
    trace.running.extend(seen.map(|seen| SeenRunning {
        project: name.clone(),
        stage: seen.stage,
        mark: seen.mark.into(),
    }));
    Ok(())
}

/// The holds on `digest` in projects that the actor may read. One that holds everywhere is for whoever may read everything, or knows the digest
/// from a project.
async fn holds_on(app: &App, actor: &Actor, digest: &Digest, is_known: bool) -> Result<Vec<Hold>, Problem> {
    let holds = |state: &domain::State| state.system().holds.get(digest).map(|holds| super::holds::wire(digest, holds));
    let mut seen = Vec::new();
    for hold in app.engine.read(&[], holds).await?.unwrap_or_default() {
        let everywhere = hold.project.is_none();
        if (everywhere && is_known) || is_readable(app, actor, hold.project.as_ref()).await {
            seen.push(hold);
        }
    }
    Ok(seen)
}

/// Whether the actor may read what is about this project, or about none.
async fn is_readable(app: &App, actor: &Actor, project: Option<&ProjectName>) -> bool {
    match project {
        Some(project) => app.project(actor, project).await.is_ok(),
        None => actor.may_everywhere(Permission::Read),
    }
}

async fn in_release(
    app: &App,
    name: &ProjectName,
    id: &ReleaseId,
    digest: &Digest,
) -> Result<Option<InRelease>, Problem> {
    let keys = [Key::Project(name.clone()), Key::Release(name.clone(), id.clone())];
    let found =
        app.engine.read(&keys, |state| (state.project(name).cloned(), state.release(name, id).cloned())).await?;
    let (Some(project), Some(release)) = found else { return Ok(None) };
    let mut stages = Vec::new();
    for stage in project.config.stages_in_order() {
        if let Some(presence) = release.presence(stage) {
            let until = presence.left.as_ref().map(|left| left.at);
            let deliveries = match until {
                None => super::deliveries::of_stage(app, &project, stage),
                Some(_) => Vec::new(),
            };
            stages.push(InStage {
                stage: stage.clone(),
                current: until.is_none(),
                since: presence.since,
                until,
                unsettled: presence.unsettled,
                deliveries,
            });
        }
    }
    let component =
        release.contents.components.iter().find(|(_, part)| *part == digest).map(|(component, _)| component.clone());
    Ok(Some(InRelease {
        project: name.clone(),
        release: id.clone(),
        component,
        created: release.created.at,
        source: release.source.clone().into(),
        stages,
    }))
}
