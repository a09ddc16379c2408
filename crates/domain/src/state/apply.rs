//! `apply`: what is true once an entry has happened.

use std::sync::Arc;

use super::{Approval, Evidence, Health, Hold, Key, Mark, Presence, Project, Release, State, Tenure, Token, Touched};
use crate::{Contents, Entry, Event, ProjectConfig, ProjectName, ReleaseId, StageName, Steering};

impl State {
    /// Applies the next entry of the ledger.
    pub fn apply(&mut self, entry: &Entry) {
        let index = self.size;
        let mark = |reason: &str| Mark { by: entry.actor.clone(), at: entry.at, reason: reason.into(), index };
        match &entry.event {
            Event::LedgerOpened { origin } => self.system_mut().origin.clone_from(origin),
            Event::ConfigApplied { config } => self.apply_config(config, mark("")),
            Event::TokenIssued { token, hash, party, grants, expires } => {
                let issued = Token {
                    hash: hash.clone(),
                    party: party.clone(),
                    grants: grants.clone(),
                    expires: *expires,
                    issued_by: entry.actor.clone(),
                    revoked: None,
                };
                self.tokens.insert(token.clone(), Some(Arc::new(issued)));
            }
            Event::TokenRevoked { token, reason } => {
                if let Some(Some(known)) = self.tokens.get_mut(token) {
                    Arc::make_mut(known).revoked = Some(mark(reason));
                }
            }
            Event::ManifestPushed { .. }
            | Event::ManifestDeleted { .. }
            | Event::ManifestCollected { .. }
            | Event::EvidenceRecorded { .. } => self.apply_to_subject(entry),
            Event::RetentionPlanned { .. }
            | Event::RetentionApplied { .. }
            | Event::RetentionEnded { .. }
            | Event::Kept { .. }
            | Event::Unkept { .. }
            | Event::Observed { .. }
            | Event::Leased { .. }
            | Event::Unleased { .. } => self.apply_to_retention(entry),
            Event::Delivered { .. } | Event::DeliveryFailed { .. } | Event::Settled { .. } => {
                self.apply_to_deliveries(entry);
            }
            Event::TagDeleted { .. } => {}
            Event::ReleaseCreated { project, release, contents, source } => {
                let created = Release {
                    contents: contents.clone(),
                    source: source.clone(),
                    created: mark(""),
                    stages: std::collections::BTreeMap::new(),
                };
                self.releases.insert((project.clone(), release.clone()), Some(Arc::new(created)));
                for digest in contents.digests() {
                    let subject = self.subject_mut(project, digest);
                    subject.in_release = true;
                    subject.touched = Some(Touched { index, at: entry.at });
                }
            }
            Event::Promoted { project, stage, release, replaces, contents, reason, .. } => {
                self.enter(project, stage, (release, contents), mark(reason), replaces.as_ref(), false);
            }
            Event::RolledBack { project, stage, release, from, contents, reason } => {
                self.enter(project, stage, (release, contents), mark(reason), Some(from), true);
            }
            Event::Held { .. } | Event::Unheld { .. } => self.apply_to_holds(entry),
            Event::Approved { .. } | Event::Vetoed { .. } | Event::Unvetoed { .. } => self.apply_to_release(entry),
            Event::Steered { project, stage, change, reason } => self.steer(project, stage, *change, mark(reason)),
            Event::HealthReported { project, stage, release, healthy, reason } => {
                self.report_health(project, stage, release, *healthy, mark(reason));
            }
        }
        self.changed.extend(Key::of_event(&entry.event));
        self.size += 1;
        self.time = entry.at;
    }

    fn apply_config(&mut self, config: &ProjectConfig, applied: Mark) {
        let mut stages = self.project(&config.project).map(|before| before.stages.clone()).unwrap_or_default();
        // A stage that is taken out is forgotten: should it come back, it comes back empty.
        let gone = stages.extract_if(.., |stage, _| !config.stages.contains_key(stage));
        let mut changed: Vec<_> = gone.map(|(stage, _)| Key::Stage(config.project.clone(), stage)).collect();
        // What a target has that is another one by now is not known.
        let unlearnt = self.project(&config.project).map(|before| before.unlearnt(config).collect::<Vec<_>>());
        for (stage, targets) in unlearnt.into_iter().flatten() {
            if let Some(there) = stages.get_mut(stage) {
                Arc::make_mut(there).deliveries.retain(|target, _| !targets.contains(target));
                changed.push(Key::Stage(config.project.clone(), stage.clone()));
            }
        }
        // A stage that is new has no row: it counts as loaded, so that no row from before it was taken out is loaded for it.
        for stage in config.stages.keys() {
            stages.entry(stage.clone()).or_default();
        }
        let project = Project { config: Arc::new(config.clone()), applied, stages };
        self.projects.insert(config.project.clone(), Some(Arc::new(project)));
        self.system_mut().projects.insert(config.project.clone());
        self.changed.extend(changed);
    }

    fn apply_to_holds(&mut self, entry: &Entry) {
        let mark =
            |reason: &str| Mark { by: entry.actor.clone(), at: entry.at, reason: reason.into(), index: self.size };
        match &entry.event {
            Event::Held { digest, project, reason } => {
                let hold = Hold { project: project.clone(), mark: mark(reason) };
                self.system_mut().holds.entry(digest.clone()).or_default().push(hold);
            }
            Event::Unheld { digest, project, .. } => {
                let holds = &mut self.system_mut().holds;
                if let Some(on_digest) = holds.get_mut(digest) {
                    on_digest.retain(|hold| hold.project != *project);
                    if on_digest.is_empty() {
                        holds.remove(digest);
                    }
                }
            }
            _ => {}
        }
    }

