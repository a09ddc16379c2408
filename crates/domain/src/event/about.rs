//! What an event is about, and what it is called.

use super::Event;
use crate::{Contents, Digest, ProjectName, ReleaseId};

impl Event {
    /// The project that the event is about, where it is about one.
    pub fn project(&self) -> Option<ProjectName> {
        match self {
            Self::LedgerOpened { .. } | Self::TokenIssued { .. } | Self::TokenRevoked { .. } => None,
            Self::ConfigApplied { config } => Some(config.project.clone()),
            Self::ManifestPushed { repository, .. }
            | Self::ManifestDeleted { repository, .. }
            | Self::ManifestCollected { repository, .. }
            | Self::TagDeleted { repository, .. } => repository.project(),
            Self::Held { project, .. } | Self::Unheld { project, .. } => project.clone(),
            Self::EvidenceRecorded { project, .. }
            | Self::ReleaseCreated { project, .. }
            | Self::Promoted { project, .. }
            | Self::RolledBack { project, .. }
            | Self::Approved { project, .. }
            | Self::Vetoed { project, .. }
            | Self::Unvetoed { project, .. }
            | Self::Steered { project, .. }
            | Self::HealthReported { project, .. }
            | Self::Delivered { project, .. }
            | Self::DeliveryFailed { project, .. }
            | Self::Settled { project, .. }
            | Self::RetentionPlanned { project, .. }
            | Self::RetentionApplied { project, .. }
            | Self::RetentionEnded { project, .. }
            | Self::Kept { project, .. }
            | Self::Unkept { project, .. }
            | Self::Observed { project, .. }
            | Self::Leased { project, .. }
            | Self::Unleased { project, .. } => Some(project.clone()),
        }
    }

    /// Every digest that the event is about: artifacts, releases, documents.
    pub fn digests(&self) -> Vec<Digest> {
        let of_contents = |release: &ReleaseId, contents: &Contents| {
            std::iter::once(release.digest()).chain(contents.digests()).cloned().collect()
        };
        match self {
            Self::LedgerOpened { .. }
            | Self::ConfigApplied { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::TagDeleted { .. }
            | Self::Steered { .. } => Vec::new(),
            Self::ManifestPushed { digest, subject, .. } => std::iter::once(digest).chain(subject).cloned().collect(),
            Self::ManifestDeleted { digest, .. }
            | Self::ManifestCollected { digest, .. }
            | Self::Held { digest, .. }
            | Self::Unheld { digest, .. }
            | Self::Kept { digest, .. }
            | Self::Unkept { digest, .. }
            | Self::Leased { digest, .. }
            | Self::Unleased { digest, .. } => vec![digest.clone()],
            Self::Observed { digests, .. } => digests.iter().cloned().collect(),
            Self::RetentionPlanned { plan, .. }
            | Self::RetentionApplied { plan, .. }
            | Self::RetentionEnded { plan, .. } => vec![plan.clone()],
            Self::EvidenceRecorded { subject, document, .. } => {
                std::iter::once(subject).chain(document).cloned().collect()
            }
            Self::ReleaseCreated { release, contents, .. }
            | Self::Promoted { release, contents, .. }
            | Self::RolledBack { release, contents, .. } => of_contents(release, contents),
            Self::Delivered { release, found, .. } => {
                std::iter::once(release.digest()).chain(found.values()).cloned().collect()
            }
            Self::Approved { release, .. }
            | Self::DeliveryFailed { release, .. }
            | Self::Settled { release, .. }
            | Self::Vetoed { release, .. }
            | Self::Unvetoed { release, .. }
            | Self::HealthReported { release, .. } => vec![release.digest().clone()],
        }
    }

    /// The blob that must be kept for this entry to mean something, where there is one.
    pub fn blob(&self) -> Option<&Digest> {
        match self {
            Self::ManifestPushed { digest, .. } => Some(digest),
            Self::RetentionPlanned { plan, .. } => Some(plan),
            Self::EvidenceRecorded { document, .. } => document.as_ref(),
            _ => None,
        }
    }

    /// The word that says what happened, as in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LedgerOpened { .. } => "ledger-opened",
            Self::ConfigApplied { .. } => "config-applied",
            Self::TokenIssued { .. } => "token-issued",
            Self::TokenRevoked { .. } => "token-revoked",
            Self::ManifestPushed { .. } => "manifest-pushed",
            Self::ManifestDeleted { .. } => "manifest-deleted",
            Self::TagDeleted { .. } => "tag-deleted",
            Self::EvidenceRecorded { .. } => "evidence-recorded",
            Self::ReleaseCreated { .. } => "release-created",
            Self::Promoted { .. } => "promoted",
            Self::RolledBack { .. } => "rolled-back",
            Self::Approved { .. } => "approved",
            Self::Held { .. } => "held",
            Self::Unheld { .. } => "unheld",
            Self::Vetoed { .. } => "vetoed",
            Self::Unvetoed { .. } => "unvetoed",
            Self::Steered { .. } => "steered",
            Self::HealthReported { .. } => "health-reported",
            Self::Delivered { .. } => "delivered",
            Self::DeliveryFailed { .. } => "delivery-failed",
            Self::Settled { .. } => "settled",
            Self::RetentionPlanned { .. } => "retention-planned",
            Self::RetentionApplied { .. } => "retention-applied",
            Self::ManifestCollected { .. } => "manifest-collected",
            Self::RetentionEnded { .. } => "retention-ended",
            Self::Kept { .. } => "kept",
            Self::Unkept { .. } => "unkept",
            Self::Observed { .. } => "observed",
            Self::Leased { .. } => "leased",
            Self::Unleased { .. } => "unleased",
        }
    }
}
