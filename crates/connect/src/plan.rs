//! [`Plan`]: what a copy will do, found once and kept, so that it can go on where it was broken off.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Digest, TagName};
use serde::{Deserialize, Serialize};

use crate::{Error, Listed, Reference, Remote, Sources, graph, graph::Node};

/// The form of plans that this version writes and reads.
const VERSION: u32 = 1;

/// What somebody wants copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One artifact, perhaps under a tag.
    One(Reference, Option<TagName>),
    /// What all tags point to, or those that match one of these patterns, in which `*` stands for anything.
    Tags(Vec<String>),
    /// These digests, each under these tags.
    Digests(BTreeMap<Digest, BTreeSet<TagName>>),
}

/// What a copy will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    version: u32,
    /// What was asked: a plan is for nothing else.
    pub asked: String,
    /// What was asked for; everything else belongs to it.
    pub roots: BTreeSet<Digest>,
    /// Every manifest, with what it names.
    pub manifests: Vec<Node>,
    /// The tags that will point to something.
    pub tags: BTreeMap<TagName, Digest>,
    /// The tags under which cosign keeps evidence.
    pub evidence_tags: BTreeMap<TagName, Digest>,
}

impl Wanted {
    /// What is asked, in words that differ where it does.
    pub fn describe(&self, sources: &Sources, destination: &Remote) -> String {
        let what = match self {
            Self::One(reference, tag) => format!("{reference} as {}", tag.as_ref().map_or("-", TagName::as_str)),
            Self::Tags(patterns) => format!("tags {}", patterns.join(" ")),
            Self::Digests(digests) => {
                let one = |(digest, tags): (&Digest, &BTreeSet<TagName>)| {
                    format!("{digest} as {}", tags.iter().map(TagName::as_str).collect::<Vec<_>>().join(","))
                };
                digests.iter().map(one).collect::<Vec<_>>().join(" ")
            }
        };
        format!("from {} to {}: {what}", sources.first().name(), destination.place())
    }

    fn matches(&self, tag: &TagName) -> bool {
        match self {
            Self::Tags(patterns) => patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, tag.as_str())),
            _ => false,
        }
    }
}

impl Plan {
    /// Finds what `wanted` comes to. Nothing is written.
    pub(crate) async fn find(
        wanted: &Wanted,
        sources: &Sources,
        destination: &Remote,
        jobs: usize,
    ) -> Result<Self, Error> {
        let listed = sources.first().tags().await;
        // A source that is down does not matter, where others have the digest.
        let listed = match (listed, wanted) {
            (Ok(listed), _) => listed,
            (Err(error), Wanted::One(Reference::Digest(_), _) | Wanted::Digests(_))
                if error.passes() && sources.count() > 1 =>
            {
                Listed::All(BTreeSet::new())
            }
            (Err(error), _) => return Err(error),
        };
        let missing =
            |what: &dyn std::fmt::Display| Error::Missing { what: format!("`{what}` of `{}`", sources.first().name()) };
        let (roots, tags) = match wanted {
            Wanted::One(Reference::Digest(digest), tag) => {
                (BTreeSet::from([digest.clone()]), tag.iter().map(|tag| (tag.clone(), digest.clone())).collect())
            }
            Wanted::One(reference @ Reference::Tag(_), tag) => {
                let digest = sources.first().digest_of(reference).await?.ok_or_else(|| missing(reference))?;
                (BTreeSet::from([digest.clone()]), tag.iter().map(|tag| (tag.clone(), digest.clone())).collect())
            }
            Wanted::Tags(_) => {
                let Listed::All(all) = &listed else {
                    return Err(missing(&"a list of tags"));
                };
                let chosen: Vec<TagName> = all.iter().filter(|tag| wanted.matches(tag)).cloned().collect();
                let tags = graph::resolve(sources, chosen, jobs).await?;
                (tags.values().cloned().collect::<BTreeSet<_>>(), tags)
            }
            Wanted::Digests(digests) => {
                let tags =
                    digests.iter().flat_map(|(digest, tags)| tags.iter().map(|tag| (tag.clone(), digest.clone())));
                (digests.keys().cloned().collect(), tags.collect())
            }
        };
        let found = graph::walk(sources, roots.clone(), &listed, jobs).await?;
        let mut tags: BTreeMap<TagName, Digest> = tags;
        // What holds referrers where they are not listed is made anew at the destination, if that needs it.
        let fallback: BTreeSet<_> = found.nodes.keys().map(Digest::referrers_tag).collect();
        tags.retain(|tag, _| !fallback.contains(tag) && !found.evidence_tags.contains_key(tag));
        let mut manifests: Vec<Node> = found.nodes.into_values().collect();
        manifests.sort_by(|a, b| (a.level, &a.digest).cmp(&(b.level, &b.digest)));
        let asked = wanted.describe(sources, destination);
        Ok(Self { version: VERSION, asked, roots, manifests, tags, evidence_tags: found.evidence_tags })
    }

    /// A plan as it was kept; none if another version wrote it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|plan: &Self| plan.version == VERSION)
    }

    /// The blobs, each once, with its size and whether a manifest of this digest names it.
    pub fn blobs(&self) -> BTreeMap<&Digest, u64> {
        self.manifests.iter().flat_map(|node| &node.blobs).map(|(digest, size)| (digest, *size)).collect()
    }

    /// How many bytes all of it has.
    pub fn bytes(&self) -> u64 {
        self.blobs().values().sum::<u64>() + self.manifests.iter().map(|node| node.size).sum::<u64>()
    }
}

/// Whether `text` is what `pattern` says: `*` stands for anything, everything else for itself.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, text, expected) in [
            ("1.4", "1.4", true),
            ("1.4", "1.40", false),
            ("1.*", "1.4", true),
            ("*", "", true),
            ("*-rc*", "1.4-rc1", true),
            ("*-rc*", "1.4", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "abbc", true),
            ("a*b*c", "ac", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
