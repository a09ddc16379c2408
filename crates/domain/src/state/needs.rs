//! Which aggregates a command or an event is about.

use super::{Key, State};
use crate::{Command, Digest, Event, Grant, ProjectName, ReleaseId, RepositoryName, Scope, StageName, TagName};

impl Key {
    /// The aggregates that applying `event` changes. What must be loaded for it, [`State::needs_for_event`] says.
    pub fn of_event(event: &Event) -> Vec<Self> {
        let release = |project: &ProjectName, release: &ReleaseId| Self::Release(project.clone(), release.clone());
        match event {
            Event::LedgerOpened { .. } | Event::Held { .. } | Event::Unheld { .. } => vec![Self::System],
            Event::ConfigApplied { config } => vec![Self::System, Self::Project(config.project.clone())],
            Event::TokenIssued { token, .. } | Event::TokenRevoked { token, .. } => vec![Self::Token(token.clone())],
            Event::ManifestPushed { repository, digest, .. }
            | Event::ManifestDeleted { repository, digest }
            | Event::ManifestCollected { repository, digest, .. } => {
                repository.project().map(|project| Self::Subject(project, digest.clone())).into_iter().collect()
            }
            Event::TagDeleted { .. } => Vec::new(),
            Event::EvidenceRecorded { project, subject, .. } => vec![Self::Subject(project.clone(), subject.clone())],
            Event::ReleaseCreated { project, release: id, contents, .. } => {
                let subjects = contents.digests().map(|digest| Self::Subject(project.clone(), digest.clone()));
                std::iter::once(release(project, id)).chain(subjects).collect()
            }
            Event::Promoted { project, stage, release: id, replaces, .. } => {
                let mut keys = vec![Self::Stage(project.clone(), stage.clone()), release(project, id)];
                keys.extend(replaces.iter().map(|replaced| release(project, replaced)));
                keys
            }
            Event::RolledBack { project, stage, release: id, from, .. } => {
                vec![Self::Stage(project.clone(), stage.clone()), release(project, id), release(project, from)]
            }
            Event::Approved { project, release: id, .. }
            | Event::Vetoed { project, release: id, .. }
            | Event::Unvetoed { project, release: id, .. } => vec![release(project, id)],
            Event::Steered { project, stage, .. }
            | Event::Delivered { project, stage, .. }
            | Event::DeliveryFailed { project, stage, .. } => vec![Self::Stage(project.clone(), stage.clone())],
            Event::HealthReported { project, stage, release: id, .. }
            | Event::Settled { project, stage, release: id } => {
                vec![Self::Stage(project.clone(), stage.clone()), release(project, id)]
            }
            Event::RetentionPlanned { project, .. }
            | Event::RetentionApplied { project, .. }
            | Event::RetentionEnded { project, .. }
            | Event::Kept { project, .. }
            | Event::Unkept { project, .. }
            | Event::Observed { project, .. }
            | Event::Leased { project, .. }
            | Event::Unleased { project, .. } => vec![Self::Retention(project.clone())],
        }
    }
}

