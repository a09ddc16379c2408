//! [`Remote`]: one repository of another registry.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Algorithm, Digest, RepositoryName};
use engine::manifest::MANIFEST_BYTES_MAX;
use reqwest::{
    Method, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};

use crate::{
    Client, Error, Place, Reference,
    client::{Answer, Ask, expect, limited},
};

/// What manifests may be, as a client asks for them. Nothing is converted for whoever takes all forms.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                        application/vnd.docker.distribution.manifest.v2+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json";

/// One repository of another registry.
#[derive(Clone)]
pub struct Remote {
    pub(crate) client: Client,
    pub(crate) place: Arc<Place>,
    attempts: u32,
}

/// A manifest's bytes, checked against its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The digest of the bytes.
    pub digest: Digest,
    /// What they are, as the registry says.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// What is asked of the registry's access rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Remote {
    /// The repository at `place`.
    pub fn new(client: Client, place: Place) -> Self {
        let attempts = client.limits().attempts;
        Self { client, place: Arc::new(place), attempts }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The same, asked only so often before it is given up.
    #[must_use]
    pub fn within(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// The digest that a tag or a digest stands for now; nothing if it is not there.
    pub async fn digest_of(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        let answer = self.manifest_request(Method::HEAD, reference, HeaderMap::new(), None).await?;
        let status = answer.response.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let claimed = claimed(&answer).filter(|_| status.is_success());
        drop(answer);
        match (claimed, reference) {
            (Some(digest), Reference::Tag(_)) => Ok(Some(digest)),
            (Some(digest), Reference::Digest(asked)) if digest == *asked => Ok(Some(digest)),
            // It does not say, or says something else: what it serves tells.
            _ => Ok(self.manifest(reference).await?.map(|manifest| manifest.digest)),
        }
    }

    /// A manifest, checked against its digest; nothing if it is not there.
    pub async fn manifest(&self, reference: &Reference) -> Result<Option<Manifest>, Error> {
        let answer = self.manifest_request(Method::GET, reference, HeaderMap::new(), None).await?;
        if answer.response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let what = format!("`{reference}`");
        let answer = expect(&self.place, &what, answer).await?;
        let media_type = header_text(&answer, header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let expected = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(_) => claimed(&answer),
        };
        let bytes = limited(answer.response, &self.place.host, MANIFEST_BYTES_MAX).await?;
        let digest = Digest::of(expected.as_ref().map_or(Algorithm::Sha256, Digest::algorithm), &bytes);
        match expected {
            Some(expected) if expected != digest => {
                Err(Error::Corrupt { what: format!("{what} of `{}`", self.place), expected, actual: digest })
            }
            _ => Ok(Some(Manifest { digest, media_type, bytes })),
        }
    }

    /// Puts a manifest as it is; whether the registry lists it as a referrer of its subject.
    pub async fn put_manifest(&self, reference: &Reference, manifest: &Manifest) -> Result<bool, Error> {
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::from_str(&manifest.media_type);
        headers.extend(media_type.ok().map(|value| (header::CONTENT_TYPE, value)));
        let answer = self.manifest_request(Method::PUT, reference, headers, Some(manifest.bytes.clone())).await?;
        let answer = expect(&self.place, &format!("`{reference}`"), answer).await?;
        Ok(answer.response.headers().contains_key("oci-subject"))
    }

    async fn manifest_request(
        &self,
        method: Method,
        reference: &Reference,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPTED));
        let access = if method == Method::PUT { Access::Push } else { Access::Pull };
        let url = self.url(&["manifests", &reference.to_string()]);
        self.ask(method, url, access, headers, body).await
    }

    /// Whether a blob is there, as large as it should be.
    pub async fn has_blob(&self, digest: &Digest, size: u64) -> Result<bool, Error> {
        self.has_blob_for(digest, size, Access::Pull).await
    }

    pub(crate) async fn has_blob_for(&self, digest: &Digest, size: u64, access: Access) -> Result<bool, Error> {
        let url = self.url(&["blobs", digest.as_str()]);
        let answer = self.ask(Method::HEAD, url, access, HeaderMap::new(), None).await?;
        match answer.response.status() {
            // Whoever may push need not be allowed to pull.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(false),
            status if status.is_success() => {
                let there: Option<u64> =
                    header_text(&answer, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
                Ok(there.is_none_or(|there| there == size))
            }
            _ => expect(&self.place, &format!("blob `{digest}`"), answer).await.map(|_| false),
        }
    }

    /// A blob's bytes from `from` on, unchecked; whether they begin there, or at the first.
    pub(crate) async fn blob(&self, digest: &Digest, from: u64) -> Result<(Answer, bool), Error> {
        let mut headers = HeaderMap::new();
        if from > 0 {
            let range = HeaderValue::from_str(&format!("bytes={from}-"));
            headers.insert(header::RANGE, range.expect("digits are a header"));
        }
        let answer = self.ask(Method::GET, self.url(&["blobs", digest.as_str()]), Access::Pull, headers, None).await?;
        let answer = expect(&self.place, &format!("blob `{digest}`"), answer).await?;
        let begins_there = answer.response.status() == StatusCode::PARTIAL_CONTENT && from > 0;
        let says = header_text(&answer, header::CONTENT_RANGE);
        if begins_there && !says.is_some_and(|says| says.starts_with(&format!("bytes {from}-"))) {
            return Err(self.senseless("it sends another part of a blob than was asked for"));
        }
        Ok((answer, begins_there))
    }

    /// Sends a request that may be repeated.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: Url,
        access: Access,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let scope = self.scope(access, None);
        self.client.ask(&self.place, &Ask { method, url, scope: &scope, headers, body, attempts: self.attempts }).await
    }

    /// What is asked of an issuer of tokens.
    pub(crate) fn scope(&self, access: Access, from: Option<&RepositoryName>) -> String {
        let actions = if access == Access::Push { "pull,push" } else { "pull" };
        let own = format!("repository:{}:{actions}", self.place.repository);
        from.map_or(own.clone(), |from| format!("{own} repository:{from}:pull"))
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// An address below the repository.
    pub(crate) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.place.host.base();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v2").extend(self.place.repository.as_str().split('/')).extend(path);
        }
        url
    }

    /// What the registry calls `text`, if it is on the registry itself: tokens go nowhere else.
    pub(crate) fn own(&self, base: &Url, text: &str) -> Result<Url, Error> {
        let url = base.join(text).map_err(|_| self.senseless("it names no address"))?;
        let home = self.place.host.base();
        // Behind a proxy that ends TLS, registries name themselves without it.
        let same = url.host_str() == home.host_str() && url.port_or_known_default() == home.port_or_known_default();
        let downgraded = url.scheme() == "http" && home.scheme() == "https" && url.host_str() == home.host_str();
        if url.origin() == home.origin() {
            return Ok(url);
        }
        if same || downgraded {
            let mut mended = home;
            mended.set_path(url.path());
            mended.set_query(url.query());
            return Ok(mended);
        }
        Err(self.senseless(&format!(
            "it leads to `{}`, where our credentials do not go",
            url.host_str().unwrap_or_default()
        )))
    }

    pub(crate) fn senseless(&self, problem: &str) -> Error {
        Error::Senseless { host: self.place.host.name().into(), problem: problem.into() }
    }
}

fn claimed(answer: &Answer) -> Option<Digest> {
    answer.response.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

pub(crate) fn header_text(answer: &Answer, name: header::HeaderName) -> Option<&str> {
    answer.response.headers().get(name)?.to_str().ok()
}
