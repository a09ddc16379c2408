//! [`App`]: what every handler is given.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Actor, Command, Key, Permission, Project, ProjectName, Refusal, ReleaseId, Submission};
use engine::{Attempts, Engine, Error, Receipt, ports::Upstream, receipts::Receipts};
use http::HeaderValue;
use tokio::sync::watch;

use crate::{Problem, ask::Caller, token};

/// How long a reader waits for the views to take in what the ledger has.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where nothing can be written any more, and so perhaps no view either.
const PATIENCE_READ_ONLY: Duration = Duration::from_millis(500);

/// What every handler is given.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// The ledger's public key, as a verifier key.
    pub verifier: Arc<str>,
    /// The registries that repositories here are mirrors of, if there are any.
    pub upstream: Option<Arc<dyn Upstream>>,
    /// What is known from reading again what is stored.
    pub scrub: watch::Receiver<api::Scrub>,
    /// How each delivery goes that has not succeeded yet.
    pub deliveries: watch::Receiver<Attempts>,
    /// Who makes receipts of promotions, if this server has a key for that.
    pub receipts: Option<Arc<Receipts>>,
}

impl App {
    /// An app on `engine`, whose ledger `verifier` verifies.
    pub fn new(engine: Engine, verifier: &str) -> Self {
        let (scrub, deliveries) = (watch::channel(api::Scrub::default()).1, watch::channel(Attempts::new()).1);
        Self { engine, verifier: verifier.into(), upstream: None, scrub, deliveries, receipts: None }
    }

    /// The same, with repositories that are mirrors.
    #[must_use]
    pub fn mirroring(self, upstream: Option<Arc<dyn Upstream>>) -> Self {
        Self { upstream, ..self }
    }

    /// The same, which shows what is known from reading again what is stored.
    #[must_use]
    pub fn with_scrub(self, scrub: watch::Receiver<api::Scrub>) -> Self {
        Self { scrub, ..self }
    }

    /// The same, which shows how deliveries go.
    #[must_use]
    pub fn delivering(self, deliveries: watch::Receiver<Attempts>) -> Self {
        Self { deliveries, ..self }
    }

    /// The same, which makes receipts of promotions.
    #[must_use]
    pub fn with_receipts(self, receipts: Option<Arc<Receipts>>) -> Self {
        Self { receipts, ..self }
    }

    /// Who makes receipts; a problem if nobody does.
    pub(crate) fn receipts(&self) -> Result<&Receipts, Problem> {
        let none = "this server has no key for receipts: `selfsame keys add-receipts` makes one in its folder of keys";
        self.receipts.as_deref().ok_or_else(|| Problem::not_found(none))
    }

    pub(crate) async fn submit(&self, caller: Caller, command: Command) -> Result<Receipt, Problem> {
        Ok(self.engine.submit(Submission { actor: caller.actor, key: caller.key, command }).await?)
    }

    /// The project, for somebody who may read it.
    pub(crate) async fn project(&self, actor: &Actor, name: &ProjectName) -> Result<Arc<Project>, Problem> {
        let found = self.engine.read(&[Key::Project(name.clone())], |state| state.project(name).cloned()).await?;
        let none = domain::CustomRoles::new();
        let custom = found.as_ref().map_or(&none, |project| &project.config.roles);
        if !actor.may(Permission::Read, name, None, custom) {
            return Err(Refusal::PermissionMissing {
                permission: Permission::Read,
                project: Some(name.clone()),
                stage: None,
            }
            .into());
        }
        found.ok_or_else(|| Refusal::ProjectUnknown { project: name.clone() }.into())
    }

    /// Refuses whoever may not read everything.
    pub(crate) fn reads_everything(actor: &Actor) -> Result<(), Problem> {
        if actor.may_everywhere(Permission::Read) {
            return Ok(());
        }
        Err(Refusal::PermissionMissing { permission: Permission::Read, project: None, stage: None }.into())
    }

    /// The release that a text names: by its id, by its first digits, by a stage that has it, or as `latest`.
    pub(crate) async fn release(&self, project: &Project, text: &str) -> Result<ReleaseId, Problem> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let name = &project.config.project;
        if let Some(stage) = project.config.stages.keys().find(|stage| stage.as_str() == text) {
            let current = project.stage(stage).current.as_ref();
            return current
                .map(|current| current.release.clone())
                .ok_or_else(|| Refusal::StageEmpty { stage: stage.clone() }.into());
        }
        self.settle().await?;
        if text == "latest" {
            let latest = self.engine.ports().views.releases(name, None, 1).await?;
            return latest
                .into_iter()
                .next()
                .map(|row| row.release)
                .ok_or_else(|| unknown_release(text, name, "there is none yet"));
        }
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        if hex.len() < 6 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            let rule = "name a release by its id, by six or more of its first digits, by a stage, or as `latest`";
            return Err(Problem::malformed(format!("`{text}` names no release: {rule}")));
        }
        let mut found = self.engine.ports().views.releases_like(name, hex, 2).await?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                Err(Problem::malformed(format!("several releases begin with `{hex}`: give more digits")))
            }
            (None, _) => Err(unknown_release(text, name, "no release begins so")),
        }
    }

    /// Waits until the views have taken in what the ledger has now, so that whoever wrote reads what was written; how many entries that is.
    /// A list that is read afterwards is as of that size. Where nothing can be written any more, that is what the views had taken in until then,
    /// so that reading goes on.
    pub(crate) async fn settle(&self) -> Result<u64, Problem> {
        let size = self.engine.size();
        let read_only = self.engine.writable().is_err();
        if self.engine.wait_for(size, if read_only { PATIENCE_READ_ONLY } else { PATIENCE }).await {
            return Ok(size);
        }
        let viewed = self.engine.viewed();
        if read_only {
            return Ok(viewed);
        }
        tracing::warn!(size, viewed, "The views trail the ledger");
        Err(Problem::not_yet(size, viewed))
    }
}

fn unknown_release(text: &str, project: &ProjectName, why: &str) -> Problem {
    Problem::not_found(format!("project `{project}` has no release `{text}`: {why}")).refused("release-unknown")
}

#[async_trait]
impl registry::Authority for App {
    async fn authenticate(&self, authorization: Option<&HeaderValue>) -> Result<Option<Actor>, Error> {
        Ok(token::authenticate(&self.engine, authorization).await?.map(|(_, actor)| actor))
    }
}
