//! Commands.

use domain::{CommandKey, Digest, ProjectName, ReleaseId, StageName, TokenId};
use reqwest::Method;
use serde::Serialize;

use super::{Client, ClientError};
use crate::{
    ApplyQuery, ApplyRequest, ApprovalRequest, CreatedRelease, EvidenceRequest, GateAnswer, HealthRequest, HoldRequest,
    IssuedToken, Plan, PromotionRequest, ReasonQuery, Receipt, ReleaseRequest, RollbackRequest, SignedEvidenceRequest,
    SteeringRequest, TokenRequest, UnholdQuery, VetoRequest,
};

const NO_BODY: Option<&()> = None;

impl Client {
    /// What applying a configuration would change. Nothing is written.
    pub async fn plan(&self, request: &ApplyRequest) -> Result<Plan, ClientError> {
        let path = ["v1", "projects", request.config.project.as_str(), "config"];
        self.ask(&path, &ApplyQuery { dry_run: true }, request).await
    }

    /// Puts a configuration in force.
    pub async fn apply(&self, key: &CommandKey, request: &ApplyRequest) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", request.config.project.as_str(), "config"], key, request).await
    }

    /// Issues a token. Asking twice issues two, so this is not repeated once it may have reached the server.
    pub async fn issue_token(&self, request: &TokenRequest) -> Result<IssuedToken, ClientError> {
        self.post_once(&["v1", "tokens"], request).await
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, key: &CommandKey, token: &TokenId, reason: &str) -> Result<Receipt, ClientError> {
        let path = ["v1", "tokens", token.as_str()];
        self.command(Method::DELETE, &path, key, &ReasonQuery { reason: reason.to_owned() }, NO_BODY).await
    }

    /// Records evidence.
    pub async fn record_evidence(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &EvidenceRequest,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "evidence"], key, request).await
    }

    /// Records what a signed statement says.
    pub async fn record_signed(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &SignedEvidenceRequest,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "evidence", "signed"], key, request).await
    }

    /// Creates a release.
    pub async fn create_release(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        request: &ReleaseRequest,
    ) -> Result<CreatedRelease, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "releases"], key, request).await
    }

    /// Moves a release into a stage. For a dry run there is [`Client::rehearse_promotion`].
    pub async fn promote(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &PromotionRequest,
    ) -> Result<Receipt, ClientError> {
        let request = PromotionRequest { dry_run: false, ..request.clone() };
        self.in_stage(key, project, stage, "promotions", &request).await
    }

    /// What [`Client::promote`] would be answered with: the same refusals, or the gate's answer that lets the release in. Nothing is written.
    pub async fn rehearse_promotion(
        &self,
        project: &ProjectName,
        stage: &StageName,
        request: &PromotionRequest,
    ) -> Result<GateAnswer, ClientError> {
        let path = ["v1", "projects", project.as_str(), "stages", stage.as_str(), "promotions"];
        self.ask(&path, &(), &PromotionRequest { dry_run: true, ..request.clone() }).await
    }

    /// Says yes to a release for a stage.
    pub async fn approve(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &ApprovalRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "approvals", request).await
    }

    /// Puts an earlier release back.
    pub async fn roll_back(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &RollbackRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "rollbacks", request).await
    }

    /// Never lets a release into a stage.
    pub async fn veto(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &VetoRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "vetoes", request).await
    }

    /// Lifts a veto.
    pub async fn unveto(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        reason: &str,
    ) -> Result<Receipt, ClientError> {
        let path = ["v1", "projects", project.as_str(), "stages", stage.as_str(), "vetoes", release.digest().as_str()];
        self.command(Method::DELETE, &path, key, &ReasonQuery { reason: reason.to_owned() }, NO_BODY).await
    }

    /// Pins, unpins, pauses or resumes a stage.
    pub async fn steer(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &SteeringRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "steering", request).await
    }

    /// Reports how the current release of a stage does.
    pub async fn report_health(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        request: &HealthRequest,
    ) -> Result<Receipt, ClientError> {
        self.in_stage(key, project, stage, "health", request).await
    }

    /// Holds a digest.
    pub async fn hold(&self, key: &CommandKey, request: &HoldRequest) -> Result<Receipt, ClientError> {
        self.post(&["v1", "holds"], key, request).await
    }

    /// Ends a hold.
    pub async fn unhold(
        &self,
        key: &CommandKey,
        digest: &Digest,
        project: Option<&ProjectName>,
        reason: &str,
    ) -> Result<Receipt, ClientError> {
        let query = UnholdQuery { project: project.cloned(), reason: reason.to_owned() };
        self.command(Method::DELETE, &["v1", "holds", digest.as_str()], key, &query, NO_BODY).await
    }

    pub(super) async fn in_stage(
        &self,
        key: &CommandKey,
        project: &ProjectName,
        stage: &StageName,
        what: &str,
        request: &impl Serialize,
    ) -> Result<Receipt, ClientError> {
        self.post(&["v1", "projects", project.as_str(), "stages", stage.as_str(), what], key, request).await
    }
}
