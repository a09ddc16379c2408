//! [`Session`]: what is known of an upload between two requests, whichever replica takes the next one; and [`Sessions`], who keeps it.

use async_trait::async_trait;
use domain::{Algorithm, Timestamp};
use engine::ports::{Trouble, UploadId};
use serde::{Deserialize, Serialize};

/// Keeps uploads that are under way, for all replicas. Durable when it returns.
///
/// A session changes only by whoever knows its version. So of two replicas that go on with the same upload one is told that it is late, and
/// nothing that it did counts.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Begins a session, in its first version.
    async fn begin(&self, id: &UploadId, document: String, now: Timestamp) -> Result<(), Trouble>;

    /// The version of a session, and its document.
    async fn find(&self, id: &UploadId) -> Result<Option<(u64, String)>, Trouble>;

    /// Puts another document, and perhaps one more part, if the session is still of this version; `false` if it is not. It is of the next
    /// version then.
    async fn advance(
        &self,
        id: &UploadId,
        version: u64,
        document: String,
        part: Option<StoredPart>,
        now: Timestamp,
    ) -> Result<bool, Trouble>;

    /// The parts of a session, in their order.
    async fn parts(&self, id: &UploadId) -> Result<Vec<StoredPart>, Trouble>;

    /// Forgets a session and its parts, if it is still of this version; `false` if it is not.
    async fn end(&self, id: &UploadId, version: u64) -> Result<bool, Trouble>;

    /// Sessions that nobody has changed since `before`, at most `limit`, with their versions.
    async fn stale(&self, before: Timestamp, limit: usize) -> Result<Vec<(UploadId, u64)>, Trouble>;
}

/// A part that object storage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Which, from 0.
    pub number: u64,
    /// What the storage calls it.
    pub etag: String,
    /// The sums of its chunks, eight bytes each, most significant first.
    pub sums: Vec<u8>,
}

/// Keeps none, for whoever only reads.
#[derive(Clone, Copy, Debug)]
pub struct NoSessions;

#[async_trait]
impl Sessions for NoSessions {
    async fn begin(&self, _: &UploadId, _: String, _: Timestamp) -> Result<(), Trouble> {
        Err(Trouble::new("begin an upload", "this storage was opened to be read"))
    }

    async fn find(&self, _: &UploadId) -> Result<Option<(u64, String)>, Trouble> {
        Ok(None)
    }

    async fn advance(
        &self,
        _: &UploadId,
        _: u64,
        _: String,
        _: Option<StoredPart>,
        _: Timestamp,
    ) -> Result<bool, Trouble> {
        Ok(false)
    }

    async fn parts(&self, _: &UploadId) -> Result<Vec<StoredPart>, Trouble> {
        Ok(Vec::new())
    }

    async fn end(&self, _: &UploadId, _: u64) -> Result<bool, Trouble> {
        Ok(false)
    }

    async fn stale(&self, _: Timestamp, _: usize) -> Result<Vec<(UploadId, u64)>, Trouble> {
        Ok(Vec::new())
    }
}

/// An upload on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// What its parts are hashed by.
    #[serde(with = "by_name")]
    pub algorithm: Algorithm,
    /// The state of the hash after the last part, in hexadecimal.
    pub hash: String,
    /// How many parts there are.
    pub parts: u64,
    /// How many bytes there are, those of the tail included.
    pub size: u64,
    /// The object with the bytes after the last part, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// What the storage calls the multipart upload, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<String>,
    /// What the storage calls the multipart upload to the blob itself, where the bytes are read again on their way there, and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<(String, String)>,
    /// Whether somebody is putting parts, or was when it ended.
    #[serde(default)]
    pub writing: bool,
    /// Whether a part may have been put by somebody who no longer should have: then only the bytes themselves tell what is there.
    #[serde(default)]
    pub doubtful: bool,
    /// Whether its end has begun: no byte is added any more.
    #[serde(default)]
    pub finishing: bool,
}

/// A session as somebody has read or written it.
pub(super) struct Held {
    pub id: UploadId,
    pub version: u64,
    pub session: Session,
}

impl Session {
    /// A session with no bytes, whose hash is in its first state.
    pub fn new(algorithm: Algorithm, hash: String) -> Self {
        Self {
            algorithm,
            hash,
            parts: 0,
            size: 0,
            tail: None,
            multipart: None,
            carried: None,
            writing: false,
            doubtful: false,
            finishing: false,
        }
    }

    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a session can be written as JSON")
    }

    pub fn decode(id: &UploadId, text: &str) -> Result<Self, Trouble> {
        serde_json::from_str(text).map_err(|error| Trouble::new(format!("read the session of upload `{id}`"), error))
    }
}

/// The sums of chunks as bytes.
pub(super) fn sums_to_bytes(sums: &[u64]) -> Vec<u8> {
    sums.iter().flat_map(|sum| sum.to_be_bytes()).collect()
}

/// The sums of chunks from their bytes.
pub(super) fn sums_from_bytes(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks::<8>().0.iter().map(|sum| u64::from_be_bytes(*sum))
}

/// A hash function by its name.
mod by_name {
    use domain::Algorithm;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(algorithm: &Algorithm, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(algorithm)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Algorithm, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