    fn apply_to_subject(&mut self, entry: &Entry) {
        match &entry.event {
            Event::ManifestPushed { repository, digest, .. } => {
                if let Some(project) = repository.project() {
                    let touched = Touched { index: self.size, at: entry.at };
                    let subject = self.subject_mut(&project, digest);
                    subject.repositories.insert(repository.clone());
                    subject.touched = Some(touched);
                }
            }
            Event::ManifestDeleted { repository, digest } | Event::ManifestCollected { repository, digest, .. } => {
                if let Some(project) = repository.project() {
                    self.subject_mut(&project, digest).repositories.remove(repository);
                }
            }
            Event::EvidenceRecorded { project, subject, kind, name, result, document, statement, .. } => {
                let evidence = Evidence {
                    index: self.size,
                    at: entry.at,
                    by: entry.actor.clone(),
                    kind: kind.clone(),
                    name: name.clone(),
                    result: *result,
                    document: document.clone(),
                    statement: statement.clone(),
                };
                self.subject_mut(project, subject).record(evidence);
            }
            _ => {}
        }
    }

    fn apply_to_release(&mut self, entry: &Entry) {
        let index = self.size;
        let mark = |reason: &str| Mark { by: entry.actor.clone(), at: entry.at, reason: reason.into(), index };
        match &entry.event {
            Event::Approved { project, stage, release, gate, roles, .. } => {
                let approval =
                    Approval { by: entry.actor.clone(), at: entry.at, index, gate: gate.clone(), roles: roles.clone() };
                self.in_stage(project, stage, release, |there| {
                    there.approvals.retain(|one| one.by != approval.by);
                    there.approvals.push(approval);
                });
            }
            Event::Vetoed { project, stage, release, reason } => {
                self.in_stage(project, stage, release, |there| there.veto = Some(mark(reason)));
            }
            Event::Unvetoed { project, stage, release, .. } => {
                self.in_stage(project, stage, release, |there| there.veto = None);
            }
            _ => {}
        }
    }

    fn enter(
        &mut self,
        project: &ProjectName,
        stage: &StageName,
        (release, contents): (&ReleaseId, &Contents),
        mark: Mark,
        replaces: Option<&ReleaseId>,
        rolled_back: bool,
    ) {
        let at = mark.at;
        if let Some(replaced) = replaces {
            self.in_stage(project, stage, replaced, |there| {
                there.presence.iter_mut().for_each(|presence| presence.end(at, rolled_back));
                if rolled_back {
                    // Those who said yes did not know what the rollback shows.
                    there.approvals.clear();
                }
            });
        }
        let unsettled = self.project(project).is_some_and(|known| !known.config.targets(stage).is_empty());
        self.in_stage(project, stage, release, |there| {
            there.presence = Some(Presence::begin(at, mark.index, unsettled, there.presence.as_ref()));
        });
        self.stage_mut(project, stage, |there| {
            there.begin(Tenure { release: release.clone(), contents: contents.clone(), mark, unsettled });
        });
    }

    fn steer(&mut self, project: &ProjectName, stage: &StageName, change: Steering, mark: Mark) {
        self.stage_mut(project, stage, |there| match change {
            Steering::Pinned => there.pinned = Some(mark),
            Steering::Unpinned => there.pinned = None,
            Steering::Paused => there.paused = Some(mark),
            Steering::Resumed => there.paused = None,
        });
    }

    fn report_health(
        &mut self,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        healthy: bool,
        mark: Mark,
    ) {
        let at = mark.at;
        self.in_stage(project, stage, release, |there| {
            there.presence.iter_mut().for_each(|presence| presence.report(at, healthy));
        });
        self.stage_mut(project, stage, |there| {
            let since =
                there.health.as_ref().filter(|before| before.healthy == healthy).map_or(at, |before| before.since);
            there.health = Some(Health { healthy, since, mark });
        });
    }

    fn system_mut(&mut self) -> &mut super::System {
        Arc::make_mut(&mut self.system)
    }

    fn subject_mut(&mut self, project: &ProjectName, digest: &crate::Digest) -> &mut super::Subject {
        let slot = self.subjects.entry((project.clone(), digest.clone())).or_default();
        Arc::make_mut(slot.get_or_insert_default())
    }

    pub(super) fn stage_mut(
        &mut self,
        project: &ProjectName,
        stage: &StageName,
        change: impl FnOnce(&mut super::StageState),
    ) {
        if let Some(Some(known)) = self.projects.get_mut(project) {
            change(Arc::make_mut(Arc::make_mut(known).stages.entry(stage.clone()).or_default()));
        }
    }

    pub(super) fn in_stage(
        &mut self,
        project: &ProjectName,
        stage: &StageName,
        release: &ReleaseId,
        change: impl FnOnce(&mut super::InStage),
    ) {
        if let Some(Some(known)) = self.releases.get_mut(&(project.clone(), release.clone())) {
            change(Arc::make_mut(known).stages.entry(stage.clone()).or_default());
        }
    }
}
