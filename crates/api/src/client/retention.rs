//! Retention.

use domain::{CommandKey, Digest, ProjectName, StageName};
use reqwest::Method;

use super::{Client, ClientError};
use crate::{
    KeepRequest, LeaseRequest, ObservationRequest, ReasonQuery, Receipt, RestoreRequest, Restored,
    RetentionApplyRequest, RetentionPlan, RetentionPlanRequest, RetentionStatus, UnleaseQuery,
};

impl Client {
    /// How a project's retention stands.
    pub async fn retention(&self, project: &ProjectName) -> Result<RetentionStatus, ClientError> {
        self.get(&["v1", "projects", project.as_str(), "retention"], &()).await
    }

    /// Makes a retention plan, and records it unless it is a dry run. Asking twice makes two, so this is not repeated once it may have reached
    /// the server.
    pub async fn plan_retention(
        &self,
        project: &ProjectName,
        request: &RetentionPlanRequest,
    ) -> Result<RetentionPlan, ClientError> {
        self.post_once(&["v1", "projects", project.as_str(), "retention", "plans"], request).await
    }

    /// Has a retention plan carried out.
    pub async fn apply_retention(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &RetentionApplyRequest,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "retention", "applications"], key, request).await
    }

    /// Puts back what a plan has taken. Asked twice it finds nothing to put back, so this is not repeated once it may have reached the server.
    pub async fn restore(&self, project: &ProjectName, request: &RestoreRequest) -> Result<Restored, ClientError> {
        self.post_once(&["v1", "projects", project.as_str(), "retention", "restorations"], request).await
    }

    /// Keeps a digest whatever the policy says.
    pub async fn keep(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &KeepRequest,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "retention", "keeps"], key, request).await
    }

    /// Ends a keep.
    pub async fn unkeep(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        digest: &Digest,
        reason: &str,
    ) -> Result<Receipt, ClientError> {
        let path = ["v1", "projects", project.as_str(), "retention", "keeps", digest.as_str()];
        let nothing: Option<&()> = None;
        self.command(Method::DELETE, &path, key, &ReasonQuery { reason: reason.to_owned() }, nothing).await
    }

    /// Says what runs in a stage.
    pub async fn observe(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &ObservationRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "observations", request).await
    }

    /// Claims a digest for a while.
    pub async fn lease(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &LeaseRequest,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "leases"], key, request).await
    }

    /// Ends leases before their time.
    pub async fn unlease(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        digest: &Digest,
        query: &UnleaseQuery,
    ) -> Result<Receipt, ClientError> {
        let path = ["v1", "projects", project.as_str(), "leases", digest.as_str()];
        let nothing: Option<&()> = None;
        self.command(Method::DELETE, &path, key, query, nothing).await
    }
}
