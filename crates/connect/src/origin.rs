//! [`Origin`]: where bytes come from: another registry, or this server itself.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use domain::{Digest, RepositoryName, TagName};
use engine::ports::ByteStream;
use futures::StreamExt;

use crate::{
    Error, Here, Host, Listed, Manifest, Reference, Remote,
    client::{Answer, deepest},
};

/// Where bytes come from.
#[derive(Clone)]
pub(crate) enum Origin {
    Remote(Remote),
    Here(Here),
}

/// A blob's bytes on their way, unchecked.
pub(crate) enum Flow {
    Remote(Answer),
    Here(ByteStream),
}

impl Origin {
    /// What people call it.
    pub fn name(&self) -> String {
        match self {
            Self::Remote(remote) => remote.place().to_string(),
            Self::Here(here) => here.repository().to_string(),
        }
    }

    pub fn repository(&self) -> &RepositoryName {
        match self {
            Self::Remote(remote) => &remote.place().repository,
            Self::Here(here) => here.repository(),
        }
    }

    /// Its repository, if it is one of the registry `host`: what it has can be mounted there.
    pub fn on(&self, host: &Host) -> Option<&RepositoryName> {
        match self {
            Self::Remote(remote) if remote.place().host == *host => Some(&remote.place().repository),
            Self::Remote(_) | Self::Here(_) => None,
        }
    }

    /// The same, asked only so often before it is given up.
    pub fn within(self, attempts: u32) -> Self {
        match self {
            Self::Remote(remote) => Self::Remote(remote.within(attempts)),
            Self::Here(_) => self,
        }
    }

    /// How long to pause before it is asked again after `stalls`; `None` if it is not asked again.
    pub fn pause(&self, stalls: u32) -> Option<Duration> {
        match self {
            Self::Remote(remote) => remote.client.pace(&remote.place().host).pause(stalls, None),
            Self::Here(_) => None,
        }
    }

    /// The tags. Here they are not listed: whoever wants one asks for it.
    pub async fn tags(&self) -> Result<Listed<BTreeSet<TagName>>, Error> {
        match self {
            Self::Remote(remote) => remote.tags().await,
            Self::Here(_) => Ok(Listed::Unsaid),
        }
    }

    pub async fn digest_of(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        match self {
            Self::Remote(remote) => remote.digest_of(reference).await,
            Self::Here(here) => here.digest_of(reference).await,
        }
    }

    pub async fn manifest(&self, reference: &Reference) -> Result<Option<Manifest>, Error> {
        match self {
            Self::Remote(remote) => remote.manifest(reference).await,
            Self::Here(here) => here.manifest(reference).await,
        }
    }

    pub async fn referrers(&self, subject: &Digest) -> Result<BTreeSet<Digest>, Error> {
        match self {
            Self::Remote(remote) => remote.referrers(subject).await,
            Self::Here(here) => Ok(here.referrers(subject).await?.into_iter().collect()),
        }
    }

    /// A blob's bytes from `from` on; whether they begin there, or at the first.
    pub async fn blob(&self, digest: &Digest, from: u64) -> Result<(Flow, bool), Error> {
        match self {
            Self::Remote(remote) => {
                remote.blob(digest, from).await.map(|(answer, begins_there)| (Flow::Remote(answer), begins_there))
            }
            Self::Here(here) => Ok((Flow::Here(here.blob(digest, from).await?), true)),
        }
    }

    pub fn senseless(&self, problem: &str) -> Error {
        match self {
            Self::Remote(remote) => remote.senseless(problem),
            Self::Here(here) => here.trouble(problem),
        }
    }

    /// It broke off, and `problem` says why.
    pub fn broken_off(&self, problem: String) -> Error {
        match self {
            Self::Remote(remote) => Error::Unreachable { host: remote.place().host.name().into(), problem },
            Self::Here(_) => self.senseless(&problem),
        }
    }
}

impl Flow {
    /// The next bytes; what went wrong, in words.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        match self {
            Self::Remote(answer) => answer.response.chunk().await.map_err(|error| deepest(&error)),
            Self::Here(bytes) => bytes.next().await.transpose().map_err(|trouble| trouble.to_string()),
        }
    }
}