impl State {
    /// The aggregates that must be loaded before `command` can be decided and are not. Ask again after loading them, until none is left:
    /// what is needed next depends on what was loaded.
    pub fn needs(&self, command: &Command) -> Vec<Key> {
        let mut keys = Vec::new();
        match command {
            Command::ApplyConfig { config, .. } => keys.extend(self.applying(config)),
            Command::IssueToken { token, grants, .. } => {
                keys.push(Key::Token(token.clone()));
                keys.extend(grants.iter().filter_map(project_of_grant));
            }
            Command::RevokeToken { token, .. } => {
                keys.push(Key::Token(token.clone()));
                keys.extend(
                    self.token(token).iter().flat_map(|known| known.grants.iter().filter_map(project_of_grant)),
                );
            }
            Command::PushManifest { repository, digest, .. } => {
                let subject = repository.project().map(|project| Key::Subject(project, digest.clone()));
                keys.extend(subject.into_iter().chain(project_of(repository)));
            }
            Command::DeleteManifest { repository, digest } => keys.extend(self.deleting(repository, digest)),
            Command::DeleteTag { repository, tag } => keys.extend(self.untagging(repository, tag)),
            Command::RecordEvidence { project, subject, .. } => {
                keys.push(Key::Project(project.clone()));
                keys.push(Key::Subject(project.clone(), subject.clone()));
            }
            Command::CreateRelease { project, contents, .. } => {
                keys.push(Key::Project(project.clone()));
                let id = contents.id();
                // Also what its own gate will read, so that it can be promoted in the batch that creates it.
                let subjects = contents.digests().chain([id.digest()]);
                keys.extend(subjects.map(|digest| Key::Subject(project.clone(), digest.clone())));
                keys.push(Key::Release(project.clone(), id));
                keys.extend(self.artifact_keys(project, contents));
            }
            Command::Promote { project, stage, release, .. } => {
                keys.extend(self.asked_keys(project, stage));
                keys.extend(self.judged_keys(project, release));
                keys.extend(self.current_of(project, stage));
            }
            Command::Approve { project, release, .. }
            | Command::Veto { project, release, .. }
            | Command::Unveto { project, release, .. } => {
                keys.push(Key::Project(project.clone()));
                keys.push(Key::Release(project.clone(), release.clone()));
            }
            Command::RollBack { project, stage, to, .. } => keys.extend(self.going_back(project, stage, to.as_ref())),
            Command::Hold { project, .. } | Command::Unhold { project, .. } => {
                keys.extend(project.clone().map(Key::Project))
            }
            Command::Steer { project, .. } => keys.push(Key::Project(project.clone())),
            Command::ReportHealth { project, stage, .. } | Command::ReportDelivery { project, stage, .. } => {
                keys.push(Key::Project(project.clone()));
                keys.extend(self.current_of(project, stage));
            }
            Command::PlanRetention { project, .. }
            | Command::ApplyRetention { project, .. }
            | Command::EndRetention { project, .. }
            | Command::Keep { project, .. }
            | Command::Unkeep { project, .. }
            | Command::Observe { project, .. }
            | Command::Lease { project, .. }
            | Command::Unlease { project, .. } => {
                keys.extend([Key::Project(project.clone()), Key::Retention(project.clone())]);
            }
            Command::Collect { project, manifests, .. } => keys.extend(self.collecting(project, manifests)),
        }
        self.missing(keys)
    }

    fn applying(&self, config: &crate::ProjectConfig) -> Vec<Key> {
        let name = &config.project;
        let mut keys = vec![Key::Project(name.clone())];
        let known = self.project(name);
        let moving = known.iter().flat_map(|project| project.moving(config));
        keys.extend(moving.map(|(.., digest)| Key::Subject(name.clone(), digest.clone())));
        // A target that is left out may have been the last that a release was not settled for.
        let stages = known.iter().flat_map(|project| project.stages.values());
        let unsettled = stages.filter_map(|there| there.current.as_ref()).filter(|current| current.unsettled);
        keys.extend(unsettled.map(|current| Key::Release(name.clone(), current.release.clone())));
        keys
    }

    fn going_back(&self, project: &ProjectName, stage: &StageName, to: Option<&ReleaseId>) -> Vec<Key> {
        let mut keys = vec![Key::Project(project.clone())];
        keys.extend(to.into_iter().map(|to| Key::Release(project.clone(), to.clone())));
        keys.extend(self.subjects_of(project, to));
        keys.extend(self.current_of(project, stage));
        let recent =
            self.project(project).into_iter().flat_map(|known| known.stage(stage).recent().collect::<Vec<_>>());
        let recent: Vec<_> = recent.map(|tenure| &tenure.release).chain(to).collect();
        let judged = recent.iter().map(|id| self.release(project, id).map(|release| &**release));
        keys.extend(judged.flat_map(|release| self.artifacts_to_judge(project, release)));
        keys.extend(recent.iter().flat_map(|id| self.subjects_of(project, Some(id))));
        keys.extend(recent.into_iter().map(|id| Key::Release(project.clone(), id.clone())));
        keys
    }

    /// What can stand in the way of deleting a tag.
    fn untagging(&self, repository: &RepositoryName, tag: &TagName) -> Vec<Key> {
        let mut keys: Vec<_> = project_of(repository).into_iter().collect();
        if tag.about().is_some() {
            keys.push(Key::Tag(repository.clone(), tag.clone()));
            keys.extend(self.tagged(repository, tag).iter().flat_map(|about| self.deleting(repository, about)));
        }
        keys
    }

    /// What can stand in the way of deleting a manifest.
    fn deleting(&self, repository: &RepositoryName, digest: &Digest) -> Vec<Key> {
        let Some(project) = repository.project() else {
            return vec![Key::Manifest(repository.clone(), digest.clone())];
        };
        let mut keys = vec![Key::Project(project.clone()), Key::Retention(project.clone())];
        let above = self.above(repository, digest);
        // What is in a release stays so, so nothing more has to be known. All else may end before the command is decided.
        let in_release = |node: &Digest| self.subject(&project, node).is_some_and(|known| known.in_release);
        if above.nodes.iter().any(in_release) {
            return keys;
        }
        for node in above.nodes {
            keys.push(Key::Subject(project.clone(), node.clone()));
            keys.push(Key::Manifest(repository.clone(), node));
        }
        keys
    }

