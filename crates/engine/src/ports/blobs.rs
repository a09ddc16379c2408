//! [`Blobs`]: bytes by digest.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Algorithm, Digest};
use futures::stream::BoxStream;

use super::{Tiers, Trouble};

/// Bytes on their way. An error ends the stream: whoever gets one must treat all that came before as worthless.
pub type ByteStream = BoxStream<'static, Result<Bytes, Trouble>>;

/// Which bytes of a blob, both ends included.
pub type BlobRange = RangeInclusive<u64>;

/// A blob that was opened.
pub struct Blob {
    /// The size of the whole blob in bytes, whatever range was asked for.
    pub size: u64,
    /// The bytes asked for. Each piece was checked against what was written before it is handed out; a piece that does not match ends the
    /// stream with an error and is never handed out.
    pub bytes: ByteStream,
}

/// An upload of somebody: 32 lower-case hexadecimal digits that nobody can guess, which are its name, and 32 that follow from whose it is.
/// So whoever knows the name of somebody else's upload still cannot find it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload, or it was finished, cancelled or collected.
    #[error("there is no upload `{0}`")]
    Unknown(UploadId),
    /// The bytes begin elsewhere than where the upload stands.
    #[error("the upload stands at byte {stands_at}, and these bytes begin at {begins_at}")]
    OutOfOrder {
        /// How many bytes there are.
        stands_at: u64,
        /// Where the refused bytes begin.
        begins_at: u64,
    },
    /// The bytes are not those of the digest.
    #[error("the bytes have the digest `{actual}`, not `{claimed}`")]
    DigestMismatch {
        /// What the client says.
        claimed: Digest,
        /// What the bytes say.
        actual: Digest,
    },
    /// The client's bytes ended with an error, or there were more than allowed. What came before stays, and the upload can go on.
    #[error("the upload was interrupted: {0}")]
    Interrupted(String),
    /// Storage broke.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Content-addressed bytes.
///
/// * What is stored under a digest has that digest. Storing the same digest again changes nothing.
/// * `put` and `finish_upload` are durable when they return: the data, then its directory entry.
/// * No partial blob is ever visible under a digest.
/// * An upload survives a restart up to the last byte that was acknowledged.
#[async_trait]
pub trait Blobs: Tiers {
    /// The size of a blob, in bytes.
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, Trouble>;

    /// Opens a blob, or a range of it that lies within its size.
    async fn get(&self, digest: &Digest, range: Option<BlobRange>) -> Result<Option<Blob>, Trouble>;

    /// The whole of a small blob, its digest verified; an error if it is larger than `limit` bytes or damaged.
    async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Trouble>;

    /// Stores a small blob whole.
    async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), UploadError>;

    /// Removes a blob; `false` if there was none.
    async fn delete(&self, digest: &Digest) -> Result<bool, Trouble>;

    /// Re-reads a blob and computes its digest: `Ok(None)` if there is none, `Ok(Some(true))` if its bytes are what they should be.
    async fn verify(&self, digest: &Digest) -> Result<Option<bool>, Trouble>;

    /// Digests in their order after `after`, at most `limit`.
    async fn list(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, Trouble>;

    /// Takes a damaged blob away from under its digest, and keeps its bytes elsewhere for whoever wants to look at them; `false` if there
    /// was none. Storing the blob again heals it.
    async fn set_aside(&self, digest: &Digest) -> Result<bool, Trouble>;

    /// Whether anything can be stored; if not, why. Once something could not be made durable, nothing is stored until a restart.
    fn writable(&self) -> Result<(), String>;

    /// Begins an upload that belongs to `owner`, a text that means something to the caller only. Its bytes are hashed by `algorithm` while they
    /// come; a digest by another one is as good in the end, and may have all of them read again.
    async fn begin_upload(&self, owner: &str, algorithm: Algorithm) -> Result<UploadId, Trouble>;

    /// How many bytes an upload has.
    async fn upload_offset(&self, id: &UploadId) -> Result<u64, UploadError>;

    /// Appends bytes that begin at `offset`, at most `limit` of them; answers with how many bytes the upload has then. Where an earlier
    /// request waits for bytes that do not come, a new one takes its place.
    async fn append(&self, id: &UploadId, offset: u64, bytes: ByteStream, limit: u64) -> Result<u64, UploadError>;

    /// Makes the upload the blob `digest`, if its bytes have that digest; answers with its size. A mismatch discards the upload.
    async fn finish_upload(&self, id: &UploadId, digest: &Digest) -> Result<u64, UploadError>;

    /// Discards an upload.
    async fn cancel_upload(&self, id: &UploadId) -> Result<(), UploadError>;

    /// Discards uploads that nobody has touched for `older_than`, with all that is left of others; answers with how many uploads that were.
    async fn collect_uploads(&self, older_than: Duration) -> Result<usize, Trouble>;
}

impl UploadId {
    /// How many digits a name has.
    const NAME: usize = 32;

    /// An upload of `owner` with a name from 16 random bytes.
    pub fn new(random: [u8; 16], owner: &str) -> Self {
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{name}{}", Self::of_owner(owner)))
    }

    /// The upload of `owner` with this name, if there is one.
    pub fn named(name: &str, owner: &str) -> Result<Self, InvalidUploadId> {
        if name.len() == Self::NAME { format!("{name}{}", Self::of_owner(owner)).parse() } else { Err(InvalidUploadId) }
    }

    /// What its owner calls it.
    pub fn name(&self) -> &str {
        &self.0[..Self::NAME]
    }

    /// All of it as text, safe as a file name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of_owner(owner: &str) -> String {
        Digest::sha256(owner.as_bytes()).hex()[..Self::NAME].to_owned()
    }
}

/// A text is no [`UploadId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an upload: lower-case hexadecimal digits, 32 in its name and 64 in all")]
pub struct InvalidUploadId;

impl FromStr for UploadId {
    type Err = InvalidUploadId;

    fn from_str(text: &str) -> Result<Self, InvalidUploadId> {
        let valid = text.len() == 2 * Self::NAME && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if valid { Ok(Self(text.into())) } else { Err(InvalidUploadId) }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
