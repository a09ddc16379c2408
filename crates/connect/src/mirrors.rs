//! [`Mirrors`]: which repositories here are mirrors of which elsewhere, as the engine asks of them.

use bytes::Bytes;
use domain::{Digest, RepositoryName, Span, TagName};
use engine::ports::{ByteStream, MirrorRule, Trouble, Upstream, UpstreamEvidence};
use futures::{StreamExt, stream};

use crate::{Client, Download, Error, Host, Listed, Place, Reference, Remote, Sources, graph};

/// One mirror: everything at and below a name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorOf {
    /// The name here.
    pub prefix: RepositoryName,
    /// The registry that it mirrors.
    pub host: Host,
    /// What stands for the prefix there; nothing where names there begin with what follows it here.
    pub below: Option<RepositoryName>,
    /// How old what is known of a tag may be before the upstream is asked again.
    pub tag_age: Span,
}

/// Mirrors, with the client that speaks to their upstreams.
pub struct Mirrors {
    client: Client,
    mirrors: Vec<MirrorOf>,
}

impl MirrorOf {
    /// What is mirrored, as people write it.
    pub fn upstream(&self) -> String {
        match &self.below {
            Some(below) => format!("{}/{below}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Where a repository of the mirror comes from; nothing if it is not part of it.
    fn place(&self, repository: &RepositoryName) -> Option<Place> {
        let rest = repository.as_str().strip_prefix(self.prefix.as_str())?;
        let rest = match rest {
            "" => None,
            rest => Some(rest.strip_prefix('/')?),
        };
        let name = match (&self.below, rest) {
            (Some(below), Some(rest)) => format!("{below}/{rest}"),
            (Some(below), None) => below.to_string(),
            (None, Some(rest)) => rest.to_owned(),
            (None, None) => return None,
        };
        Some(Place { host: self.host.clone(), repository: name.parse().ok()? })
    }
}

impl Mirrors {
    /// These mirrors. Where several would do, the longest name counts.
    pub fn new(client: Client, mut mirrors: Vec<MirrorOf>) -> Self {
        mirrors.sort_by_key(|mirror| std::cmp::Reverse(mirror.prefix.as_str().len()));
        Self { client, mirrors }
    }

    fn find(&self, repository: &RepositoryName) -> Option<(&MirrorOf, Place)> {
        self.mirrors.iter().find_map(|mirror| Some((mirror, mirror.place(repository)?)))
    }

    fn remote(&self, repository: &RepositoryName) -> Result<Remote, Trouble> {
        let (_, place) =
            self.find(repository).ok_or_else(|| Trouble::new("ask an upstream", "the repository is no mirror"))?;
        Ok(Remote::new(self.client.clone(), place))
    }
}

fn trouble(remote: &Remote, error: Error) -> Trouble {
    Trouble::new(format!("ask `{}`", remote.place()), error)
}

#[async_trait::async_trait]
impl Upstream for Mirrors {
    fn rule(&self, repository: &RepositoryName) -> Option<MirrorRule> {
        let (mirror, place) = self.find(repository)?;
        Some(MirrorRule { of: place.to_string(), tag_age: mirror.tag_age })
    }

    async fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Result<Option<Digest>, Trouble> {
        let remote = self.remote(repository)?;
        remote.digest_of(&Reference::Tag(tag.clone())).await.map_err(|error| trouble(&remote, error))
    }

    async fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<(String, Bytes)>, Trouble> {
        let remote = self.remote(repository)?;
        let found =
            remote.manifest(&Reference::Digest(digest.clone())).await.map_err(|error| trouble(&remote, error))?;
        Ok(found.map(|manifest| (manifest.media_type, manifest.bytes)))
    }

    async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Option<ByteStream>, Trouble> {
        let remote = self.remote(repository)?;
        let mut download = Sources::new(remote.clone(), Vec::new()).blob(digest, None);
        let first = match download.next(u64::MAX).await {
            Ok(first) => first,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(trouble(&remote, error)),
        };
        let rest = stream::unfold(Some((download, remote)), |state: Option<(Download, Remote)>| async move {
            let (mut download, remote) = state?;
            match download.next(u64::MAX).await {
                Ok(Some(piece)) => Some((Ok(piece), Some((download, remote)))),
                Ok(None) => None,
                Err(error) => Some((Err(trouble(&remote, error)), None)),
            }
        });
        Ok(Some(stream::iter(first.map(Ok)).chain(rest).boxed()))
    }

    async fn evidence(&self, repository: &RepositoryName, digest: &Digest) -> Result<UpstreamEvidence, Trouble> {
        let remote = self.remote(repository)?;
        let found = async {
            let sources = Sources::new(remote.clone(), Vec::new());
            let referrers = graph::referrers_of(&sources, digest).await?.into_iter().collect();
            let tags = graph::evidence_of(&sources, digest, &Listed::Unsaid).await?.into_iter().collect();
            Ok(UpstreamEvidence { referrers, tags })
        };
        found.await.map_err(|error| trouble(&remote, error))
    }
}

#[cfg(test)]
mod tests {
    use super::MirrorOf;
    use domain::Span;

    #[test]
    fn names_here_stand_for_names_there() {
        for (prefix, below, repository, expected) in [
            ("hub", Some("library"), "hub/nginx", "r.example/library/nginx"),
            ("hub", Some("library"), "hub", "r.example/library"),
            ("hub", None, "hub/team/app", "r.example/team/app"),
            ("hub", None, "hub", "nothing"),
            ("hub", None, "hubs/team", "nothing"),
            ("shop/base", Some("a/b"), "shop/base/c", "r.example/a/b/c"),
            ("shop/base", Some("a/b"), "shop/web", "nothing"),
        ] {
            let mirror = MirrorOf {
                prefix: prefix.parse().expect("a name"),
                host: "r.example".parse().expect("a host"),
                below: below.map(|below| below.parse().expect("a name")),
                tag_age: Span::ZERO,
            };
            let found = mirror.place(&repository.parse().expect("a name"));
            assert_eq!(found.map_or("nothing".into(), |place| place.to_string()), expected, "{prefix} {repository}");
        }
    }
}
