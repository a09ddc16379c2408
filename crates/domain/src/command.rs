//! [`Command`]: what can be asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    Actor, CommandKey, Contents, DeliveryReport, Digest, EvidenceKind, EvidenceName, EvidenceResult, Grant, Party,
    ProjectConfig, ProjectName, Refusal, ReleaseId, RepositoryName, Source, Span, StageName, Statement, Steering,
    TagName, TargetName, Timestamp, TokenId, canonical,
    config::{COMPONENTS_MAX, Target},
    decide::GRANTS_MAX,
    retention::Totals,
};

/// A command with who asks for it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who asks, already authenticated.
    pub actor: Actor,
    /// What makes asking twice safe.
    pub key: Option<CommandKey>,
    /// What is asked for.
    pub command: Command,
}

/// A request, already parsed. Its variants are imperatives; each leads to the [`Event`](crate::Event) of the same kind, or to a
/// [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// Put a project's configuration in force.
    ApplyConfig {
        /// The whole configuration, already checked.
        config: Box<ProjectConfig>,
        /// The digest of the configuration that the plan was made against; `None` plans for a project that is not there yet.
        /// Omitted entirely (outer `None`) nothing is expected.
        #[serde(skip_serializing_if = "Option::is_none")]
        expect: Option<Option<Digest>>,
    },
    /// Issue an access token.
    IssueToken {
        /// Its id.
        token: TokenId,
        /// The digest of its secret.
        hash: Digest,
        /// Who acts with it.
        party: Party,
        /// What it allows.
        grants: Vec<Grant>,
        /// When it ends.
        expires: Timestamp,
    },
    /// Revoke an access token.
    RevokeToken {
        /// Its id.
        token: TokenId,
        /// Why.
        reason: String,
    },
    /// Record that a manifest was pushed; its bytes and all that it names are stored already.
    PushManifest {
        /// Where to.
        repository: RepositoryName,
        /// The digest of its bytes.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Its size in bytes.
        size: u64,
        /// The manifest that it is about.
        subject: Option<Digest>,
        /// The tags to set.
        tags: Vec<TagName>,
    },
    /// Delete a manifest with its tags.
    DeleteManifest {
        /// Where.
        repository: RepositoryName,
        /// Its digest.
        digest: Digest,
    },
    /// Delete a tag.
    DeleteTag {
        /// Where.
        repository: RepositoryName,
        /// The tag.
        tag: TagName,
    },
    /// Record evidence about a digest.
    RecordEvidence {
        /// The project in which it counts.
        project: ProjectName,
        /// What it is about.
        subject: Digest,
        /// What it is.
        kind: EvidenceKind,
        /// Which one of the kind.
        name: Option<EvidenceName>,
        /// What it says.
        result: EvidenceResult,
        /// More that it says.
        attributes: BTreeMap<String, String>,
        /// The blob that holds the whole of it, stored already.
        document: Option<Digest>,
        /// What of it was signed, verified already.
        statement: Option<Statement>,
    },
    /// Create a release.
    CreateRelease {
        /// In which project.
        project: ProjectName,
        /// What it is made of.
        contents: Contents,
        /// Where that comes from.
        source: Source,
    },
    /// Move a release into a stage.
    Promote {
        /// In which project.
        project: ProjectName,
        /// Into which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// Say yes to a release for a stage.
    Approve {
        /// In which project.
        project: ProjectName,
        /// For which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// The digest of the gate that the person saw; refused when the gate has changed since.
        gate: Option<Digest>,
        /// What the person says.
        comment: String,
    },
    /// Put an earlier release of a stage back.
    RollBack {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// The release that the caller saw there; refused when another is current by now. So two people who act on the same trouble do
        /// not go back twice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<ReleaseId>,
        /// To which release; the latest good one before unless it says otherwise.
        to: Option<ReleaseId>,
        /// Why.
        reason: String,
    },
    /// Hold a digest.
    Hold {
        /// An artifact, a configuration or a release.
        digest: Digest,
        /// In one project, or everywhere.
        project: Option<ProjectName>,
        /// Why.
        reason: String,
    },
    /// End a hold.
    Unhold {
        /// The digest.
        digest: Digest,
        /// The project, as in the hold.
        project: Option<ProjectName>,
        /// Why.
        reason: String,
    },
    /// Never let a release into a stage.
    Veto {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// Lift a veto.
    Unveto {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// Which release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// Pin, unpin, pause or resume a stage.
    Steer {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// What to change.
        change: Steering,
        /// Why.
        reason: String,
    },
    /// Report how the current release of a stage does.
    ReportHealth {
        /// In which project.
        project: ProjectName,
        /// Which stage.
        stage: StageName,
        /// The release that was observed; refused when another is current by now. Without it, whatever is current is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<ReleaseId>,
        /// Whether it does well.
        healthy: bool,
        /// What was seen.
        reason: String,
    },
    /// Report what came of an attempt to deliver. Only the server itself does.
    ReportDelivery {
        /// In which project.
        project: ProjectName,
        /// Of which stage.
        stage: StageName,
        /// The entry that made the release current which was delivered.
        promotion: u64,
        /// To which target.
        target: TargetName,
        /// Where that is.
        to: Target,
        /// How often it was tried by now without a break.
        tries: u64,
        /// What came of it.
        report: DeliveryReport,
    },
    /// Record a retention plan, whose document is stored already.
    PlanRetention {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document.
        plan: Digest,
        /// How many ledger entries it takes into account.
        as_of: u64,
        /// What it comes to.
        totals: Totals,
    },
    /// Carry out the retention plan that was recorded last.
    ApplyRetention {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document.
        plan: Digest,
    },
    /// Let manifests go, as the plan says that is being carried out; those stay to which something happened since.
    Collect {
        /// Of which project.
        project: ProjectName,
        /// The digest of the plan's document.
        plan: Digest,
        /// Which, containers before what they consist of.
        manifests: Vec<(RepositoryName, Digest)>,
    },
    /// Say that all of a retention plan is done.
    EndRetention {
        /// Of which project.
        project: ProjectName,
        /// The digest of its document.
        plan: Digest,
        /// How many manifests went.
        collected: u64,
        /// How many stay that were to go.
        saved: u64,
    },
    /// Keep a digest whatever the policy says: a legal hold.
    Keep {
        /// In which project.
        project: ProjectName,
        /// An artifact or a release.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// End a keep.
    Unkeep {
        /// In which project.
        project: ProjectName,
        /// The digest.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// Record what was seen running in a stage. It takes the place of what the same party saw there before.
    Observe {
        /// In which project.
        project: ProjectName,
        /// In which stage.
        stage: StageName,
        /// What runs there; none where nothing does.
        digests: BTreeSet<Digest>,
    },
    /// Claim a digest for a while: until then it does not go, and stays pullable.
    Lease {
        /// In which project.
        project: ProjectName,
        /// What is claimed.
        digest: Digest,
        /// The stage whose tokens may pull it for as long.
        stage: Option<StageName>,
        /// For how long from now on.
        lasts: Span,
        /// Why.
        reason: String,
    },
    /// End the leases that a party has of a digest.
    Unlease {
        /// In which project.
        project: ProjectName,
        /// The digest.
        digest: Digest,
        /// Whose leases; one's own without it.
        party: Option<Party>,
    },
}

impl Command {
    /// Refuses what is larger than any rule would let through, before anything is looked up for it.
    pub fn check_size(&self) -> Result<(), Refusal> {
        match self {
            Self::IssueToken { grants, .. } if grants.len() > GRANTS_MAX => {
                Err(Refusal::LimitReached { what: "a token", limit: format!("{GRANTS_MAX} grants") })
            }
            Self::CreateRelease { contents, .. } if contents.components.len() > COMPONENTS_MAX => {
                Err(Refusal::LimitReached { what: "a release", limit: format!("{COMPONENTS_MAX} components") })
            }
            _ => Ok(()),
        }
    }

    /// The digest of the canonical form: what an idempotency key stands for.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&canonical::to_vec(self))
    }
}
