//! Artifacts, tags, evidence and holds.

use super::{Answer, Desk, text};
use crate::{
    Command, Digest, Event, Permission, Project, ProjectName, Refusal, RepositoryName, Statement, TagName,
    state::STATEMENTS_MAX,
    trust::{CLAIM_BYTES_MAX, CLAIMS_MAX, SIGNERS_MAX},
};

/// How many tags one push sets at most.
pub const TAGS_MAX: usize = 50;
/// The largest size of a manifest that canonical JSON can spell: its numbers are exact up to 2^53 - 1.
const SIZE_MAX: u64 = (1 << 53) - 1;
/// How many attributes a piece of evidence has at most.
const ATTRIBUTES_MAX: usize = 32;
/// How many holds of one project are in force at most. They are one row, which every pull and promotion looks at.
const HOLDS_MAX: usize = 1000;
/// How many holds that are of no project are in force at most.
const HOLDS_EVERYWHERE_MAX: usize = 5000;
/// How many repositories of one project hold the same digest at most.
const REPOSITORIES_MAX: usize = 100;

impl Desk<'_> {
    pub(super) fn push_manifest(&self, command: Command) -> Answer {
        let Command::PushManifest { repository, digest, media_type, size, subject, tags } = command else {
            return Ok(Vec::new());
        };
        let project = self.repository(&repository, Permission::Push)?;
        text("a media type", &media_type)?;
        if size > SIZE_MAX {
            return Err(Refusal::LimitReached { what: "a manifest", limit: format!("{SIZE_MAX} bytes") });
        }
        if tags.len() > TAGS_MAX {
            return Err(Refusal::LimitReached { what: "one push", limit: format!("{TAGS_MAX} tags") });
        }
        for tag in &tags {
            refuse_stage_tag(project, &repository, tag)?;
        }
        let known = repository.project().and_then(|owner| self.state.subject(&owner, &digest));
        if known.is_some_and(|known| {
            known.repositories.len() >= REPOSITORIES_MAX && !known.repositories.contains(&repository)
        }) {
            let limit = format!("{REPOSITORIES_MAX} repositories of one project that hold it");
            return Err(Refusal::LimitReached { what: "an artifact", limit });
        }
        Ok(vec![Event::ManifestPushed { repository, digest, media_type, size, subject, tags }])
    }

    pub(super) fn delete_manifest(&self, repository: RepositoryName, digest: Digest) -> Answer {
        self.repository(&repository, Permission::Push)?;
        // First of all: what is needed is refused before more is looked up.
        self.refuse_needed(&repository, &digest)?;
        let Some(placed) = self.state.placed(&repository, &digest).filter(|placed| placed.there) else {
            return Ok(Vec::new());
        };
        if let Some(owner) = repository.project() {
            // Without a manifest that names it, what is claimed could not be pulled.
            placed.parts.iter().try_for_each(|part| self.state.refuse_claimed(&owner, part, self.now))?;
        }
        match placed.containers.first() {
            Some(index) => Err(Refusal::IndexNames { digest, index: index.clone() }),
            None => Ok(vec![Event::ManifestDeleted { repository, digest }]),
        }
    }

    pub(super) fn delete_tag(&self, repository: RepositoryName, tag: TagName) -> Answer {
        let project = self.repository(&repository, Permission::Push)?;
        refuse_stage_tag(project, &repository, &tag)?;
        if let Some(subject) = self.state.tagged(&repository, &tag) {
            self.refuse_needed(&repository, subject)?;
        }
        Ok(vec![Event::TagDeleted { repository, tag }])
    }

    /// Refuses to part with a manifest that something needs: it, what consists of it, or what it is attached to.
    fn refuse_needed(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Refusal> {
        let Some(project) = repository.project() else { return Ok(()) };
        let above = self.state.above(repository, digest);
        for node in &above.nodes {
            self.state.refuse_needed(&project, node, self.now).map_err(|refusal| match refusal {
                Refusal::ArtifactInUse { .. } => Refusal::ArtifactInUse { digest: digest.clone() },
                other => other,
            })?;
        }
        if above.cut { Err(Refusal::ArtifactInUse { digest: digest.clone() }) } else { Ok(()) }
    }

    pub(super) fn record_evidence(&self, command: Command) -> Answer {
        let Command::RecordEvidence { project, subject, kind, name, result, attributes, document, statement } = command
        else {
            return Ok(Vec::new());
        };
        // Whose signature it has is what counts of a statement, and not who brings it.
        let known = match self.project(&project, Permission::Attest, None) {
            Err(Refusal::PermissionMissing { .. }) if statement.is_some() => {
                self.project(&project, Permission::Push, None)?
            }
            other => other?,
        };
        let mut statement = statement;
        if let Some(signed) = &mut statement {
            check_statement(signed)?;
            if !known.config.trust.believes(signed, self.now) {
                let problem = format!("the project trusts none of its signers with `{}` now", signed.predicate);
                return Err(Refusal::StatementUntrusted { problem });
            }
            if let Some(about) = self.state.subject(&project, &subject) {
                signed.signers = about.new_signers(signed);
                if signed.signers.is_empty() {
                    return Ok(Vec::new());
                }
                if about.said.len() >= STATEMENTS_MAX && !about.said.contains_key(&signed.digest) {
                    let limit = format!("{STATEMENTS_MAX} signed statements about it");
                    return Err(Refusal::LimitReached { what: "a digest", limit });
                }
            }
        }
        if attributes.len() > ATTRIBUTES_MAX {
            return Err(Refusal::LimitReached {
                what: "a piece of evidence",
                limit: format!("{ATTRIBUTES_MAX} attributes"),
            });
        }
        if attributes.iter().any(|(key, value)| key.len() + value.len() > TEXT_PAIR_MAX) {
            return Err(Refusal::LimitReached { what: "an attribute", limit: format!("{TEXT_PAIR_MAX} bytes") });
        }
        let known = self.state.subject(&project, &subject);
        if known.is_some_and(|known| known.is_full_for(&kind, name.as_ref(), &self.actor.party, statement.as_ref())) {
            let limit = format!("{} groups of evidence (kind, name, who)", crate::state::GROUPS_MAX);
            return Err(Refusal::LimitReached { what: "a digest", limit });
        }
        Ok(vec![Event::EvidenceRecorded { project, subject, kind, name, result, attributes, document, statement }])
    }

    pub(super) fn hold(&self, digest: Digest, project: Option<ProjectName>, reason: String) -> Answer {
        self.may_hold(project.as_ref())?;
        text("a reason", &reason)?;
        if self.holds(&digest, project.as_ref()) {
            return Ok(Vec::new());
        }
        let in_force = self.state.system().holds.values().flatten().filter(|hold| hold.project == project).count();
        let (what, most) =
            if project.is_some() { ("a project", HOLDS_MAX) } else { ("the ledger", HOLDS_EVERYWHERE_MAX) };
        if in_force >= most {
            return Err(Refusal::LimitReached { what, limit: format!("{most} holds in force") });
        }
        Ok(vec![Event::Held { digest, project, reason }])
    }

    pub(super) fn unhold(&self, digest: Digest, project: Option<ProjectName>, reason: String) -> Answer {
        self.may_hold(project.as_ref())?;
        text("a reason", &reason)?;
        if !self.holds(&digest, project.as_ref()) {
            return Err(Refusal::NotHeld { digest, project });
        }
        Ok(vec![Event::Unheld { digest, project, reason }])
    }

    fn may_hold(&self, project: Option<&ProjectName>) -> Result<(), Refusal> {
        match project {
            Some(name) => self.project(name, Permission::Hold, None).map(drop),
            None if self.actor.may_everywhere(Permission::Hold) => Ok(()),
            None => Err(Refusal::PermissionMissing { permission: Permission::Hold, project: None, stage: None }),
        }
    }

    fn holds(&self, digest: &Digest, project: Option<&ProjectName>) -> bool {
        let holds = self.state.system().holds.get(digest);
        holds.is_some_and(|holds| holds.iter().any(|hold| hold.project.as_ref() == project))
    }
}

