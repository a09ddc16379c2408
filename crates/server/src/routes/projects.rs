//! Projects and their configuration.

use std::collections::BTreeMap;

use api::{
    Applied, ApplyQuery, ApplyRequest, Change, ChangeKind, Page, PageQuery, Plan, ProjectAnswer, ProjectSummary,
    Receipt,
};
use axum::{Json, extract::State, response::Response};
use domain::{Command, Key, Permission, ProjectConfig, ProjectName};
use serde::Serialize;

use super::{at_size, done, limit};
use crate::{
    App, Problem,
    ask::{Asked, At, Caller, Said},
    paths::ProjectPath,
};

/// List the projects that one may read, by name.
#[utoipa::path(
    get, path = "/projects", operation_id = "projects", tag = "projects",
    params(PageQuery),
    responses((status = 200, description = "The projects.", body = Page<ProjectSummary>)),
)]
pub async fn list(State(app): State<App>, caller: Caller, Asked(page): Asked<PageQuery>) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let names = app.engine.read(&[], |state| state.system().projects.clone()).await?;
    let after = |name: &&ProjectName| page.cursor.as_deref().is_none_or(|cursor| name.as_str() > cursor);
    let mut items = Vec::new();
    let mut next = None;
    for name in names.iter().filter(after) {
        let known = app.engine.read(&[Key::Project(name.clone())], |state| state.project(name).cloned()).await?;
        let Some(project) = known else { continue };
        if !caller.actor.may(Permission::Read, name, None, &project.config.roles) {
            continue;
        }
        if items.len() == limit(page.limit) {
            next = items.last().map(|last: &ProjectSummary| last.project.to_string());
            break;
        }
        items.push(ProjectSummary {
            project: name.clone(),
            digest: project.config.digest(),
            components: project.config.components.len(),
            stages: project.config.stages.len(),
        });
    }
    Ok(at_size(as_of, Json(Page { as_of, items, next })))
}

/// Show a project with its configuration.
#[utoipa::path(
    get, path = "/projects/{project}", operation_id = "project", tag = "projects",
    params(ProjectPath),
    responses((status = 200, description = "The project.", body = ProjectAnswer)),
)]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let project = app.project(&caller.actor, &name).await?;
    let answer = ProjectAnswer {
        as_of,
        project: name,
        digest: project.config.digest(),
        config: (*project.config).clone(),
        applied: project.applied.clone().into(),
    };
    Ok(at_size(as_of, Json(answer)))
}

/// Put a configuration in force, or only plan it.
#[utoipa::path(
    post, path = "/projects/{project}/config", operation_id = "apply", tag = "projects",
    params(ProjectPath, ApplyQuery),
    request_body = ApplyRequest,
    responses(
        (status = 201, description = "It is in force.", body = Receipt),
        (status = 200, description = "It was in force already; or, with `dry_run`, what it would change.", body = Applied),
    ),
)]
pub async fn apply(
    State(app): State<App>,
    caller: Caller,
    At(ProjectPath { project: name }): At<ProjectPath>,
    Asked(query): Asked<ApplyQuery>,
    Said(asked): Said<ApplyRequest>,
) -> Result<Response, Problem> {
    if asked.config.project != name {
        return Err(Problem::malformed(format!(
            "the configuration is of project `{}`, not of `{name}`",
            asked.config.project
        )));
    }
    let invalid = |invalid: domain::InvalidConfig| Problem::malformed(format!("{}: {invalid}", invalid.path.join(".")));
    asked.config.check().map_err(invalid)?;
    engine::signed::check_keys(&asked.config)
        .map_err(|(key, error)| Problem::malformed(format!("trust.keys.{key}.key: {error}")))?;
    let after = query.dry_run.then(|| asked.config.clone());
    let command = Command::ApplyConfig { config: Box::new(asked.config), expect: asked.expect.map(Into::into) };
    if let Some(after) = after {
        app.engine.rehearse(&caller.actor, &command).await?;
        return plan(&app, name, &after).await;
    }
    Ok(done(app.submit(caller, command).await?))
}

/// What applying would change; nothing is written.
async fn plan(app: &App, name: ProjectName, after: &ProjectConfig) -> Result<Response, Problem> {
    let as_of = app.engine.size();
    let known = app.engine.read(&[Key::Project(name.clone())], |state| state.project(&name).cloned()).await?;
    let before = known.as_ref().map(|project| &*project.config);
    let mut changes = Vec::new();
    compare("component", before.map(|config| &config.components), &after.components, &mut changes);
    compare("stage", before.map(|config| &config.stages), &after.stages, &mut changes);
    compare("role", before.map(|config| &config.roles), &after.roles, &mut changes);
    compare("key", before.map(|config| &config.trust.keys), &after.trust.keys, &mut changes);
    compare("public", before.map(opened).as_ref(), &opened(after), &mut changes);
    let expect = before.map(ProjectConfig::digest).into();
    Ok(at_size(as_of, Json(Plan { as_of, project: name, expect, digest: after.digest(), changes })))
}

/// What anybody may pull, with how.
fn opened(config: &ProjectConfig) -> BTreeMap<String, &'static str> {
    let repositories = config.public.repositories.iter().map(|name| (format!("repository {name}"), "all"));
    let stages = config.public.stages.iter().map(|name| (format!("stage {name}"), "what it has"));
    repositories.chain(stages).collect()
}

fn compare<K: Ord + ToString, V: PartialEq + Serialize>(
    subject: &str,
    before: Option<&BTreeMap<K, V>>,
    after: &BTreeMap<K, V>,
    changes: &mut Vec<Change>,
) {
    let none = BTreeMap::new();
    let before = before.unwrap_or(&none);
    let names: std::collections::BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        let change = match (old, new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (Some(old), Some(new)) if old == new => continue,
            _ => ChangeKind::Changed,
        };
        let value = |value: Option<&V>| value.and_then(|value| serde_json::to_value(value).ok());
        changes.push(Change {
            subject: subject.into(),
            name: name.to_string(),
            change,
            before: value(old),
            after: value(new),
        });
    }
}