    /// What can save manifests from being collected.
    fn collecting(&self, project: &ProjectName, manifests: &[(RepositoryName, Digest)]) -> Vec<Key> {
        let mut keys = vec![Key::Project(project.clone()), Key::Retention(project.clone())];
        for (repository, digest) in manifests.iter().take(crate::COLLECTED_MAX) {
            keys.push(Key::Subject(project.clone(), digest.clone()));
            keys.push(Key::Manifest(repository.clone(), digest.clone()));
        }
        keys.extend(self.held_or_kept(project).map(|id| Key::Release(project.clone(), id)));
        keys
    }

    /// What is known of the artifacts of a release.
    fn subjects_of(&self, project: &ProjectName, release: Option<&ReleaseId>) -> Vec<Key> {
        let known = release.and_then(|id| self.release(project, id));
        let digests = known.into_iter().flat_map(|release| release.contents.components.values());
        digests.map(|digest| Key::Subject(project.clone(), digest.clone())).collect()
    }

    /// The aggregates that must be loaded before `event` can be applied and are not; ask again after loading, until none is left.
    pub fn needs_for_event(&self, event: &Event) -> Vec<Key> {
        let changed = Key::of_event(event);
        let in_stage = |key: &Key| matches!(key, Key::Stage(..));
        let project = if changed.iter().any(in_stage) { event.project().map(Key::Project) } else { None };
        if project.as_ref().is_some_and(|project| !self.has_loaded(project)) {
            return self.missing(changed.into_iter().filter(|key| !in_stage(key)).chain(project));
        }
        self.missing(changed)
    }

    /// Of `keys`, those that are not loaded, where a project stands for itself and all its stages.
    pub fn missing(&self, keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
        let mut missing = Vec::new();
        for key in keys {
            // What names there are is known, so nothing is loaded for a name that somebody made up.
            if let Key::Project(name) = &key
                && !self.system.projects.contains(name)
            {
                continue;
            }
            if let Key::Project(name) = &key
                && let Some(project) = self.project(name)
            {
                let stages = project.config.stages.keys().map(|stage| Key::Stage(name.clone(), stage.clone()));
                missing.extend(stages.filter(|stage| !self.has_loaded(stage)));
            } else if !self.has_loaded(&key) {
                missing.push(key);
            }
        }
        missing
    }

    /// The aggregates that evaluating a gate for `release` reads and that are not loaded; ask again after loading, until none is left.
    pub fn gate_needs(&self, project: &ProjectName, release: &ReleaseId) -> Vec<Key> {
        self.missing(self.gate_keys(project, release))
    }

    fn gate_keys(&self, project: &ProjectName, id: &ReleaseId) -> Vec<Key> {
        let mut keys = self.judged_keys(project, id);
        keys.push(Key::Project(project.clone()));
        keys
    }

    /// Of a project and its stages, what the gate of one of them looks at. The others may be many, and what replicas have just changed is read again.
    fn asked_keys(&self, name: &ProjectName, stage: &StageName) -> Vec<Key> {
        let Some(project) = self.project(name) else { return vec![Key::Project(name.clone())] };
        let Some((stage, configured)) = project.config.stages.get_key_value(stage) else { return Vec::new() };
        let upstream = configured.upstream();
        upstream.stages().chain([stage]).map(|stage| Key::Stage(name.clone(), stage.clone())).collect()
    }

    fn judged_keys(&self, project: &ProjectName, id: &ReleaseId) -> Vec<Key> {
        let mut keys = vec![Key::Release(project.clone(), id.clone())];
        if let Some(release) = self.release(project, id) {
            let subjects = release.contents.digests().chain([id.digest()]);
            keys.extend(subjects.map(|digest| Key::Subject(project.clone(), digest.clone())));
            keys.extend(self.artifacts_to_judge(project, Some(&**release)));
        }
        keys
    }

    fn current_of(&self, project: &ProjectName, stage: &StageName) -> Option<Key> {
        let current = self.project(project)?.stage(stage).current.as_ref()?;
        Some(Key::Release(project.clone(), current.release.clone()))
    }
}

fn project_of(repository: &RepositoryName) -> Option<Key> {
    repository.project().map(Key::Project)
}

/// The project whose own roles decide what a grant is worth.
fn project_of_grant(grant: &Grant) -> Option<Key> {
    match &grant.project {
        Scope::All => None,
        Scope::Project(project) => Some(Key::Project(project.clone())),
    }
}
