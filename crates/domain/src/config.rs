//! [`ProjectConfig`]: what a project's reviewed file says, checked as a whole.

mod deliver;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use deliver::{RegistryTarget, TARGET_TAGS_MAX, TARGETS_MAX, Target};

use crate::{
    BUILT_IN_ROLES, ComponentName, CustomRoles, Digest, ProjectName, RepositoryName, Span, StageName, TargetName,
    canonical,
    gate::{Gate, Requirement},
    retention::Policy,
    trust::Trust,
};

/// How many components a project has at most.
pub const COMPONENTS_MAX: usize = 100;
/// How many stages a project has at most.
pub const STAGES_MAX: usize = 200;
/// How many requirements a gate has at most.
pub const REQUIREMENTS_MAX: usize = 64;
/// How many pieces of evidence a gate asks for at most, counted once for each component: each is named by the promotion's entry.
pub const PIECES_MAX: usize = 3000;
/// How many bytes the canonical form of a configuration has at most, so that it fits into one ledger entry.
pub const CONFIG_BYTES_MAX: usize = 60_000;

/// A project: its components, its stages with their gates, and its own roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// The name of the project.
    pub project: ProjectName,
    /// The parts that a release is made of.
    pub components: BTreeMap<ComponentName, Component>,
    /// The stages, a directed acyclic graph.
    pub stages: BTreeMap<StageName, Stage>,
    /// Roles beside the built-in ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: CustomRoles,
    /// What anybody may pull, without a token.
    #[serde(default, skip_serializing_if = "Public::is_nothing")]
    pub public: Public,
    /// Whose signed statements count; without it, nobody's.
    #[serde(default, skip_serializing_if = "Trust::is_nothing")]
    pub trust: Trust,
    /// How long its artifacts stay; without it, nothing goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Policy>,
}

/// What anybody may pull, without a token; nothing unless the project says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    /// Repositories of the project: all that is pushed to them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub repositories: BTreeSet<RepositoryName>,
    /// Stages: what they have, from the repositories of the components.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stages: BTreeSet<StageName>,
}

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Where its artifacts are pushed; `PROJECT/COMPONENT` unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryName>,
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The stages that a release must have been in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// What else must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<Requirement>,
    /// Where it delivers to what it has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deliver: BTreeMap<TargetName, Target>,
    /// How the receipts of its promotions are attached to what was promoted. Not at all, unless it says so: they are made for whoever asks.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub receipts: BTreeSet<ReceiptForm>,
}

/// How a receipt is attached to an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptForm {
    /// As a manifest that refers to it (OCI 1.1), with a Sigstore bundle.
    Referrer,
    /// Under cosign's older tag, `sha256-….att`, beside what others have attached there.
    Tag,
}

/// The upstream stages of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum After {
    /// One stage, without soak time.
    One(StageName),
    /// All of these, without soak time.
    Each(Vec<StageName>),
    /// Spelled out.
    Upstream(Upstream),
}

/// Upstream stages, with the time that a release must have been well in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Every one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<StageName>,
    /// At least one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<StageName>,
    /// How long the release must have been current there, counting only healthy time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Span>,
}

/// What is wrong with a configuration as a whole, and where: `path` leads to the place, so that a reader of the file can be shown its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct InvalidConfig {
    /// The members that lead to the place, outermost first.
    pub path: Vec<String>,
    /// What is wrong there and what is allowed.
    pub problem: String,
}

impl InvalidConfig {
    fn at(path: &[&str], problem: impl Into<String>) -> Self {
        Self { path: path.iter().map(ToString::to_string).collect(), problem: problem.into() }
    }
}

impl Public {
    /// Whether nobody may pull anything without a token.
    pub fn is_nothing(&self) -> bool {
        self.repositories.is_empty() && self.stages.is_empty()
    }
}

impl Stage {
    /// The upstream stages in their spelled-out form.
    pub fn upstream(&self) -> Upstream {
        match &self.after {
            None => Upstream::default(),
            Some(After::One(stage)) => Upstream { all: vec![stage.clone()], ..Upstream::default() },
            Some(After::Each(stages)) => Upstream { all: stages.clone(), ..Upstream::default() },
            Some(After::Upstream(upstream)) => upstream.clone(),
        }
    }