/// What a statement keeps is kept in the row of what it is about, for every signer.
fn check_statement(statement: &Statement) -> Result<(), Refusal> {
    let limit = |what, limit| Err(Refusal::LimitReached { what, limit });
    if statement.signers.len() > SIGNERS_MAX {
        return limit("a statement", format!("{SIGNERS_MAX} signers"));
    }
    if statement.claims.len() > CLAIMS_MAX {
        return limit("a statement", format!("{CLAIMS_MAX} claims"));
    }
    if statement.claims.iter().any(|(claim, value)| claim.len() + value.len() > CLAIM_BYTES_MAX) {
        return limit("a claim", format!("{CLAIM_BYTES_MAX} bytes"));
    }
    Ok(())
}

/// How long an attribute's key and value are together at most, in bytes: 32 of them fit into an entry.
const TEXT_PAIR_MAX: usize = 1500;

fn refuse_stage_tag(project: Option<&Project>, repository: &RepositoryName, tag: &TagName) -> Result<(), Refusal> {
    let is_stage =
        project.is_some_and(|project| project.config.stages.keys().any(|stage| stage.as_str() == tag.as_str()));
    if is_stage { Err(Refusal::StageTag { repository: repository.clone(), tag: tag.clone() }) } else { Ok(()) }
}
