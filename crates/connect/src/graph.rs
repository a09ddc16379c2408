//! What belongs to an artifact: children, and evidence about any of it, found from the sources.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Digest, RepositoryName, TagName};
use engine::{manifest, ports::PartKind};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{Error, Listed, Manifest, Reference, Sources};

/// How many manifests one copy has at most.
const MANIFESTS_MAX: usize = 100_000;

/// A manifest with what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its digest.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// How many manifests must be there before it, one after the other.
    pub level: usize,
    /// Configuration and layers, with their sizes.
    pub blobs: Vec<(Digest, u64)>,
    /// The manifests of an index.
    pub children: Vec<Digest>,
    /// What it is about.
    pub subject: Option<Digest>,
}

/// Manifests, each once, and the tags that are evidence.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub nodes: BTreeMap<Digest, Node>,
    pub evidence_tags: BTreeMap<TagName, Digest>,
}

/// Finds all that belongs to `roots`. `tags` are those of the source, where it lists them.
pub(crate) async fn walk(
    sources: &Sources,
    roots: BTreeSet<Digest>,
    tags: &Listed<BTreeSet<TagName>>,
    jobs: usize,
) -> Result<Graph, Error> {
    let mut graph = Graph::default();
    let mut wave = roots;
    let mut missing = Vec::new();
    while !wave.is_empty() {
        let found: Vec<_> =
            stream::iter(wave).map(|digest| look(sources, digest, tags)).buffer_unordered(jobs).collect().await;
        let mut next = BTreeSet::new();
        for one in found {
            match one {
                Ok(Found { node, referrers, evidence_tags }) => {
                    next.extend(node.children.iter().cloned());
                    next.extend(referrers);
                    next.extend(evidence_tags.values().cloned());
                    graph.evidence_tags.extend(evidence_tags);
                    graph.nodes.insert(node.digest.clone(), node);
                }
                // All that is missing is told at once.
                Err(error) if error.is_missing() => missing.push(error),
                Err(error) => return Err(error),
            }
        }
        next.retain(|digest| !graph.nodes.contains_key(digest));
        if graph.nodes.len() + next.len() > MANIFESTS_MAX {
            return Err(sources.first().senseless(&format!("more than {MANIFESTS_MAX} manifests belong together")));
        }
        wave = if missing.is_empty() { next } else { BTreeSet::new() };
    }
    if !missing.is_empty() {
        return Err(crate::sources::one_of(missing));
    }
    set_levels(&mut graph.nodes);
    Ok(graph)
}

struct Found {
    node: Node,
    referrers: BTreeSet<Digest>,
    evidence_tags: BTreeMap<TagName, Digest>,
}

async fn look(sources: &Sources, digest: Digest, tags: &Listed<BTreeSet<TagName>>) -> Result<Found, Error> {
    let manifest = sources.manifest(&digest).await?;
    let node = read(sources, &manifest)?;
    let referrers = referrers_of(sources, &digest).await?;
    let evidence_tags = evidence_of(sources, &digest, tags).await?;
    Ok(Found { node, referrers, evidence_tags })
}

/// What is about `digest`: what a list says is not believed, the manifest itself says what it is about. Lists name what is gone, too.
pub(crate) async fn referrers_of(sources: &Sources, digest: &Digest) -> Result<BTreeSet<Digest>, Error> {
    let mut referrers = BTreeSet::new();
    for referrer in sources.referrers(digest).await? {
        let about = match sources.manifest(&referrer).await {
            Ok(manifest) => read(sources, &manifest)?.subject,
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error),
        };
        if about.as_ref() == Some(digest) {
            referrers.insert(referrer);
        } else {
            tracing::warn!(%referrer, %digest, "A manifest is listed as a referrer, and is not there or about something else");
        }
    }
    Ok(referrers)
}

