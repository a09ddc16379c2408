//! Mirrors: repositories that have what an upstream has, fetched when it is first asked for.
//!
//! No byte is served that was not checked: a manifest is checked before it is handed out, and a blob is stored whole first, by the same way as
//! one that is pushed. What a manifest consists of, with the evidence about it, follows in the background, and once all of it is here the
//! manifest and its tag enter the ledger as a push does, by a command.

mod fill;
mod flights;
mod memory;

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use domain::{Actor, Digest, RepositoryName, Span, TagName, Timestamp};
use engine::{
    Engine,
    ports::{MirrorRule, Upstream},
};
use http::{Method, StatusCode, header, response::Builder};

use crate::{Registry, blobs::built, error::Failure, rights::Rights};
use flights::Flights;
use memory::Memory;

/// For how many seconds the word of an upstream that something is not there is good.
const ABSENT_SECONDS: u64 = 60;
/// For how many seconds an upstream that could not be asked is left alone.
const DOWN_SECONDS: u64 = 10;

/// What is fetched from upstreams, and what was heard from them lately.
pub(crate) struct Mirror {
    engine: Engine,
    upstream: Arc<dyn Upstream>,
    flights: Arc<Flights>,
    memory: Memory,
}

/// What a tag of a mirror points to.
pub(crate) struct Known {
    pub digest: Digest,
    /// What clients are told, if the upstream could not be asked.
    pub warning: Option<String>,
}

/// Why something does not come from an upstream. Cloned to all who wait for it.
type Problem = Arc<str>;

impl Mirror {
    pub fn new(engine: Engine, upstream: Arc<dyn Upstream>) -> Self {
        Self { engine, upstream, flights: Arc::default(), memory: Memory::default() }
    }

    /// What a tag points to: heard lately, or asked now, or the last that is known where the upstream cannot be asked.
    async fn tag(
        self: &Arc<Self>,
        rule: MirrorRule,
        repository: &RepositoryName,
        tag: &TagName,
    ) -> Result<Option<Known>, Failure> {
        let now = self.engine.now();
        let place = (repository.clone(), tag.clone());
        let heard = self.memory.tag(&place);
        if let Some(heard) = &heard
            && now
                < heard.at
                    + if heard.digest.is_some() {
                        rule.tag_age
                    } else {
                        rule.tag_age.min(Span::from_secs(ABSENT_SECONDS))
                    }
        {
            self.fill_if_missing(repository, heard.digest.as_ref(), Some(tag)).await?;
            return Ok(heard.digest.clone().map(|digest| Known { digest, warning: None }));
        }
        let key = format!("tag {repository} {tag}");
        if self.memory.is_quiet(&rule.of, now) {
            return self
                .last_known(&rule, repository, tag, heard.and_then(|heard| Some((heard.digest?, heard.at))))
                .await;
        }
        let (mirror, name, wanted) = (self.clone(), repository.clone(), tag.clone());
        let asked = self.flights.once(key, async move {
            let found =
                mirror.upstream.tag(&name, &wanted).await.map_err(|trouble| Problem::from(trouble.to_string()))?;
            mirror.memory.heard(&(name.clone(), wanted.clone()), found.clone(), mirror.engine.now());
            Ok(found.is_some())
        });
        match asked.await {
            Ok(_) => {
                let digest = self.memory.tag(&place).and_then(|heard| heard.digest);
                self.fill_if_missing(repository, digest.as_ref(), Some(tag)).await?;
                Ok(digest.map(|digest| Known { digest, warning: None }))
            }
            Err(problem) => {
                tracing::warn!(%repository, %tag, %problem, "An upstream cannot be asked: what is known of its tag is served");
                self.memory.set_quiet(&rule.of, now + Span::from_secs(DOWN_SECONDS));
                self.last_known(&rule, repository, tag, heard.and_then(|heard| Some((heard.digest?, heard.at)))).await
            }
        }
    }

    async fn last_known(
        &self,
        rule: &MirrorRule,
        repository: &RepositoryName,
        tag: &TagName,
        heard: Option<(Digest, Timestamp)>,
    ) -> Result<Option<Known>, Failure> {
        let (digest, since) = match heard {
            Some((digest, at)) => (digest, format!("last asked {}", at)),
            None => match self.engine.ports().catalog.tag(repository, tag).await? {
                Some((digest, ..)) => (digest, "last asked before this server started".into()),
                None => return Err(cannot_ask(&rule.of)),
            },
        };
        let warning =
            format!("299 - \"{} cannot be asked: this is what `{tag}` pointed to when it was {since}\"", rule.of);
        Ok(Some(Known { digest, warning: Some(warning) }))
    }

