//! What the paths name: each type is what a handler is given and what the OpenAPI document says.

use domain::{Digest, ProjectName, ReleaseId, StageName, TokenId};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProjectPath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EvidencePath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
    /// The entry by which the evidence was recorded.
    #[param(example = 12)]
    pub entry: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReleasePath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
    /// The release: its id, six or more of its first digits, a stage that has it, or `latest`.
    #[param(example = "latest")]
    pub release: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StagePath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
    /// The stage.
    #[param(value_type = String, example = "prod")]
    pub stage: StageName,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct VetoPath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
    /// The stage.
    #[param(value_type = String, example = "prod")]
    pub stage: StageName,
    /// The release that is vetoed, by its whole id.
    #[param(value_type = String)]
    pub release: ReleaseId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DigestPath {
    /// The digest.
    #[param(value_type = String)]
    pub digest: Digest,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct KeepPath {
    /// The project.
    #[param(value_type = String, example = "shop")]
    pub project: ProjectName,
    /// What is kept, or leased.
    #[param(value_type = String)]
    pub digest: Digest,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TokenPath {
    /// The id of the token: its sixteen digits, which open nothing.
    #[param(value_type = String, example = "00112233aabbccdd")]
    pub token: TokenId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EntryPath {
    /// The index of the entry.
    #[param(example = 0)]
    pub index: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FilePath {
    /// The file, as C2SP tlog-tiles names it: `checkpoint`, `tile/LEVEL/INDEX` or `tile/entries/INDEX`.
    #[param(example = "checkpoint")]
    pub path: String,
}