/// The tags under which cosign keeps what it knows about `digest`, as far as there are any.
pub(crate) async fn evidence_of(
    sources: &Sources,
    digest: &Digest,
    tags: &Listed<BTreeSet<TagName>>,
) -> Result<BTreeMap<TagName, Digest>, Error> {
    let mut found = BTreeMap::new();
    for tag in digest.cosign_tags() {
        let may_be = match tags {
            Listed::All(tags) => tags.contains(&tag),
            Listed::Unsaid => true,
        };
        if may_be && let Some(points_to) = sources.first().digest_of(&Reference::Tag(tag.clone())).await? {
            found.insert(tag, points_to);
        }
    }
    Ok(found)
}

/// What a manifest names.
pub(crate) fn read(sources: &Sources, manifest: &Manifest) -> Result<Node, Error> {
    let repository: &RepositoryName = sources.first().repository();
    let record = manifest::parse(repository, &manifest.digest, &manifest.media_type, &manifest.bytes)
        .map_err(|error| sources.first().senseless(&format!("`{}`: {error}", manifest.digest)))?;
    let parts = |children: bool| record.parts.iter().filter(move |part| (part.kind == PartKind::Child) == children);
    Ok(Node {
        digest: manifest.digest.clone(),
        size: record.size,
        level: 0,
        blobs: parts(false).map(|part| (part.digest.clone(), part.size)).collect(),
        children: parts(true).map(|part| part.digest.clone()).collect(),
        subject: record.subject.clone(),
    })
}

/// Gives each manifest a level above what it names, and above what it is about.
fn set_levels(nodes: &mut BTreeMap<Digest, Node>) {
    let mut waiting: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut above: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
    for node in nodes.values() {
        let below: BTreeSet<_> =
            node.children.iter().chain(&node.subject).filter(|digest| nodes.contains_key(digest)).collect();
        waiting.insert(node.digest.clone(), below.len());
        for one in below {
            above.entry(one.clone()).or_default().push(node.digest.clone());
        }
    }
    let mut ready: Vec<Digest> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(digest, _)| digest.clone()).collect();
    let mut level = 0;
    // Digests cannot lead in a circle, so everything is ready at some time.
    while !ready.is_empty() {
        let mut next = Vec::new();
        for digest in ready {
            for higher in above.get(&digest).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(higher) {
                    *count -= 1;
                    if *count == 0 {
                        next.push(higher.clone());
                    }
                }
            }
            if let Some(node) = nodes.get_mut(&digest) {
                node.level = level;
            }
        }
        ready = next;
        level += 1;
    }
}

/// Looks tags up, several at once; what went away meanwhile is left out.
pub(crate) async fn resolve(
    sources: &Sources,
    tags: impl IntoIterator<Item = TagName>,
    jobs: usize,
) -> Result<BTreeMap<TagName, Digest>, Error> {
    let look = |tag: TagName| async move {
        let found = sources.first().digest_of(&Reference::Tag(tag.clone())).await?;
        Ok::<_, Error>(found.map(|digest| (tag, digest)))
    };
    let found: Vec<_> = stream::iter(tags).map(look).buffer_unordered(jobs).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Digest, Node, set_levels};

    #[test]
    fn what_is_named_comes_first() {
        let digest = |name: &str| Digest::sha256(name.as_bytes());
        let node = |name: &str, children: &[&str], subject: Option<&str>| Node {
            digest: digest(name),
            size: 1,
            level: 0,
            blobs: Vec::new(),
            children: children.iter().map(|child| digest(child)).collect(),
            subject: subject.map(digest),
        };
        let all = [
            node("index", &["a", "b", "a"], None),
            node("a", &[], None),
            node("b", &[], Some("elsewhere")),
            node("signature", &[], Some("index")),
            node("countersignature", &[], Some("signature")),
            node("of-child", &[], Some("a")),
        ];
        let mut nodes: BTreeMap<_, _> = all.into_iter().map(|node| (node.digest.clone(), node)).collect();
        set_levels(&mut nodes);
        for (name, level) in
            [("a", 0), ("b", 0), ("index", 1), ("of-child", 1), ("signature", 2), ("countersignature", 3)]
        {
            assert_eq!(nodes[&digest(name)].level, level, "{name}");
        }
    }
}
