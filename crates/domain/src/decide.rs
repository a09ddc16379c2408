//! `decide`: what follows from a command.
//!
//! A pure function of the state, the actor, the command and the time. It answers with the events to append, none when nothing would
//! change, or with a [`Refusal`] that names the rule in the way.

mod artifacts;
mod claims;
mod deliveries;
mod project;
mod releases;
mod retention;
mod stages;
#[cfg(test)]
mod tests;
mod tokens;

pub use artifacts::TAGS_MAX;
pub use retention::COLLECTED_MAX;
pub(crate) use tokens::GRANTS_MAX;

use crate::{
    Actor, Command, ENTRY_BYTES_MAX, EVENT_BYTES_MAX, Event, Permission, Project, ProjectName, Refusal, Release,
    ReleaseId, RepositoryName, StageName, State, Timestamp, canonical,
};

/// How long a reason, comment or attribute is at most, in bytes.
pub const TEXT_BYTES_MAX: usize = 2000;

/// Decides `command`. What [`State::needs`] names must be loaded.
pub fn decide(state: &State, actor: &Actor, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let desk = Desk { state, actor, now };
    let events = match command {
        Command::ApplyConfig { config, expect } => desk.apply_config(config, expect.as_ref()),
        Command::IssueToken { token, hash, party, grants, expires } => {
            desk.issue_token(token, hash, party, grants, expires)
        }
        Command::RevokeToken { token, reason } => desk.revoke_token(token, reason),
        Command::PushManifest { .. } => desk.push_manifest(command),
        Command::DeleteManifest { repository, digest } => desk.delete_manifest(repository, digest),
        Command::DeleteTag { repository, tag } => desk.delete_tag(repository, tag),
        Command::RecordEvidence { .. } => desk.record_evidence(command),
        Command::CreateRelease { project, contents, source } => desk.create_release(project, contents, source),
        Command::Promote { project, stage, release, reason } => desk.promote(project, stage, release, reason),
        Command::Approve { project, stage, release, gate, comment } => {
            desk.approve(project, stage, release, gate.as_ref(), comment)
        }
        Command::RollBack { project, stage, from, to, reason } => {
            desk.roll_back(project, stage, from.as_ref(), to, reason)
        }
        Command::Hold { digest, project, reason } => desk.hold(digest, project, reason),
        Command::Unhold { digest, project, reason } => desk.unhold(digest, project, reason),
        Command::Veto { project, stage, release, reason } => desk.veto(project, stage, release, reason),
        Command::Unveto { project, stage, release, reason } => desk.unveto(project, stage, release, reason),
        Command::Steer { project, stage, change, reason } => desk.steer(project, stage, change, reason),
        Command::ReportHealth { project, stage, release, healthy, reason } => {
            desk.report_health(project, stage, release.as_ref(), healthy, reason)
        }
        Command::ReportDelivery { .. } => desk.report_delivery(command),
        Command::PlanRetention { project, plan, as_of, totals } => desk.plan_retention(project, plan, as_of, totals),
        Command::ApplyRetention { project, plan } => desk.apply_retention(project, plan),
        Command::Collect { project, plan, manifests } => desk.collect(&project, &plan, manifests),
        Command::EndRetention { project, plan, collected, saved } => {
            desk.end_retention(project, plan, collected, saved)
        }
        Command::Keep { project, digest, reason } => desk.keep(project, digest, reason),
        Command::Unkeep { project, digest, reason } => desk.unkeep(project, digest, reason),
        Command::Observe { project, stage, digests } => desk.observe(project, stage, digests),
        Command::Lease { project, digest, stage, lasts, reason } => desk.lease(project, digest, stage, lasts, reason),
        Command::Unlease { project, digest, party } => desk.unlease(project, digest, party),
    }?;
    if events.iter().any(|event| canonical::length(event) > EVENT_BYTES_MAX) {
        return Err(Refusal::LimitReached {
            what: "an entry of the ledger",
            limit: format!("{ENTRY_BYTES_MAX} bytes"),
        });
    }
    Ok(events)
}

/// Where commands are decided: what is true, who asks, and when.
struct Desk<'a> {
    state: &'a State,
    actor: &'a Actor,
    now: Timestamp,
}

type Answer = Result<Vec<Event>, Refusal>;

impl<'a> Desk<'a> {
    /// The project, once the actor may do `permission` in it. Who may not read it learns nothing about it, not even whether it is there.
    fn project(
        &self,
        name: &ProjectName,
        permission: Permission,
        stage: Option<&StageName>,
    ) -> Result<&'a Project, Refusal> {
        let known = self.state.project(name);
        let none = crate::CustomRoles::new();
        let custom = known.map_or(&none, |project| &project.config.roles);
        if !self.actor.may(permission, name, stage, custom) {
            return Err(Refusal::PermissionMissing { permission, project: Some(name.clone()), stage: stage.cloned() });
        }
        let project = known.ok_or_else(|| Refusal::ProjectUnknown { project: name.clone() })?;
        match stage {
            Some(stage) if !project.config.stages.contains_key(stage) => Err(Refusal::StageUnknown {
                project: name.clone(),
                stage: stage.clone(),
                known: project.config.stages_in_order().into_iter().cloned().collect(),
            }),
            _ => Ok(project),
        }
    }

    fn release(&self, project: &ProjectName, id: &ReleaseId) -> Result<&'a Release, Refusal> {
        let found = self.state.release(project, id).map(|release| &**release);
        found.ok_or_else(|| Refusal::ReleaseUnknown { project: project.clone(), release: id.clone() })
    }

    /// Whether the actor may do `permission` to `repository`. One that belongs to no project is for those who may do it everywhere.
    fn repository(&self, repository: &RepositoryName, permission: Permission) -> Result<Option<&'a Project>, Refusal> {
        let owner = repository.project();
        let known = owner.as_ref().and_then(|name| self.state.project(name)).map(|project| &**project);
        let none = crate::CustomRoles::new();
        let custom = known.map_or(&none, |project| &project.config.roles);
        let allowed = match &owner {
            Some(name) => self.actor.may(permission, name, None, custom),
            None => self.actor.may_everywhere(permission),
        };
        if allowed { Ok(known) } else { Err(Refusal::PermissionMissing { permission, project: owner, stage: None }) }
    }
}

fn text(what: &'static str, text: &str) -> Result<(), Refusal> {
    if text.len() <= TEXT_BYTES_MAX {
        Ok(())
    } else {
        Err(Refusal::LimitReached { what, limit: format!("{TEXT_BYTES_MAX} bytes") })
    }
}