    /// The whole gate: what `after` asks for, and then the listed requirements.
    pub fn full_gate(&self) -> Gate {
        Gate { upstream: self.upstream(), requirements: self.gate.clone() }
    }
}

impl Upstream {
    /// Every stage named.
    pub fn stages(&self) -> impl Iterator<Item = &StageName> {
        self.all.iter().chain(&self.any)
    }
}

impl ProjectConfig {
    /// The digest of the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&canonical::to_vec(self))
    }

    /// The repository of `component`, if the project has that component.
    pub fn repository(&self, component: &ComponentName) -> Option<RepositoryName> {
        let configured = self.components.get(component)?;
        configured.repository.clone().or_else(|| format!("{}/{component}", self.project).parse().ok())
    }

    /// The component that is pushed to `repository`.
    pub fn component_of(&self, repository: &RepositoryName) -> Option<&ComponentName> {
        self.components.keys().find(|component| self.repository(component).as_ref() == Some(repository))
    }

    /// The stages in an order in which each comes after its upstream stages; stages of equal depth by name.
    pub fn stages_in_order(&self) -> Vec<&StageName> {
        let upstream: BTreeMap<&StageName, Upstream> =
            self.stages.iter().map(|(name, stage)| (name, stage.upstream())).collect();
        let mut order: Vec<&StageName> = Vec::new();
        let mut placed: BTreeSet<&StageName> = BTreeSet::new();
        while order.len() < self.stages.len() {
            let ready = |name: &&&StageName| upstream[**name].stages().all(|up| placed.contains(up));
            let next: Vec<_> = upstream.keys().filter(|name| !placed.contains(**name)).filter(ready).copied().collect();
            if next.is_empty() {
                break; // a cycle: `check` names it
            }
            placed.extend(&next);
            order.extend(next);
        }
        order
    }

    /// Checks everything that no single value shows: references, cycles, limits.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        self.check_components()?;
        if let Some((name, ..)) =
            BUILT_IN_ROLES.iter().find(|(name, ..)| self.roles.keys().any(|role| role.as_str() == *name))
        {
            return Err(InvalidConfig::at(
                &["roles", name],
                format!("role `{name}` is built in and cannot be defined anew: choose another name"),
            ));
        }
        if self.stages.is_empty() || self.stages.len() > STAGES_MAX {
            return Err(InvalidConfig::at(&["stages"], format!("a project has 1 to {STAGES_MAX} stages")));
        }
        for (name, stage) in &self.stages {
            self.check_stage(name, stage)?;
        }
        if let Some(Err((path, problem))) = self.retention.as_ref().map(Policy::check) {
            let path: Vec<&str> = std::iter::once("retention").chain(path.iter().map(String::as_str)).collect();
            return Err(InvalidConfig::at(&path, problem));
        }
        self.trust.check().map_err(|(path, problem)| {
            let path: Vec<&str> = std::iter::once("trust").chain(path.iter().map(String::as_str)).collect();
            InvalidConfig::at(&path, problem)
        })?;
        let order: BTreeSet<_> = self.stages_in_order().into_iter().collect();
        if let Some(stuck) = self.stages.keys().find(|name| !order.contains(name)) {
            return Err(InvalidConfig::at(&["stages", stuck.as_str(), "after"], self.cycle_through(&order)));
        }
        self.check_public()?;
        self.check_targets()?;
        if canonical::to_vec(self).len() > CONFIG_BYTES_MAX {
            return Err(InvalidConfig::at(
                &[],
                format!("the configuration is over {CONFIG_BYTES_MAX} bytes: split the project"),
            ));
        }
        Ok(())
    }

    fn check_components(&self) -> Result<(), InvalidConfig> {
        if self.components.is_empty() || self.components.len() > COMPONENTS_MAX {
            return Err(InvalidConfig::at(&["components"], format!("a project has 1 to {COMPONENTS_MAX} components")));
        }
        let mut seen = BTreeMap::new();
        for name in self.components.keys() {
            let path = ["components", name.as_str(), "repository"];
            let Some(repository) = self.repository(name) else {
                return Err(InvalidConfig::at(&path, format!("component `{name}` needs a repository")));
            };
            if repository.project().as_ref() != Some(&self.project) {
                let problem = format!(
                    "repository `{repository}` must begin with `{}/`: a project owns only its own repositories",
                    self.project
                );
                return Err(InvalidConfig::at(&path, problem));
            }
            if let Some(other) = seen.insert(repository.clone(), name) {
                return Err(InvalidConfig::at(
                    &path,
                    format!("repository `{repository}` already belongs to component `{other}`"),
                ));
            }
        }
        Ok(())
    }

    fn check_public(&self) -> Result<(), InvalidConfig> {
        let Public { repositories, stages } = &self.public;
        if let Some(strange) = repositories.iter().find(|name| name.project().as_ref() != Some(&self.project)) {
            let problem = format!(
                "repository `{strange}` must begin with `{}/`: a project opens only its own repositories",
                self.project
            );
            return Err(InvalidConfig::at(&["public", "repositories"], problem));
        }
        if let Some(unknown) = stages.iter().find(|stage| !self.stages.contains_key(*stage)) {
            let known: Vec<_> = self.stages.keys().map(StageName::as_str).collect();
            let problem = format!("unknown stage `{unknown}`; the stages are: {}", known.join(", "));
            return Err(InvalidConfig::at(&["public", "stages"], problem));
        }
        Ok(())
    }

    fn check_stage(&self, name: &StageName, stage: &Stage) -> Result<(), InvalidConfig> {
        for upstream in stage.upstream().stages() {
            if !self.stages.contains_key(upstream) {
                let known: Vec<_> = self.stages.keys().filter(|known| *known != name).map(StageName::as_str).collect();
                let problem = format!("unknown stage `{upstream}`; the other stages are: {}", known.join(", "));
                return Err(InvalidConfig::at(&["stages", name.as_str(), "after"], problem));
            }
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = stage.upstream().stages().find(|upstream| !seen.insert((*upstream).clone())) {
            return Err(InvalidConfig::at(
                &["stages", name.as_str(), "after"],
                format!("stage `{twice}` is named twice"),
            ));
        }
        if stage.upstream().soak.is_some() && stage.upstream().stages().next().is_none() {
            let problem = "`soak` needs `all` or `any` beside it: soak time is spent in an upstream stage";
            return Err(InvalidConfig::at(&["stages", name.as_str(), "after"], problem));
        }
        if stage.gate.len() > REQUIREMENTS_MAX {
            let problem = format!("a gate has at most {REQUIREMENTS_MAX} requirements");
            return Err(InvalidConfig::at(&["stages", name.as_str(), "gate"], problem));
        }
        let pieces = stage.gate.iter().map(Requirement::pieces).sum::<usize>() * self.components.len();
        if pieces > PIECES_MAX {
            let problem = format!(
                "the gate asks for {pieces} pieces of evidence (one of each kind for each component), at most {PIECES_MAX} are allowed: split the project"
            );
            return Err(InvalidConfig::at(&["stages", name.as_str(), "gate"], problem));
        }
        for (position, requirement) in stage.gate.iter().enumerate() {
            requirement.check(self).map_err(|problem| {
                InvalidConfig::at(&["stages", name.as_str(), "gate", &position.to_string()], problem)
            })?;
        }
        Ok(())
    }

    fn cycle_through(&self, ordered: &BTreeSet<&StageName>) -> String {
        let Some(start) = self.stages.keys().find(|name| !ordered.contains(name)) else { return String::new() };
        let mut walk = vec![start.clone()];
        loop {
            let last = &walk[walk.len() - 1];
            let upstream = self.stages[last].upstream();
            let Some(next) = upstream.stages().find(|up| !ordered.contains(up)).cloned() else { return String::new() };
            if let Some(position) = walk.iter().position(|seen| *seen == next) {
                let mut cycle: Vec<_> = walk[position..].iter().map(ToString::to_string).collect();
                cycle.push(next.to_string());
                return format!("the stages go in a circle: {}", cycle.join(" after "));
            }
            walk.push(next);
        }
    }
}
