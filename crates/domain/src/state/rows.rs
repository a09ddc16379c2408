//! Aggregates as rows of storage: their keys as text, their values as JSON, with members in the order in which the types declare them: the
//! same state has the same row.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{Key, StageState, State};
use crate::{Project, ProjectName};

/// Why a text is no [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key of an aggregate")]
pub struct InvalidKey(String);

/// Why a row could not be loaded: it was damaged, or written by a newer version. `selfsame rebuild` makes all rows anew.
#[derive(Debug, thiserror::Error)]
#[error("the row `{key}` of the state cannot be read: {source}")]
pub struct InvalidRow {
    key: String,
    source: serde_json::Error,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Project(project) => write!(f, "project/{project}"),
            Self::Stage(project, stage) => write!(f, "stage/{project}/{stage}"),
            Self::Release(project, release) => write!(f, "release/{project}/{release}"),
            Self::Subject(project, digest) => write!(f, "subject/{project}/{digest}"),
            Self::Token(token) => write!(f, "token/{token}"),
            Self::Artifact(repository, digest) => write!(f, "artifact/{repository}@{digest}"),
            Self::Retention(project) => write!(f, "retention/{project}"),
            Self::Manifest(repository, digest) => write!(f, "manifest/{repository}@{digest}"),
            Self::Tag(repository, tag) => write!(f, "tag/{repository}:{tag}"),
        }
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let key = match parts[..] {
            ["system"] => Some(Self::System),
            ["project", project] => project.parse().ok().map(Self::Project),
            ["stage", project, stage] => project.parse().ok().zip(stage.parse().ok()).map(|(p, s)| Self::Stage(p, s)),
            ["release", project, id] => project.parse().ok().zip(id.parse().ok()).map(|(p, id)| Self::Release(p, id)),
            ["subject", project, digest] => {
                project.parse().ok().zip(digest.parse().ok()).map(|(p, d)| Self::Subject(p, d))
            }
            ["retention", project] => project.parse().ok().map(Self::Retention),
            ["token", token] => token.parse().ok().map(Self::Token),
            _ => None,
        };
        key.ok_or_else(|| InvalidKey(text.chars().take(200).collect()))
    }
}

impl State {
    /// Whether `key` is loaded, be it as absent.
    pub fn has_loaded(&self, key: &Key) -> bool {
        match key {
            Key::System => true,
            Key::Project(project) => self.projects.contains_key(project),
            Key::Stage(project, stage) => match self.projects.get(project) {
                Some(Some(known)) => known.stages.contains_key(stage),
                Some(None) => true,
                None => false,
            },
            Key::Release(project, id) => self.releases.contains_key(&(project.clone(), id.clone())),
            Key::Subject(project, digest) => self.subjects.contains_key(&(project.clone(), digest.clone())),
            Key::Token(token) => self.tokens.contains_key(token),
            Key::Artifact(repository, digest) => self.artifacts.contains_key(&(repository.clone(), digest.clone())),
            Key::Retention(project) => self.retentions.contains_key(project),
            Key::Manifest(repository, digest) => self.placed.contains_key(&(repository.clone(), digest.clone())),
            Key::Tag(repository, tag) => self.tags.contains_key(&(repository.clone(), tag.clone())),
        }
    }

    /// Loads the row of `key` as storage has it, `None` for absent. What is loaded already stays as it is.
    pub fn load(&mut self, key: &Key, row: Option<&[u8]>) -> Result<(), InvalidRow> {
        fn parse<T: DeserializeOwned>(key: &Key, row: Option<&[u8]>) -> Result<Option<Arc<T>>, InvalidRow> {
            let parse = |bytes| serde_json::from_slice(bytes).map(Arc::new);
            row.map(parse).transpose().map_err(|source| InvalidRow { key: key.to_string(), source })
        }
        if *key == Key::System {
            self.system = parse(key, row)?.unwrap_or_default();
            return Ok(());
        }
        if self.has_loaded(key) {
            return Ok(());
        }
        match key {
            Key::System => {}
            Key::Project(project) => drop(self.projects.insert(project.clone(), parse(key, row)?)),
            Key::Stage(project, stage) => {
                if let Some(Some(known)) = self.projects.get_mut(project) {
                    Arc::make_mut(known).stages.insert(stage.clone(), parse(key, row)?.unwrap_or_default());
                }
            }
            Key::Release(project, id) => drop(self.releases.insert((project.clone(), id.clone()), parse(key, row)?)),
            Key::Subject(project, digest) => {
                drop(self.subjects.insert((project.clone(), digest.clone()), parse(key, row)?))
            }
            Key::Token(token) => drop(self.tokens.insert(token.clone(), parse(key, row)?)),
            Key::Artifact(repository, digest) => {
                let artifact = parse(key, row)?.unwrap_or_default();
                self.artifacts.insert((repository.clone(), digest.clone()), artifact);
            }
            Key::Retention(project) => drop(self.retentions.insert(project.clone(), parse(key, row)?)),
            Key::Manifest(repository, digest) => {
                let placed = parse(key, row)?.unwrap_or_default();
                self.placed.insert((repository.clone(), digest.clone()), placed);
            }
            Key::Tag(repository, tag) => {
                self.tags.insert((repository.clone(), tag.clone()), parse(key, row)?.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// The row of `key` as storage should have it; `None` if the aggregate does not exist.
    pub fn row(&self, key: &Key) -> Option<Vec<u8>> {
        fn bytes<T: Serialize>(value: Option<&Arc<T>>) -> Option<Vec<u8>> {
            value.map(|value| serde_json::to_vec(&**value).expect("our types serialise to JSON"))
        }
        match key {
            Key::System => bytes(Some(&self.system)),
            Key::Project(project) => bytes(self.project(project)),
            Key::Stage(project, stage) => {
                let state = self.project(project).and_then(|known| known.stages.get(stage));
                bytes(state.filter(|state| ***state != StageState::default()))
            }
            Key::Release(project, id) => bytes(self.release(project, id)),
            Key::Subject(project, digest) => bytes(self.subject(project, digest)),
            Key::Token(token) => bytes(self.token(token)),
            Key::Retention(project) => bytes(self.retentions.get(project).and_then(Option::as_ref)),
            Key::Artifact(..) | Key::Manifest(..) | Key::Tag(..) => None,
        }
    }

    /// Every loaded key whose aggregate exists, in the order of their texts' kinds.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let projects = self.projects.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| Key::Project(k.clone()));
        let touched = |(name, project): (&ProjectName, &Option<Arc<Project>>)| {
            let stages = project.iter().flat_map(|project| project.stages.iter());
            let touched = stages.filter(|(_, state)| ***state != StageState::default());
            touched.map(|(stage, _)| Key::Stage(name.clone(), stage.clone())).collect::<Vec<_>>()
        };
        let stages = self.projects.iter().flat_map(touched);
        let releases =
            self.releases.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| Key::Release(k.0.clone(), k.1.clone()));
        let subjects =
            self.subjects.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| Key::Subject(k.0.clone(), k.1.clone()));
        let tokens = self.tokens.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| Key::Token(k.clone()));
        let retentions = self.retentions.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| Key::Retention(k.clone()));
        let rows = std::iter::once(Key::System).chain(projects).chain(stages).chain(releases);
        rows.chain(subjects).chain(tokens).chain(retentions)
    }
}
