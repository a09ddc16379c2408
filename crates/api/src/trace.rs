//! [`Trace`]: everything about a digest.

use domain::{ComponentName, Digest, ProjectName, ReleaseId, RepositoryName, StageName, TagName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Delivery, Entry, Evidence, Hold, Lease, Mark, Source};

/// Everything about a digest that the asker may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The digest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Where it was pushed to.
    #[schema(value_type = Vec<String>)]
    pub repositories: Vec<RepositoryName>,
    /// The releases that it is, or is part of.
    pub releases: Vec<InRelease>,
    /// Evidence about it, about the releases that it is part of and, if it is a release, about its components; oldest first, and of each
    /// subject, kind, name and party the latest two.
    pub evidence: Vec<Evidence>,
    /// The holds on it, in the projects that the asker may read and everywhere.
    pub holds: Vec<Hold>,
    /// The leases of it that last, in the projects that the asker may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Lease>,
    /// Where it was seen running, as far as that still counts, in the projects that the asker may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<SeenRunning>,
    /// What is attached to it, where it was pushed: what names it as its subject, and what tags say belongs to it, in one list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<Attached>,
    /// Whether more is attached to it than is listed; the registry's list of referrers has it in pages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_attached: bool,
    /// The entries about it, in order.
    pub entries: Vec<Entry>,
    /// The cursor for more entries; none if these are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a digest was seen running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenRunning {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// Who saw it, and when.
    pub mark: Mark,
}

/// Something that is attached to an artifact: a signature, an attestation, a bill of materials, anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attached {
    /// The digest of its manifest.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Where both are.
    #[schema(value_type = String)]
    pub repository: RepositoryName,
    /// The media type of its manifest.
    pub media_type: String,
    /// The size of its manifest in bytes.
    pub size: u64,
    /// Its artifact type, where it names its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Whether it names its subject itself, so that the registry's list of referrers has it.
    pub refers: bool,
    /// The tags that say that it belongs there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub tags: Vec<TagName>,
}

/// A release that a digest is, or is part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InRelease {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The release.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The component that the digest is the artifact of; none if it is the release itself or its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub component: Option<ComponentName>,
    /// When the release was created.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Where it comes from: repository, commit and build.
    #[serde(default, skip_serializing_if = "Source::is_empty")]
    pub source: Source,
    /// The stages that have it or had it.
    pub stages: Vec<InStage>,
}

/// A stage that has a release or had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InStage {
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// Whether it is current there.
    pub current: bool,
    /// Since when it was last current there.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When it ceased to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The stage delivers, and not every target has it, or had it when it left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
    /// Whether each target has it, where it is current and the stage delivers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}
