//! What to do about a refusal.

use super::Refusal;

impl Refusal {
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
            Self::NothingEarlier { .. } | Self::NeverCurrent { .. } | Self::NeverSettled { .. } => {
                "`selfsame history` lists what the stage has had".into()
            }
            Self::ApproverNotPerson => "log in with a token that was issued for a person (`person:NAME`)".into(),
            Self::GateChanged { .. } => "look at `selfsame gate check` again, and approve what you see then".into(),
            Self::StageTag { .. } => "push under another tag and promote the release; the stage's tag follows".into(),
            Self::ArtifactInUse { .. } => {
                "nothing that a release names is deleted by hand; retention decides when it goes".into()
            }
            Self::IndexNames { index, .. } => format!("delete the index `{index}` first, or leave both"),
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
            _ => self.hint_of_others(),
        }
    }

    fn hint_of_others(&self) -> String {
        match self {
            Self::StatementUntrusted { .. } => {
                "sign a statement about this digest with a key that stands under `trust` in the project's file".into()
            }
            Self::ArtifactGone { digest, .. } => format!(
                "push it again, or put it back with `selfsame retention restore {digest}` while it is in the trash"
            ),
            Self::Kept { digest, .. } => format!("`selfsame retention unkeep {digest} --reason ...` ends the keep"),
            Self::Running { .. } => {
                "once it is replaced there, whoever reports what runs says so; `selfsame retention status` shows who"
                    .into()
            }
            Self::Leased { digest, by, .. } => {
                format!("wait until it ends; `selfsame unlease {digest} --party {by}` ends it before its time")
            }
            Self::NotLeased { .. } => "`selfsame retention status` lists the leases".into(),
            Self::NotKept { .. } => "`selfsame retention status` lists what is kept".into(),
            Self::RetentionUnset { .. } => "write `retention:` into the project's file and `selfsame apply` it".into(),
            Self::RetentionRunning { .. } => "wait for it; `selfsame retention status` says how far it is".into(),
            Self::RetentionPlanStale { .. } => "make a new plan with `selfsame retention plan`".into(),
            Self::PartMissing { .. } => "push that first, and then the manifest again".into(),
            Self::NotInTrash { .. } => {
                "what the trash has lost has to be pushed again; `selfsame retention status` says how long it keeps"
                    .into()
            }
            _ => String::new(),
        }
    }
}
