//! [`Here`]: a repository of this server, read where it lies: nobody is asked, and no token is needed.

use domain::{Digest, RepositoryName};
use engine::{
    Engine, Recalled,
    manifest::MANIFEST_BYTES_MAX,
    ports::{ByteStream, Trouble},
};
use futures::{StreamExt, stream};

use crate::{Error, Manifest, Reference};

/// How many referrers one manifest has at most.
const REFERRERS_MAX: usize = 10_000;

/// A repository of this server.
#[derive(Clone)]
pub struct Here {
    engine: Engine,
    repository: RepositoryName,
}

impl Here {
    /// The repository with this name.
    pub fn new(engine: Engine, repository: RepositoryName) -> Self {
        Self { engine, repository }
    }

    pub(crate) fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// What broke when it was read.
    pub(crate) fn trouble(&self, problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Here(Trouble::new(format!("read `{}`", self.repository), problem))
    }

    pub(crate) async fn digest_of(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        let catalog = &self.engine.ports().catalog;
        Ok(match reference {
            Reference::Tag(tag) => {
                catalog.tag(&self.repository, tag).await.map_err(Error::Here)?.map(|(digest, ..)| digest)
            }
            Reference::Digest(digest) => {
                catalog.manifest(&self.repository, digest).await.map_err(Error::Here)?.map(|_| digest.clone())
            }
        })
    }

    pub(crate) async fn manifest(&self, reference: &Reference) -> Result<Option<Manifest>, Error> {
        let Some(digest) = self.digest_of(reference).await? else { return Ok(None) };
        let ports = self.engine.ports();
        let known = ports.catalog.manifest(&self.repository, &digest).await.map_err(Error::Here)?;
        let Some((media_type, _)) = known else { return Ok(None) };
        self.bring_to_hand(&digest).await?;
        let bytes = ports.blobs.read(&digest, MANIFEST_BYTES_MAX as u64).await.map_err(Error::Here)?;
        Ok(bytes.map(|bytes| Manifest { digest, media_type, bytes }))
    }

    pub(crate) async fn referrers(&self, subject: &Digest) -> Result<Vec<Digest>, Error> {
        let catalog = &self.engine.ports().catalog;
        let found =
            catalog.referrers(&self.repository, subject, None, None, REFERRERS_MAX + 1).await.map_err(Error::Here)?;
        if found.len() > REFERRERS_MAX {
            return Err(self.trouble(format!("`{subject}` has more than {REFERRERS_MAX} referrers")));
        }
        Ok(found.into_iter().map(|referrer| referrer.digest).collect())
    }

    /// A blob's bytes from `from` on.
    pub(crate) async fn blob(&self, digest: &Digest, from: u64) -> Result<ByteStream, Error> {
        let missing = || Error::Missing { what: format!("blob `{digest}` of `{}`", self.repository) };
        let ports = self.engine.ports();
        let size = ports.catalog.blob(&self.repository, digest).await.map_err(Error::Here)?.ok_or_else(missing)?;
        self.bring_to_hand(digest).await?;
        if from >= size {
            return Ok(stream::empty().boxed());
        }
        let range = (from > 0).then(|| from..=size - 1);
        let blob = ports.blobs.get(digest, range).await.map_err(Error::Here)?;
        Ok(blob.ok_or_else(missing)?.bytes)
    }

    /// What lies in the archive has to come back first.
    async fn bring_to_hand(&self, digest: &Digest) -> Result<(), Error> {
        if self.engine.ports().blobs.size(digest).await.map_err(Error::Here)?.is_some() {
            return Ok(());
        }
        match self.engine.recall(digest).await {
            Ok(Recalled::AtHand) => Ok(()),
            Ok(Recalled::Coming) => Err(self.trouble(format!("`{digest}` is on its way back from the archive"))),
            Ok(Recalled::Gone) => Err(Error::Missing { what: format!("`{digest}` of `{}`", self.repository) }),
            Err(error) => Err(self.trouble(error)),
        }
    }
}
