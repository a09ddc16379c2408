//! Retention: plans are made of what is known, recorded, and carried out step by step; what lies elsewhere is brought back.
//!
//! Nothing waits for anything here but storage. Each step is small, and what it changes is judged at that moment: manifests by the rules,
//! in the writer's own order; blobs of repositories in the transaction that takes them; bytes by whether anything names them, and those
//! who name something make sure afterwards that its bytes are at hand ([`Engine::ensure`]). See
//! `docs/decisions/0018-retention-carries-out-recorded-plans.md`.

mod collector;
mod facts;
mod recall;
mod restore;
mod sweep;

use bytes::Bytes;
use domain::{
    Actor, Command, Digest, ProjectName, Refusal, Submission,
    retention::{Plan, Totals},
};

pub use collector::{Collector, Step};
pub use recall::Recalled;
pub(crate) use recall::Recalls;
pub use restore::Restored;

use crate::{Engine, Error, Receipt, ports::UploadError};

/// How many bytes the document of a plan has at most.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

impl Engine {
    /// What would become of each object of a project now, for somebody who may have it recorded. Nothing is written.
    pub async fn plan_retention(&self, actor: &Actor, project: &ProjectName) -> Result<Plan, Error> {
        // Looking at all of a project is much work: not for whoever is refused in the end.
        let (plan, totals) = (Digest::sha256(b""), Totals::default());
        self.rehearse(actor, &Command::PlanRetention { project: project.clone(), plan, as_of: 0, totals }).await?;
        facts::planned(self, project).await.map(|(plan, _)| plan)
    }

    /// Makes a plan and records it: its document as a blob, and an entry that names it.
    pub async fn record_plan(&self, actor: Actor, project: &ProjectName) -> Result<(Plan, Digest, Receipt), Error> {
        let plan = self.plan_retention(&actor, project).await?;
        let document = Bytes::from(plan.document());
        let digest = Digest::sha256(&document);
        self.keep_document(&digest, &document).await?;
        let (project, as_of, totals) = (project.clone(), plan.as_of, plan.totals);
        let command = Command::PlanRetention { project, plan: digest.clone(), as_of, totals };
        let receipt = self.submit(Submission { actor, key: None, command }).await?;
        self.keep_document(&digest, &document).await?;
        Ok((plan, digest, receipt))
    }

    /// The plan with this document.
    pub async fn recorded_plan(&self, digest: &Digest) -> Result<Plan, Error> {
        let read = self.ports().blobs.read(digest, DOCUMENT_BYTES_MAX).await?;
        let bytes = read.ok_or_else(|| Refusal::RetentionPlanStale { plan: digest.clone() })?;
        serde_json::from_slice(&bytes).map_err(|error| Error::broken(format!("read the plan `{digest}`"), error))
    }

    /// Stores a document, unless it is at hand. To be asked again after the entry that names it: until then nothing names its bytes, and a
    /// plan that is carried out may take them.
    pub async fn keep_document(&self, digest: &Digest, bytes: &Bytes) -> Result<(), Error> {
        let blobs = &self.ports().blobs;
        if blobs.size(digest).await? == Some(bytes.len() as u64) {
            return Ok(());
        }
        blobs.put(digest, bytes.clone()).await.map_err(|error| match error {
            UploadError::Trouble(trouble) => trouble.into(),
            other => Error::broken(format!("store `{digest}`"), other),
        })
    }
}
