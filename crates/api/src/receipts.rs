//! Receipts of promotions.

use domain::{ComponentName, Digest, ProjectName, ReleaseId, StageName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The receipts of one promotion: one for each component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromotionReceipts {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// The stage.
    #[schema(value_type = String)]
    pub stage: StageName,
    /// The release that was promoted.
    #[schema(value_type = String)]
    pub release: ReleaseId,
    /// The entry of the promotion.
    pub promotion: u64,
    /// When it was.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The receipts, in the order of the components' names.
    pub receipts: Vec<ComponentReceipt>,
}

/// The receipt of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComponentReceipt {
    /// The component.
    #[schema(value_type = String)]
    pub component: ComponentName,
    /// Its artifact, and after it the manifests that an index names: all that the receipt is about.
    #[schema(value_type = Vec<String>)]
    pub subjects: Vec<Digest>,
    /// The receipt: a Sigstore bundle with a SLSA verification summary.
    #[schema(value_type = Object)]
    pub bundle: serde_json::Value,
}

/// The public key that verifies receipts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptKey {
    /// How many ledger entries the answer takes into account.
    pub as_of: u64,
    /// The key, as PEM.
    pub key: String,
}
