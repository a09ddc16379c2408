//! Deliveries: what is [`Due`], and what a [`DeliveryReport`] says of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{ComponentName, Digest, ProjectName, ReleaseId, RepositoryName, StageName, TargetName, config::Target};

/// A delivery that is still to be made: a target of a stage does not have the stage's current release, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The project.
    pub project: ProjectName,
    /// The stage.
    pub stage: StageName,
    /// The release.
    pub release: ReleaseId,
    /// The entry that made it current: a delivery ends once another entry does.
    pub promotion: u64,
    /// The target.
    pub target: TargetName,
    /// Where that is.
    pub to: Target,
    /// The artifact of each component, and the repository that has it here; `None` if the project has no such component any more.
    pub artifacts: BTreeMap<ComponentName, (Option<RepositoryName>, Digest)>,
}

impl Due {
    /// How what the target has differs from what is due, if it does.
    pub fn difference(&self, found: &BTreeMap<ComponentName, Digest>) -> Option<String> {
        difference(self.artifacts.iter().map(|(component, (_, digest))| (component, digest)), found)
    }
}

/// How what was found differs from what is expected, if it does.
pub(crate) fn difference<'a>(
    mut expected: impl Iterator<Item = (&'a ComponentName, &'a Digest)> + Clone,
    found: &BTreeMap<ComponentName, Digest>,
) -> Option<String> {
    let too_much = found.keys().find(|one| !expected.clone().any(|(component, _)| component == *one));
    let wrong = expected.find(|(component, digest)| found.get(*component) != Some(*digest));
    match wrong {
        Some((component, digest)) => {
            let has = found.get(component).map_or("nothing".into(), |has| format!("`{has}`"));
            Some(format!("of `{component}` it has {has}, not `{digest}`"))
        }
        None => too_much.map(|component| format!("it has `{component}`, too")),
    }
}

/// What came of an attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryReport {
    /// What the target has by now, as it was read back there.
    Found(BTreeMap<ComponentName, Digest>),
    /// It did not succeed, and why.
    Failed(String),
}
