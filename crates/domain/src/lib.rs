//! The rules of promotion, and nothing else.
//!
//! An artifact is known by its [`Digest`]; a [`ReleaseId`] names a set of them; a release moves through the stages of a project because
//! each stage's [gate] was met. A [`Command`] asks for a change; [`decide()`] answers with [`Event`]s or a
//! [`Refusal`]; [`State::apply`] makes it true; [`gate::evaluate`] explains.
//!
//! This crate has no I/O, no clock and no randomness, and it never will: what it needs to know, it is told. So every rule can be tested
//! in a microsecond and replayed in ten years.

mod actor;
mod attached;
pub mod canonical;
mod command;
pub mod config;
mod decide;
mod delivery;
mod digest;
mod event;
pub mod gate;
mod name;
mod refusal;
mod release;
pub mod retention;
mod standing;
mod state;
#[cfg(test)]
mod testing;
mod time;
pub mod trust;

pub use actor::{Actor, BUILT_IN_ROLES, CustomRoles, Grant, InvalidGrant, Permission, Scope};
pub use attached::About;
pub use command::{Command, Submission};
pub use config::{InvalidConfig, ProjectConfig};
pub use decide::{COLLECTED_MAX, TAGS_MAX, TEXT_BYTES_MAX, decide};
pub use delivery::{DeliveryReport, Due};
pub use digest::{Algorithm, Digest, Hasher, InvalidDigest, UnknownAlgorithm};
pub use event::{ENTRY_BYTES_MAX, EVENT_BYTES_MAX, Entry, Event, EvidenceResult, Request, Steering, Version};
pub use gate::{Decision, Finding, Status};
pub use name::{
    CommandKey, ComponentName, EvidenceKind, EvidenceName, InvalidName, KeyName, Party, PredicateType, ProjectName,
    RegistryAddress, RepositoryName, RoleName, SignerId, StageName, TagName, TargetName, TokenId,
};
pub use refusal::Refusal;
pub use release::{Contents, ReleaseId, Source};
pub use standing::{Place, Standing, standing};
pub use state::{
    Approval, Artifact, Delivery, Ended, Evidence, HISTORY_MAX, Health, Hold, InStage, InvalidKey, InvalidRow, Key,
    Lease, Left, Mark, Observation, PARTS_MAX, Placed, Presence, Project, RecordedPlan, Release, Retention, StageState,
    State, Subject, System, Tenure, Token, Touched,
};
pub use time::{InvalidTime, Span, Timestamp};
pub use trust::{PublicKeyPem, Statement, Trust, TrustedKey};