    /// A manifest that is not in the catalog: on its way to it, or fetched now.
    async fn manifest(
        self: &Arc<Self>,
        rule: &MirrorRule,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<(String, Bytes)>, Failure> {
        if let Some(found) = self.memory.manifest(repository, digest) {
            return Ok(Some(found));
        }
        if !self.fetch_manifest(repository, digest).await.map_err(|problem| self.not_fetched(rule, &problem))? {
            return Ok(None);
        }
        self.fill_if_missing(repository, Some(digest), None).await?;
        Ok(self.memory.manifest(repository, digest))
    }

    /// The failure of a request for what could not be fetched.
    fn not_fetched(&self, rule: &MirrorRule, problem: &Problem) -> Failure {
        tracing::warn!(upstream = rule.of, %problem, "Something cannot be fetched from an upstream");
        cannot_ask(&rule.of)
    }

    /// Who pushes what is mirrored: nobody but the repository's own project is touched.
    fn actor(repository: &RepositoryName) -> Actor {
        let party = "machine:mirror".parse().expect("a party");
        let scope = repository.project().map_or("*".to_owned(), |project| project.to_string());
        Actor { party, grants: format!("publisher@{scope}").parse().into_iter().collect() }
    }
}

fn cannot_ask(of: &str) -> Failure {
    let message =
        format!("this is a mirror of {of}, which cannot be asked now, and what was asked for is not here yet");
    Failure::new(StatusCode::BAD_GATEWAY, "UNAVAILABLE", message)
}

/// The mirror that the repository is part of, for somebody who may pull everything there: what is not promoted is fetched for nobody else.
fn of<'a>(registry: &'a Registry, rights: &Rights) -> Option<(&'a Arc<Mirror>, MirrorRule)> {
    let mirror = registry.mirror.as_ref()?;
    let rule = mirror.upstream.rule(&rights.repository)?;
    matches!(rights.bound_to(), Ok(None)).then_some((mirror, rule))
}

/// What a tag of a mirror points to; nothing if the repository is none, or the tag is a stage's, or not there.
pub(crate) async fn tag(registry: &Registry, rights: &Rights, tag: &TagName) -> Result<Option<Known>, Failure> {
    match of(registry, rights) {
        Some((mirror, rule)) if rights.stage_tag(tag.as_str()).is_none() => {
            let known = mirror.tag(rule, &rights.repository, tag).await?;
            let gone = || {
                Failure::unknown(
                    "MANIFEST_UNKNOWN",
                    format!("the upstream of `{}` has no tag `{tag}`", rights.repository),
                )
            };
            known.map(Some).ok_or_else(gone)
        }
        _ => Ok(None),
    }
}

/// A manifest of a mirror that is not in the catalog.
pub(crate) async fn manifest(
    registry: &Registry,
    rights: &Rights,
    digest: &Digest,
) -> Result<Option<(String, Bytes)>, Failure> {
    match of(registry, rights) {
        Some((mirror, rule)) => mirror.manifest(&rule, &rights.repository, digest).await,
        None => Ok(None),
    }
}

/// Fetches a blob that the repository does not have; whether it has it now.
pub(crate) async fn blob(registry: &Registry, rights: &Rights, digest: &Digest) -> Result<bool, Failure> {
    let Some((mirror, rule)) = of(registry, rights) else { return Ok(false) };
    let fetched = mirror.fetch_blob(&rights.repository, digest).await;
    fetched.map_err(|problem| mirror.not_fetched(&rule, &problem))
}

/// Looks for evidence at the upstream, if that was not done lately. Where it cannot be asked, what is here is shown.
pub(crate) async fn refresh_evidence(registry: &Registry, rights: &Rights, subject: &Digest) {
    let Some((mirror, rule)) = of(registry, rights) else { return };
    let now = mirror.engine.now();
    if mirror.memory.is_quiet(&rule.of, now) || mirror.memory.is_looked_at(&rights.repository, subject, now) {
        return;
    }
    if let Err(problem) = mirror.fill(&rights.repository, subject, None).await {
        tracing::warn!(%problem, %subject, "An upstream cannot be asked for evidence");
        mirror.memory.set_quiet(&rule.of, now + Span::from_secs(DOWN_SECONDS));
        return;
    }
    mirror.memory.look_at(&rights.repository, subject, now + rule.tag_age);
}

/// Refuses pushes into a mirror: it has what its upstream has, and nothing else.
pub(crate) fn refuse_push(registry: &Registry, rights: &Rights) -> Result<(), Failure> {
    let rule = registry.mirror.as_ref().and_then(|mirror| mirror.upstream.rule(&rights.repository));
    match rule {
        None => Ok(()),
        Some(MirrorRule { of, .. }) => {
            let message = format!("`{}` is a mirror of {of}: push there, or to another repository", rights.repository);
            Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message))
        }
    }
}

/// The answer with a manifest that is not in the catalog yet.
pub(crate) fn served(
    method: &Method,
    digest: &Digest,
    (media_type, bytes): (String, Bytes),
    warning: Option<&str>,
) -> Result<Response, Failure> {
    let answer = Response::builder()
        .header("docker-content-digest", digest.as_str())
        .header(header::ETAG, format!("\"{digest}\""))
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, bytes.len());
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    built(warned(answer, warning).body(body))
}

/// The answer with what clients show people, if there is something to show.
pub(crate) fn warned(answer: Builder, warning: Option<&str>) -> Builder {
    match warning {
        Some(warning) => answer.header(header::WARNING, warning),
        None => answer,
    }
}
