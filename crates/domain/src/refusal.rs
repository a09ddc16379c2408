//! [`Refusal`]: the rules said no.

#[cfg(test)]
mod tests;

use crate::{
    ComponentName, Digest, Permission, ProjectName, ReleaseId, RepositoryName, StageName, TagName, Timestamp, TokenId,
    gate::Decision, gate::Status,
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
    /// A limit was reached.
    #[error("{what} has at most {limit}")]
    LimitReached {
        /// What, as the beginning of a sentence.
        what: &'static str,
        /// How many, with the unit.
        limit: String,
    },
}

impl Refusal {
    /// What scripts match on; it outlives every rewording.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PermissionMissing { .. } => "permission-missing",
            Self::GrantExceeds { .. } => "grant-exceeds",
            Self::ProjectUnknown { .. } => "project-unknown",
            Self::StageUnknown { .. } => "stage-unknown",
            Self::ComponentUnknown { .. } => "component-unknown",
            Self::ReleaseUnknown { .. } => "release-unknown",
            Self::ComponentMissing { .. } => "component-missing",
            Self::ArtifactUnknown { .. } => "artifact-unknown",
            Self::ArtifactIncomplete { .. } => "artifact-incomplete",
            Self::GateUnmet { .. } => "gate-unmet",
            Self::Held { .. } => "held",
            Self::NotHeld { .. } => "not-held",
            Self::Vetoed { .. } => "vetoed",
            Self::NotVetoed { .. } => "not-vetoed",
            Self::StagePinned { .. } => "stage-pinned",
            Self::StagePaused { .. } => "stage-paused",
            Self::NotSteered { .. } => "not-steered",
            Self::AlreadyCurrent { .. } => "already-current",
            Self::StageMoved { .. } => "stage-moved",
            Self::StageEmpty { .. } => "stage-empty",
            Self::NothingEarlier { .. } => "nothing-earlier",
            Self::NeverCurrent { .. } => "never-current",
            Self::ApproverNotPerson => "approver-not-person",
            Self::GateChanged { .. } => "gate-changed",
            Self::StageTag { .. } => "stage-tag",
            Self::ArtifactInUse { .. } => "artifact-in-use",
            Self::NotPromoted { .. } => "not-promoted",
            Self::StageInUse { .. } => "stage-in-use",
            Self::ComponentInUse { .. } => "component-in-use",
            Self::PlanStale { .. } => "plan-stale",
            Self::TokenUnknown { .. } => "token-unknown",
            Self::TokenExists { .. } => "token-exists",
            Self::TokenLifetime { .. } => "token-lifetime",
            Self::KeyReused { .. } => "key-reused",
            Self::LimitReached { .. } => "limit-reached",
        }
    }

    /// What to do next, as one sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::PermissionMissing { permission, .. } => {
                format!("use a token whose role has `{permission}`; `selfsame token roles` lists the roles")
            }
            Self::GrantExceeds { .. } => "ask somebody with a wider role to issue the token".into(),
            Self::ProjectUnknown { .. } => {
                "create it with `selfsame apply`, or check the name with `selfsame status`".into()
            }
            Self::StageUnknown { .. } | Self::ComponentUnknown { .. } => {
                "check the name, or add it to the project's file and `selfsame apply` it".into()
            }
            Self::ReleaseUnknown { .. } => {
                "list releases with `selfsame status`, or create one with `selfsame release create`".into()
            }
            Self::ComponentMissing { component } => format!("name it: `--component {component}=DIGEST`"),
            Self::ArtifactUnknown { repository, .. } => {
                format!("push it to `{repository}` first, and use the digest that the push prints")
            }
            Self::ArtifactIncomplete { .. } => "push it again, whole: what is there already is not sent twice".into(),
            Self::GateUnmet { decision } => decision
                .findings
                .iter()
                .filter(|finding| !finding.status.lets_in())
                .find_map(|finding| finding.next_step.clone())
                .unwrap_or_else(|| "`selfsame gate check` explains each requirement".into()),
            Self::Held { digest, .. } => {
                format!("find out why it is held; `selfsame unhold {digest} --reason ...` lets it go")
            }
            Self::NotHeld { .. } => {
                "`selfsame trace DIGEST` shows the holds there are; name the project if the hold is of one project"
                    .into()
            }
            Self::Vetoed { stage, release, .. } => format!(
                "promote another release; `selfsame unveto {release} --stage {stage} --reason ...` lifts the veto"
            ),
            Self::NotVetoed { .. } | Self::NotSteered { .. } | Self::AlreadyCurrent { .. } => {
                "nothing needs to be done".into()
            }
            Self::StagePinned { stage, .. } => format!("`selfsame unpin {stage}` lets releases in again"),
            Self::StagePaused { stage, .. } => {
                format!("`selfsame resume {stage}` lets promotions go on; rollback stays open meanwhile")
            }
            Self::StageMoved { .. } => "look at `selfsame status` again, and decide on what the stage has now".into(),
            Self::StageEmpty { .. } => "promote a release first".into(),
            Self::NothingEarlier { .. } | Self::NeverCurrent { .. } => {
                "`selfsame history` lists what the stage has had".into()
            }
            Self::ApproverNotPerson => "log in with a token that was issued for a person (`person:NAME`)".into(),
            Self::GateChanged { .. } => "look at `selfsame gate check` again, and approve what you see then".into(),
            Self::StageTag { .. } => "push under another tag and promote the release; the stage's tag follows".into(),
            Self::ArtifactInUse { .. } => {
                "nothing that a release names is deleted by hand; retention decides when it goes".into()
            }
            Self::NotPromoted { .. } => {
                "promote the release to the stage, or pull with a credential for the whole project".into()
            }
            Self::StageInUse { .. } => "keep the stage in the file; what runs there must stay known".into(),
            Self::ComponentInUse { repository, digest, .. } => {
                format!("copy `{digest}` to `{repository}` first, with all that it names, and apply again")
            }
            Self::PlanStale { .. } => "run `selfsame apply` again to see the new plan".into(),
            Self::TokenUnknown { .. } => "check the id; `selfsame token issue` printed it".into(),
            Self::TokenExists { .. } => "ask again; each token gets a new id".into(),
            Self::TokenLifetime { .. } => "choose another `--expires`, for example `30d`".into(),
            Self::KeyReused { .. } => "use a new key for a new command".into(),
            Self::LimitReached { .. } => "make it smaller, or split it".into(),
        }
    }

    /// Every code, for documentation and tests.
    pub const CODES: [&'static str; 35] = [
        "permission-missing",
        "grant-exceeds",
        "project-unknown",
        "stage-unknown",
        "component-unknown",
        "release-unknown",
        "component-missing",
        "artifact-unknown",
        "artifact-incomplete",
        "gate-unmet",
        "held",
        "not-held",
        "vetoed",
        "not-vetoed",
        "stage-pinned",
        "stage-paused",
        "not-steered",
        "already-current",
        "stage-moved",
        "stage-empty",
        "nothing-earlier",
        "never-current",
        "approver-not-person",
        "gate-changed",
        "stage-tag",
        "artifact-in-use",
        "not-promoted",
        "stage-in-use",
        "component-in-use",
        "plan-stale",
        "token-unknown",
        "token-exists",
        "token-lifetime",
        "key-reused",
        "limit-reached",
    ];
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
