//! The trace of a digest: back to where it comes from, forward to where it went.

use api::{InRelease, InStage, PageQuery, Trace};
use axum::{Json, extract::State, response::Response};
use domain::{Actor, Digest, Entry, Event, Key, Permission, ProjectName, ReleaseId};

use super::{at_size, cursor, limit};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller},
};

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(digest): At<Digest>,
    Asked(page): Asked<PageQuery>,
) -> Result<Response, Problem> {
    app.settle().await;
    let ports = app.engine.ports();
    let indices = ports.views.about(&digest, cursor(&page)?.unwrap_or(0), limit(&page)).await?;
    let next = indices.last().filter(|_| indices.len() == limit(&page)).map(|last| (last + 1).to_string());
    let as_of = app.engine.size();
    let mut trace = Trace {
        as_of,
        digest: digest.clone(),
        repositories: Vec::new(),
        releases: Vec::new(),
        evidence: Vec::new(),
        holds: Vec::new(),
        entries: Vec::new(),
        next,
    };
    let mut projects = std::collections::BTreeSet::new();
    for (index, bytes) in ports.ledger.read_each(&indices).await? {
        let entry = Entry::decode(&bytes)
            .map_err(|error| engine::Error::Broken { doing: format!("read entry {index}"), source: error.into() })?;
        if !is_readable(&app, &caller.actor, &entry.event).await {
            continue;
        }
        projects.extend(entry.event.project());
        if let Event::ReleaseCreated { project, release, .. } = &entry.event {
            trace.releases.extend(in_release(&app, project, release, &digest).await?);
        }
        trace.entries.push((index, entry).into());
    }
    for name in projects {
        let key = Key::Subject(name.clone(), digest.clone());
        let Some(known) = app.engine.read(&[key], |state| state.subject(&name, &digest).cloned()).await? else {
            continue;
        };
        trace.repositories.extend(known.repositories.iter().cloned());
        trace.evidence.extend(known.evidence.iter().cloned().map(Into::into));
    }
    trace.holds = app
        .engine
        .read(&[], |state| {
            state.system().holds.get(&digest).map(|holds| super::artifacts::wire(&digest, holds)).unwrap_or_default()
        })
        .await?;
    Ok(at_size(as_of, Json(trace)))
}

async fn is_readable(app: &App, actor: &Actor, event: &Event) -> bool {
    match event.project() {
        Some(project) => app.project(actor, &project).await.is_ok(),
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
            stages.push(InStage { stage: stage.clone(), current: until.is_none(), since: presence.since, until });
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
