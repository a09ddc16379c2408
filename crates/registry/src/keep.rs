//! What a release keeps: its artifacts, and all that they are made of.

use std::collections::{BTreeSet, VecDeque};

use domain::{Digest, Key, Refusal, RepositoryName, State};

use crate::{Registry, error::Failure};

/// How many manifests are looked at, on the way up from a digest. Where there are more, the answer is that it stays.
const NODES_MAX: usize = 1000;

/// Refuses the deletion of a manifest that an index of a release is made of. (Of what a release names itself, the rules know.) What is
/// only about a released artifact can go.
pub(crate) async fn refuse_released(
    registry: &Registry,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Failure> {
    let Some(project) = repository.project() else { return Ok(()) };
    let in_use = || Err(Refusal::ArtifactInUse { digest: digest.clone() }.into());
    let catalog = &registry.engine.ports().catalog;
    let mut waiting = VecDeque::from([digest.clone()]);
    let mut seen = BTreeSet::from([digest.clone()]);
    while let Some(node) = waiting.pop_front() {
        for container in catalog.containers(repository, &node, None, NODES_MAX).await? {
            if !seen.insert(container.clone()) {
                continue;
            }
            let keys = [Key::Subject(project.clone(), container.clone())];
            let in_release = |state: &State| state.subject(&project, &container).is_some_and(|known| known.in_release);
            if registry.engine.read(&keys, in_release).await? || seen.len() >= NODES_MAX {
                return in_use();
            }
            waiting.push_back(container);
        }
    }
    Ok(())
}
