//! Retention.

use std::collections::BTreeSet;

use domain::{Digest, Party, ProjectName, RepositoryName, Span, StageName, TagName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Mark;

/// Makes a retention plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionPlanRequest {
    /// Only look: nothing is recorded, so nothing can be applied.
    #[serde(default)]
    pub dry_run: bool,
}

/// A retention plan: what becomes of each object of a project, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionPlan {
    /// The size of the ledger that it takes into account.
    pub as_of: u64,
    /// The digest of its document, to apply it by; none if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub plan: Option<Digest>,
    /// When it was made.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Each object.
    pub items: Vec<RetentionItem>,
    /// How many objects stay as they are.
    pub kept: u64,
    /// How many lie in the archive.
    pub archived: u64,
    /// How many go.
    pub trashed: u64,
    /// How many bytes are free at hand then.
    pub frees: u64,
}

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionItem {
    /// The repository.
    #[schema(value_type = String)]
    pub repository: RepositoryName,
    /// The digest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Its tags.
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<TagName>,
    /// What becomes of it.
    pub outcome: RetentionOutcome,
    /// Why it stays, in sentences; none if it goes.
    pub because: Vec<String>,
    /// How many bytes are free at hand when it is gone or in the archive.
    pub frees: u64,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionOutcome {
    /// It stays as it is.
    Keep,
    /// It stays, and its configuration and layers lie in the archive.
    Archive,
    /// It goes, into the trash first.
    Trash,
}

/// Applies a retention plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionApplyRequest {
    /// The digest of its document.
    #[schema(value_type = String)]
    pub plan: Digest,
}

/// Puts back what a plan has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// What.
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// The size of the ledger then.
    pub as_of: u64,
    /// The manifests, each as `REPOSITORY@DIGEST`, in the order in which they came back.
    pub manifests: Vec<String>,
    /// Tags that they had and that point elsewhere by now: those stay where they are.
    #[schema(value_type = Vec<String>)]
    pub moved: Vec<TagName>,
}

/// Keeps a digest whatever the policy says: a legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepRequest {
    /// An artifact or a release.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Why.
    pub reason: String,
}

/// A digest that is kept by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Keep {
    /// What is kept.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Who, when and why.
    pub mark: Mark,
}

/// Says what runs in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservationRequest {
    /// The digests of what runs there, at most 200; none where nothing does. They take the place of what the same party said before.
    #[schema(value_type = Vec<String>)]
    pub digests: BTreeSet<Digest>,
}

/// What somebody saw running in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// What ran there.
    #[schema(value_type = Vec<String>)]
    pub digests: BTreeSet<Digest>,
    /// Who saw it, and when.
    pub mark: Mark,
}

/// Claims a digest for a while: until then it does not go, and stays pullable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// What is claimed.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The stage whose tokens may pull it for as long, whatever the stage has by then. It has to be what the stage has, or could roll back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stage: Option<StageName>,
    /// For how long from now on, 30 days at most.
    #[schema(value_type = String, example = "2h")]
    pub lasts: Span,
    /// Why.
    pub reason: String,
}

/// A claim on a digest that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// What is claimed.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The stage whose tokens may pull it for as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stage: Option<StageName>,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Who claims it, since when, and why.
    pub mark: Mark,
}

/// Whose leases of a digest end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UnleaseQuery {
    /// Whose leases end; one's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub party: Option<Party>,
}

/// How a project's retention stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionStatus {
    /// The size of the ledger that the answer takes into account.
    pub as_of: u64,
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Whether the project has a policy: without one, nothing goes.
    pub has_policy: bool,
    /// The plan that was recorded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<RetentionProgress>,
    /// What is kept by hand.
    pub keeps: Vec<Keep>,
    /// What was last seen running, as far as that still counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Observation>,
    /// The leases that last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Lease>,
    /// What lies in the archive, of all projects; for those who may read everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Heap>,
    /// What lies in the trash, of all projects; for those who may read everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<Heap>,
}

/// How far a retention plan is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionProgress {
    /// The digest of its document.
    #[schema(value_type = String)]
    pub plan: Digest,
    /// Who had it made, and when.
    pub made: Mark,
    /// Who applies it, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Mark>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended: Option<Timestamp>,
    /// How many manifests went, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<u64>,
    /// How many stay that were to go, because something happened to them since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<u64>,
}

/// Some bytes that lie together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heap {
    /// How many blobs and manifests.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl From<domain::retention::Plan> for RetentionPlan {
    fn from(plan: domain::retention::Plan) -> Self {
        let domain::retention::Totals { kept, archived, trashed, frees } = plan.totals;
        let items = plan.items.into_iter().map(Into::into).collect();
        Self { as_of: plan.as_of, plan: None, at: plan.at, items, kept, archived, trashed, frees }
    }
}

impl From<domain::retention::Item> for RetentionItem {
    fn from(item: domain::retention::Item) -> Self {
        let outcome = match item.outcome {
            domain::retention::Outcome::Keep => RetentionOutcome::Keep,
            domain::retention::Outcome::Archive => RetentionOutcome::Archive,
            domain::retention::Outcome::Trash => RetentionOutcome::Trash,
        };
        let because = item.because.iter().map(ToString::to_string).collect();
        let domain::retention::Item { repository, digest, tags, frees, .. } = item;
        Self { repository, digest, tags, outcome, because, frees }
    }
}

impl From<domain::Observation> for Observation {
    fn from(observation: domain::Observation) -> Self {
        let domain::Observation { stage, digests, mark } = observation;
        Self { stage, digests, mark: mark.into() }
    }
}

impl From<domain::Lease> for Lease {
    fn from(lease: domain::Lease) -> Self {
        let domain::Lease { digest, stage, until, mark } = lease;
        Self { digest, stage, until, mark: mark.into() }
    }
}
