//! [`Tiles`]: the published ledger, as files that anybody can mirror.

use async_trait::async_trait;
use bytes::Bytes;

use super::Trouble;

/// Files by their path within the ledger, as C2SP tlog-tiles lays them out: `checkpoint`, `tile/0/000`, `tile/entries/000`.
///
/// * Every file can be made anew from the ledger. Putting a file replaces it atomically; a reader sees the old one or the new one.
/// * What is got may be damaged: the files are their own check. Outside of the engine they are read through `Engine::ledger_file`, which hands
///   out nothing that does not follow from the signed checkpoint.
#[async_trait]
pub trait Tiles: Send + Sync + 'static {
    /// The file at `path`, `None` if there is none or `path` is not a path of a ledger file.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Trouble>;

    /// Puts files, durable when it returns, in the order given: a reader that sees one sees those before it.
    async fn put(&self, files: Vec<(String, Bytes)>) -> Result<(), Trouble>;

    /// Removes every partial version of these full tiles and bundles, as far as there are any. Need not be durable.
    async fn delete_partials(&self, full: Vec<String>) -> Result<(), Trouble>;
}
