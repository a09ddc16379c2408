//! [`Bucket`]: objects by name, with errors that say what to do.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use engine::ports::Trouble;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt,
    aws::AmazonS3,
    multipart::{MultipartStore, PartId},
};

use super::place::{Credentials, Place};
use crate::blobs::new_upload_id;

/// A bucket, or the part of one below a prefix. Clones speak over the same connections.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    place: Arc<Place>,
    client: Arc<AmazonS3>,
}

/// An object that was opened.
pub(super) struct Opened {
    /// The size of the whole object, whatever range was asked for.
    pub size: u64,
    pub bytes: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Bucket {
    pub fn new(place: Place, credentials: &Credentials) -> Result<Self, Trouble> {
        let client = place.connect(credentials)?;
        Ok(Self { place: Arc::new(place), client })
    }

    /// Writes a name that nobody has, reads it, and removes it: so whatever is wrong is said before anybody depends on it.
    pub async fn check(&self) -> Result<(), Trouble> {
        let name = format!("probe/{}", new_upload_id("")?.name());
        self.put(&name, Bytes::from(name.clone())).await?;
        let read = self.whole(&name).await?;
        self.delete(&name).await?;
        if read.as_deref() == Some(name.as_bytes()) {
            return Ok(());
        }
        Err(Trouble::new(format!("use `{}`", self.place), "what was just written is not what is read"))
    }

    /// The size of an object.
    pub async fn size(&self, name: &str) -> Result<Option<u64>, Trouble> {
        let found = self.client.head(&self.place.key(name)).await;
        Ok(self.if_there("look for", name, found)?.map(|found| found.size))
    }

    /// Opens an object, or a range of it, which may reach past its end.
    pub async fn open(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Opened>, Trouble> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.client.get_opts(&self.place.key(name), options).await;
        let opened = |found: GetResult| Opened { size: found.meta.size, bytes: found.into_stream() };
        Ok(self.if_there("read", name, found)?.map(opened))
    }

    /// The whole of an object that is known to be small.
    pub async fn whole(&self, name: &str) -> Result<Option<Bytes>, Trouble> {
        let found = self.client.get(&self.place.key(name)).await;
        match self.if_there("read", name, found)? {
            Some(found) => found.bytes().await.map(Some).map_err(|error| self.trouble("read", name, error)),
            None => Ok(None),
        }
    }

    /// Puts an object: whole or not at all, and durable when it returns.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Trouble> {
        let put = self.client.put(&self.place.key(name), bytes.into()).await;
        put.map(drop).map_err(|error| self.trouble("write", name, error))
    }

    /// Removes an object, if it is there.
    pub async fn delete(&self, name: &str) -> Result<(), Trouble> {
        let deleted = self.client.delete(&self.place.key(name)).await;
        self.if_there("remove", name, deleted).map(drop)
    }

    /// Copies an object within the storage, at most 5 GiB of it.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), Trouble> {
        let copied = self.client.copy(&self.place.key(from), &self.place.key(to)).await;
        copied.map_err(|error| self.trouble("copy", from, error))
    }

    /// Names below `folder` in their order, those after `after`.
    pub fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'_, Result<(String, ObjectMeta), Trouble>> {
        let (prefix, what) = (self.place.key(folder), format!("{folder}/"));
        let found = match after {
            Some(after) => self.client.list_with_offset(Some(&prefix), &self.place.key(&format!("{folder}/{after}"))),
            None => self.client.list(Some(&prefix)),
        };
        let below = format!("{prefix}/");
        let named = move |meta: ObjectMeta| {
            let name = meta.location.as_ref().strip_prefix(&below).unwrap_or_default().to_owned();
            (name, meta)
        };
        found.map_ok(named).map_err(move |error| self.trouble("list", &what, error)).boxed()
    }

    pub async fn begin_multipart(&self, name: &str) -> Result<String, Trouble> {
        let begun = self.client.create_multipart(&self.place.key(name)).await;
        begun.map_err(|error| self.trouble("write", name, error))
    }

    /// Puts a part; what the storage calls it.
    pub async fn put_part(&self, name: &str, multipart: &str, number: u64, bytes: Bytes) -> Result<String, Trouble> {
        let number = usize::try_from(number).map_err(|error| Trouble::new(format!("write `{name}`"), error))?;
        let put = self.client.put_part(&self.place.key(name), &multipart.to_owned(), number, bytes.into()).await;
        put.map(|part| part.content_id).map_err(|error| self.trouble("write a part of", name, error))
    }

    /// Makes the parts one object.
    pub async fn complete(&self, name: &str, multipart: &str, etags: Vec<String>) -> Result<(), Trouble> {
        let parts = etags.into_iter().map(|content_id| PartId { content_id }).collect();
        let completed = self.client.complete_multipart(&self.place.key(name), &multipart.to_owned(), parts).await;
        completed.map(drop).map_err(|error| self.trouble("put together", name, error))
    }

    pub async fn abort(&self, name: &str, multipart: &str) -> Result<(), Trouble> {
        let aborted = self.client.abort_multipart(&self.place.key(name), &multipart.to_owned()).await;
        self.if_there("abort", name, aborted).map(drop)
    }

    fn if_there<T>(&self, verb: &str, name: &str, found: object_store::Result<T>) -> Result<Option<T>, Trouble> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { source, .. }) if !source_chain(&*source).contains("NoSuchBucket") => Ok(None),
            Err(error) => Err(self.trouble(verb, name, error)),
        }
    }

    /// What went wrong, and what to look at. Requests carry their credentials in headers, which no error repeats.
    pub fn trouble(&self, verb: &str, name: &str, error: Error) -> Trouble {
        let hint = match &error {
            Error::NotFound { .. } => {
                "the bucket is not there, or what is asked for is gone: make the bucket, or name the right one"
            }
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => {
                "the storage does not take these credentials for this: look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and what they may do"
            }
            _ => "look at the address, at the region, and whether the storage is up",
        };
        let said = source_chain(&error);
        Trouble::new(format!("{verb} `{name}` in `{}`", self.place), format!("{hint} ({said})"))
    }
}

/// An error with all that it comes from, in one line.
fn source_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        source = cause.source();
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(600).collect()
}
