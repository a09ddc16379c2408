//! [`Refusal`]: the rules said no.

mod code;
mod hint;
#[cfg(test)]
mod tests;

use crate::{
    ComponentName, Digest, Party, Permission, ProjectName, ReleaseId, RepositoryName, StageName, TagName, Timestamp,
    TokenId, gate::Decision, gate::Status,
};

/// Why a command was turned down. Each variant has one code and one page, `docs/refusals/CODE.md`.
///
/// A refusal is an answer, not a breakage: nothing was written, and asking again changes nothing until something else does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The actor lacks a permission.
    #[error("permission `{permission}` is missing{}", place(project.as_ref(), stage.as_ref()))]
    PermissionMissing {
        /// Which one.
        permission: Permission,
        /// For which project; all of them where it is `None`.
        project: Option<ProjectName>,
        /// For which stage.
        stage: Option<StageName>,
    },
    /// A token cannot give what its issuer does not have.
    #[error("grant `{grant}` is more than you have yourself")]
    GrantExceeds {
        /// The grant.
        grant: String,
    },
    /// There is no such project.
    #[error("there is no project `{project}`")]
    ProjectUnknown {
        /// The name.
        project: ProjectName,
    },
    /// There is no such stage.
    #[error("project `{project}` has no stage `{stage}`; it has: {}", join(known))]
    StageUnknown {
        /// The project.
        project: ProjectName,
        /// The name.
        stage: StageName,
        /// The stages there are.
        known: Vec<StageName>,
    },
    /// There is no such component.
    #[error("project `{project}` has no component `{component}`; it has: {}", join(known))]
    ComponentUnknown {
        /// The project.
        project: ProjectName,
        /// The name.
        component: ComponentName,
        /// The components there are.
        known: Vec<ComponentName>,
    },
    /// There is no such release.
    #[error("project `{project}` has no release `{release}`")]
    ReleaseUnknown {
        /// The project.
        project: ProjectName,
        /// The id.
        release: ReleaseId,
    },
    /// A release must name every component of its project.
    #[error("the release names no artifact for component `{component}`")]
    ComponentMissing {
        /// The component.
        component: ComponentName,
    },
    /// The artifact of a component was never pushed to the component's repository.
    #[error("`{digest}` was never pushed to `{repository}`, the repository of component `{component}`")]
    ArtifactUnknown {
        /// The component.
        component: ComponentName,
        /// Its repository.
        repository: RepositoryName,
        /// The digest.
        digest: Digest,
    },
    /// The repository does not have all that the artifact of a component consists of.
    #[error("`{digest}` of component `{component}` is not whole: its part `{missing}` is not in the repository")]
    ArtifactIncomplete {
        /// The component.
        component: ComponentName,
        /// The artifact.
        digest: Digest,
        /// What is missing.
        missing: Digest,
    },
    /// The gate of the stage is not met.
    #[error("`{}` stays closed: {}", decision.stage, summary(decision))]
    GateUnmet {
        /// The gate's whole answer.
        decision: Box<Decision>,
    },
    /// Retention has taken an artifact of the release.
    #[error("`{digest}` of component `{component}` is no longer here")]
    ArtifactGone {
        /// The component.
        component: ComponentName,
        /// The artifact.
        digest: Digest,
    },
    /// The digest is kept by hand.
    #[error("`{digest}` is kept: {reason}")]
    Kept {
        /// The digest.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// Somebody saw the digest running.
    #[error("`{digest}` runs in `{stage}`: it was seen there at {seen}")]
    Running {
        /// The digest.
        digest: Digest,
        /// Where.
        stage: StageName,
        /// When.
        seen: Timestamp,
    },
    /// Somebody claims the digest.
    #[error("`{digest}` is leased until {until} by {by}: {reason}")]
    Leased {
        /// The digest.
        digest: Digest,
        /// Who claims it.
        by: Party,
        /// For how long.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// There is no such lease.
    #[error("{party} has no lease of `{digest}`")]
    NotLeased {
        /// The digest.
        digest: Digest,
        /// Who was said to have one.
        party: Party,
    },
    /// There is no such keep.
    #[error("`{digest}` is not kept by hand")]
    NotKept {
        /// The digest.
        digest: Digest,
    },
    /// The project has no retention policy.
    #[error("project `{project}` has no retention policy, so nothing of it goes")]
    RetentionUnset {
        /// The project.
        project: ProjectName,
    },
    /// A retention plan is being carried out.
    #[error("the retention plan `{plan}` is being carried out")]
    RetentionRunning {
        /// The digest of its document.
        plan: Digest,
    },
    /// A retention plan is not the last one that was recorded, or too old.
    #[error(
        "`{plan}` is not a retention plan that can be carried out: it is not the last that was recorded, it is older than a day, or it has ended"
    )]
    RetentionPlanStale {
        /// The digest of its document.
        plan: Digest,
    },
    /// A manifest names one that is not in its repository any more.
    #[error("the manifest names `{part}`, which is not in `{repository}`")]
    PartMissing {
        /// The repository.
        repository: RepositoryName,
        /// The manifest that is missing.
        part: Digest,
    },
    /// Nothing of the digest is left that could be put back.
    #[error("`{digest}` is not in the trash")]
    NotInTrash {
        /// The digest.
        digest: Digest,
    },
    /// The digest is held.
    #[error("`{digest}` is held: {reason}")]
    Held {
        /// The digest.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// There is no such hold.
    #[error("`{digest}` is not held{}", place(project.as_ref(), None))]
    NotHeld {
        /// The digest.
        digest: Digest,
        /// The project of the hold asked for.
        project: Option<ProjectName>,
    },
    /// The release may never enter the stage.
    #[error("release {} is vetoed for `{stage}`: {reason}", release.short())]
    Vetoed {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// There is no such veto.
    #[error("release {} is not vetoed for `{stage}`", release.short())]
    NotVetoed {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// The stage is pinned.
    #[error("stage `{stage}` is pinned to what it has: {reason}")]
    StagePinned {
        /// The stage.
        stage: StageName,
        /// Why.
        reason: String,
    },
    /// The stage is paused.
    #[error("stage `{stage}` is paused: {reason}")]
    StagePaused {
        /// The stage.
        stage: StageName,
        /// Why.
        reason: String,
    },
    /// The stage is not pinned, or not paused.
    #[error("stage `{stage}` is not {state}")]
    NotSteered {
        /// The stage.
        stage: StageName,
        /// `pinned` or `paused`.
        state: &'static str,
    },
    /// The release is current in the stage already.
    #[error("release {} is already current in `{stage}`", release.short())]
    AlreadyCurrent {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// The stage has another release than the caller saw there.
    #[error("stage `{stage}` has release {} by now, not {}", current.short(), seen.short())]
    StageMoved {
        /// The stage.
        stage: StageName,
        /// What the caller saw.
        seen: ReleaseId,
        /// What it has.
        current: ReleaseId,
    },
    /// The stage was never entered.
    #[error("stage `{stage}` has no release yet")]
    StageEmpty {
        /// The stage.
        stage: StageName,
    },
    /// The stage has no earlier release to go back to.
    #[error("stage `{stage}` has no earlier release to go back to")]
    NothingEarlier {
        /// The stage.
        stage: StageName,
    },
    /// The release was never current in the stage, so it is no target for a rollback.
    #[error("release {} was never current in `{stage}`: a rollback goes only to what the stage has had", release.short())]
    NeverCurrent {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// The release left the stage before every target had it, so it is no target for a rollback.
    #[error("release {} never settled in `{stage}`: it left before it was delivered everywhere", release.short())]
    NeverSettled {
        /// The stage.
        stage: StageName,
        /// The release.
        release: ReleaseId,
    },
    /// Approvals are for people.
    #[error("only a person can approve, and you act as a machine")]
    ApproverNotPerson,
    /// The gate changed since the person looked at it.
    #[error("the gate of `{stage}` has changed since you looked at it")]
    GateChanged {
        /// The stage.
        stage: StageName,
    },
    /// A stage's tag follows from promotions and cannot be pushed or deleted.
    #[error(
        "tag `{tag}` of `{repository}` is the tag of a stage: it follows from promotions and cannot be set or deleted"
    )]
    StageTag {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: TagName,
    },
    /// The artifact is part of a release, so it stays.
    #[error("`{digest}` is part of a release and cannot be deleted")]
    ArtifactInUse {
        /// The digest.
        digest: Digest,
    },
    /// An index of the repository consists of the manifest, so it stays: whatever is there is whole.
    #[error("`{digest}` stays: the index `{index}` names it")]
    IndexNames {
        /// The manifest.
        digest: Digest,
        /// The index.
        index: Digest,
    },
    /// A stage credential asked for something that the stage has not promoted.
    #[error("`{digest}` is not promoted to {}", join(stages))]
    NotPromoted {
        /// The digest.
        digest: String,
        /// The stages that the credential is bound to.
        stages: Vec<StageName>,
    },
    /// A stage would vanish while it still has a release.
    #[error("stage `{stage}` still has a current release and cannot be removed")]
    StageInUse {
        /// The stage.
        stage: StageName,
    },
    /// A component's repository would change, and what a stage has is not in the new one.
    #[error(
        "component `{component}` cannot move to `{repository}`: stage `{stage}` has `{digest}`, which is not there"
    )]
    ComponentInUse {
        /// The component.
        component: ComponentName,
        /// Its new repository.
        repository: RepositoryName,
        /// A stage that has an artifact of it.
        stage: StageName,
        /// The artifact.
        digest: Digest,
    },
    /// The configuration changed since the plan was made.
    #[error("the configuration of `{project}` has changed since the plan was made")]
    PlanStale {
        /// The project.
        project: ProjectName,
    },
    /// There is no such token.
    #[error("there is no token `{token}`")]
    TokenUnknown {
        /// The id.
        token: TokenId,
    },
    /// A token id was used before.
    #[error("token `{token}` exists already")]
    TokenExists {
        /// The id.
        token: TokenId,
    },
    /// A token must end, and not before it begins.
    #[error("a token ends after now and within a year, not at {expires}")]
    TokenLifetime {
        /// The end asked for.
        expires: Timestamp,
    },
    /// The idempotency key was used for another command.
    #[error("idempotency key `{key}` was used before, for another command")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// What was given as signed does not count as that.
    #[error("the signed statement does not count: {problem}")]
    StatementUntrusted {
        /// Why not.
        problem: String,
    },
    /// A limit was reached.
    #[error("{what} has at most {limit}")]
    LimitReached {
        /// What, as the beginning of a sentence.
        what: &'static str,
        /// How many, with the unit.
        limit: String,
    },
}

fn place(project: Option<&ProjectName>, stage: Option<&StageName>) -> String {
    match (project, stage) {
        (Some(project), Some(stage)) => format!(" for stage `{stage}` of project `{project}`"),
        (Some(project), None) => format!(" for project `{project}`"),
        (None, _) => " for all projects".into(),
    }
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(|item| format!("`{}`", item.to_string())).collect::<Vec<_>>().join(", ")
}

fn summary(decision: &Decision) -> String {
    let open = decision.findings.iter().filter(|finding| matches!(finding.status, Status::Unmet | Status::Unknown));
    open.map(|finding| finding.because.clone()).collect::<Vec<_>>().join("; ")
}
