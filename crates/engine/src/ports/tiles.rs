//! [`Tiles`]: the published ledger, as files that anybody can mirror.

use async_trait::async_trait;
use bytes::Bytes;

use super::Trouble;

/// Files by their path within the ledger, as C2SP tlog-tiles lays them out: `checkpoint`, `tile/0/000`, `tile/entries/000`.
///
/// Every file can be made anew from the ledger. Putting a file replaces it atomically; a reader sees the old one or the new one.
#[async_trait]
pub trait Tiles: Send + Sync + 'static {
    /// The file at `path`, `None` if there is none or `path` is not a path of a ledger file.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble>;

    /// Puts files, durable when it returns, in the order given: a reader that sees one sees those before it.
    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble>;
}
