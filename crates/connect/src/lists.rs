//! Lists of another registry: tags, repositories, referrers. Each has pages, and an end.

use std::collections::BTreeSet;

use domain::{Digest, RepositoryName, TagName};
use reqwest::{
    Method, StatusCode, Url,
    header::{self, HeaderMap},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Client, Error, Host, Place, Reference, Remote,
    client::{Ask, expect, limited},
    link,
    remote::{Access, header_text},
};

/// How many bytes a page has at most.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// How many pages are read at most.
const PAGES_MAX: usize = 2000;
/// How many names a list has at most.
const NAMES_MAX: usize = 200_000;
/// How many referrers one manifest has at most.
const REFERRERS_MAX: usize = 10_000;

/// What a registry lists of something; it may refuse to list at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// All that there is.
    All(T),
    /// It does not say.
    Unsaid,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Repositories {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    digest: Digest,
}

impl Remote {
    /// The tags. What is no tag is left out.
    pub async fn tags(&self) -> Result<Listed<BTreeSet<TagName>>, Error> {
        let mut tags = BTreeSet::new();
        let url = self.url(&["tags", "list"]);
        let listed = self.pages(url, |page: Tags| {
            tags.extend(page.tags.unwrap_or_default().into_iter().filter_map(|tag| tag.parse::<TagName>().ok()));
            tags.len()
        });
        Ok(if listed.await? { Listed::All(tags) } else { Listed::Unsaid })
    }

    /// The digests of what refers to `subject`, as the registry lists them, or as its fallback tag does.
    pub async fn referrers(&self, subject: &Digest) -> Result<BTreeSet<Digest>, Error> {
        let mut found = BTreeSet::new();
        let url = self.url(&["referrers", subject.as_str()]);
        let listed = self.pages(url, |page: Index| {
            found.extend(page.manifests.unwrap_or_default().into_iter().map(|entry| entry.digest));
            found.len()
        });
        let listed = listed.await?;
        if !listed && let Some(index) = self.manifest(&Reference::Tag(subject.referrers_tag())).await? {
            // A tag of this name may hold anything; then it says nothing about referrers.
            let index: Option<Index> = serde_json::from_slice(&index.bytes).ok();
            let entries = index.and_then(|index| index.manifests).unwrap_or_default();
            found.extend(entries.into_iter().map(|entry| entry.digest));
        }
        if found.len() > REFERRERS_MAX {
            return Err(self.senseless(&format!("`{subject}` has more than {REFERRERS_MAX} referrers")));
        }
        Ok(found)
    }

    /// Reads pages one after the other; `false` if the registry has no such list.
    async fn pages<T: DeserializeOwned>(&self, first: Url, mut take: impl FnMut(T) -> usize) -> Result<bool, Error> {
        let mut next = Some(first);
        let mut count = 0;
        while let Some(url) = next.take() {
            let answer = self.ask(Method::GET, url.clone(), Access::Pull, HeaderMap::new(), None).await?;
            let unsaid = matches!(
                answer.response.status(),
                StatusCode::NOT_FOUND
                    | StatusCode::METHOD_NOT_ALLOWED
                    | StatusCode::FORBIDDEN
                    | StatusCode::BAD_REQUEST
            );
            if unsaid && count == 0 {
                return Ok(false);
            }
            let answer = expect(&self.place, "a list", answer).await?;
            let link = header_text(&answer, header::LINK).and_then(link::next).map(|target| self.own(&url, target));
            next = link.transpose()?;
            let bytes = limited(answer.response, &self.place.host, PAGE_BYTES_MAX).await?;
            let page = serde_json::from_slice(&bytes);
            let page = page.map_err(|error| self.senseless(&format!("a list cannot be read: {error}")))?;
            count += 1;
            if take(page) > NAMES_MAX || count > PAGES_MAX {
                return Err(self.senseless(&format!("a list has more than {NAMES_MAX} names or {PAGES_MAX} pages")));
            }
        }
        Ok(true)
    }
}

impl Client {
    /// Asks whether a registry is there and lets us in.
    pub async fn ping(&self, host: &Host) -> Result<(), Error> {
        let nothing = "catalog".parse().expect("a repository's name");
        let place = Place { host: host.clone(), repository: nothing };
        let mut url = host.base();
        url.set_path("/v2/");
        let attempts = self.limits().attempts;
        let ask = Ask { method: Method::GET, url, scope: "", headers: HeaderMap::new(), body: None, attempts };
        let answer = self.ask(&place, &ask).await?;
        expect(&place, "whether it is a registry", answer).await.map(drop)
    }

    /// The repositories of a registry, if it lists them. What is no name is left out.
    pub async fn repositories(&self, host: &Host) -> Result<Listed<BTreeSet<RepositoryName>>, Error> {
        let mut found = BTreeSet::new();
        // Pages of the catalog are asked for like those of any repository.
        let somewhere = "catalog".parse().expect("a repository's name");
        let remote = Remote::new(self.clone(), Place { host: host.clone(), repository: somewhere });
        let mut url = host.base();
        url.set_path("/v2/_catalog");
        let mut next = Some(url);
        let mut pages = 0;
        while let Some(url) = next.take() {
            let (scope, headers) = ("registry:catalog:*", HeaderMap::new());
            let ask =
                Ask { method: Method::GET, url: url.clone(), scope, headers, body: None, attempts: remote.attempts() };
            let answer = self.ask(remote.place(), &ask).await?;
            if matches!(answer.response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) && pages == 0
            {
                return Ok(Listed::Unsaid);
            }
            let answer = expect(remote.place(), "the list of repositories", answer).await?;
            let link = header_text(&answer, header::LINK).and_then(link::next).map(|target| remote.own(&url, target));
            next = link.transpose()?;
            let bytes = limited(answer.response, host, PAGE_BYTES_MAX).await?;
            let page: Repositories = serde_json::from_slice(&bytes)
                .map_err(|error| remote.senseless(&format!("the list of repositories cannot be read: {error}")))?;
            found.extend(page.repositories.unwrap_or_default().iter().filter_map(|name| name.parse().ok()));
            pages += 1;
            if found.len() > NAMES_MAX || pages > PAGES_MAX {
                return Err(remote.senseless(&format!("it has more than {NAMES_MAX} repositories")));
            }
        }
        Ok(Listed::All(found))
    }
}
