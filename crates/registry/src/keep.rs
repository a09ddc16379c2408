//! What a release keeps: its artifacts, all that they are made of, and what is attached to any of it.

use std::collections::{BTreeSet, VecDeque};

use domain::{Digest, Key, ProjectName, Refusal, RepositoryName, State, TagName};
use engine::attached;
use http::StatusCode;

use crate::{Registry, error::Failure};

/// How many manifests are looked at, on the way up from a digest. Where there are more, the answer is that it stays.
const NODES_MAX: usize = 1000;

/// Refuses the deletion of a manifest that a release, or what is kept by hand, is made of, by way of its indexes, or that is about such a one: signatures
/// go with what they sign. (Of what a release names itself, the rules know.)
pub(crate) async fn refuse_released(
    registry: &Registry,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Failure> {
    match repository.project() {
        Some(project) if is_released(registry, repository, &project, digest).await? => in_use(digest),
        _ => Ok(()),
    }
}

/// Refuses the deletion of a manifest that an index names, as of a blob that a manifest names: whatever is there is whole.
pub(crate) async fn refuse_named(
    registry: &Registry,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Failure> {
    match registry.engine.ports().catalog.containers(repository, digest, None, 1).await?.pop() {
        None => Ok(()),
        Some(index) => {
            let message = format!("`{digest}` stays: the index `{index}` names it, so delete that first");
            Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "DENIED", message))
        }
    }
}

/// Refuses the deletion of a tag that attaches something to what a release is made of.
pub(crate) async fn refuse_attaching(
    registry: &Registry,
    repository: &RepositoryName,
    tag: &TagName,
) -> Result<(), Failure> {
    let Some(project) = repository.project() else { return Ok(()) };
    match attached::subject_of(&*registry.engine.ports().catalog, repository, tag).await? {
        Some(subject) if is_released(registry, repository, &project, &subject).await? => in_use(&subject),
        _ => Ok(()),
    }
}

fn in_use(digest: &Digest) -> Result<(), Failure> {
    Err(Refusal::ArtifactInUse { digest: digest.clone() }.into())
}

async fn is_released(
    registry: &Registry,
    repository: &RepositoryName,
    project: &ProjectName,
    digest: &Digest,
) -> Result<bool, Failure> {
    let catalog = &*registry.engine.ports().catalog;
    let mut waiting = VecDeque::from([digest.clone()]);
    let mut seen = BTreeSet::from([digest.clone()]);
    while let Some(node) = waiting.pop_front() {
        let keys = [Key::Subject(project.clone(), node.clone()), Key::Retention(project.clone())];
        let in_release = |state: &State| {
            state.subject(project, &node).is_some_and(|known| known.in_release)
                || state.retention(project).is_some_and(|retention| retention.keeps.contains_key(&node))
        };
        if registry.engine.read(&keys, in_release).await? {
            return Ok(true);
        }
        let subjects = attached::subjects(catalog, repository, &node).await?;
        let containers = catalog.containers(repository, &node, None, NODES_MAX).await?;
        waiting.extend(containers.into_iter().chain(subjects.digests).filter(|above| seen.insert(above.clone())));
        if subjects.cut || seen.len() >= NODES_MAX {
            return Ok(true);
        }
    }
    Ok(false)
}
