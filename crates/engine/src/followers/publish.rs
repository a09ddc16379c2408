//! Publishes the ledger: cuts tiles and entry bundles (C2SP tlog-tiles), and signs a checkpoint over them.
//!
//! The key signs one history. What is signed next begins with what was signed last, and ends at the ledger's head; where that is not so,
//! nothing is signed.

mod tree;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tlog::{Checkpoint, EntryBundle, SignerKey, Tile, VerifiedCheckpoint, bundles_for, tiles_for};

use crate::{
    Error,
    ports::{Head, Trouble},
    shared::{Shared, rest},
};
use tree::{Tree, agrees, resume};

/// How long the publisher lets entries gather, so that a busy ledger is not signed for each of them: unless somebody waits for them, and at least
/// for the shorter time even then.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long to wait before trying again after trouble.
const PATIENCE: Duration = Duration::from_secs(2);
/// The turn at publishing, where several replicas could: one does, unless somebody waits for another.
const TURN: &str = "publish";
const TURN_LASTS: Duration = Duration::from_secs(5);
/// How many entries are published at once: at most 256 full bundles of entries.
const CHUNK: u64 = 65_536;
/// How many files are put, or swept, at once.
const FILES: usize = 64;

pub(crate) struct Publisher {
    shared: Arc<Shared>,
    signer: SignerKey,
    /// The tree as it is published. None after trouble: what was written then is not known, until it was read again.
    tree: Option<Tree>,
    /// Up to which entry the partial versions of full tiles are gone.
    swept: u64,
}

/// Why nothing is published.
#[derive(Debug)]
enum Unpublished {
    /// The ledger is not what was signed, or not what its head says. Signing it would make a second history.
    Forked(String),
    /// Something broke.
    Broken(Error),
}

impl Publisher {
    pub async fn open(shared: Arc<Shared>, signer: SignerKey) -> Result<Self, Error> {
        let opened = open(&shared, &signer).await;
        let tree = opened.map_err(|unpublished| match unpublished {
            Unpublished::Forked(problem) => Error::broken("open the ledger", problem),
            Unpublished::Broken(error) => error,
        })?;
        // Those of the last chunk may have outlived a crash.
        let swept = tree.size().saturating_sub(CHUNK);
        Ok(Self { shared, signer, tree: Some(tree), swept })
    }

    pub async fn run(mut self) {
        loop {
            let published = *self.shared.published.borrow();
            if !self.shared.wait_past(published).await {
                return;
            }
            match self.publish().await {
                Ok(()) => {
                    tokio::time::sleep(PAUSE_MIN).await;
                    let published = *self.shared.published.borrow();
                    rest(&self.shared.wanted_published, published, PAUSE).await;
                }
                Err(Unpublished::Forked(problem)) => {
                    tracing::error!(problem, published, "Nothing is signed any more: it would be a second history");
                    return;
                }
                Err(Unpublished::Broken(error)) => {
                    tracing::error!(%error, published, "The ledger cannot be published");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
    }

    /// Publishes everything up to the head as it is now. The checkpoint comes last, so whoever sees it sees all that it covers.
    async fn publish(&mut self) -> Result<(), Unpublished> {
        // It is put back only when all of it is written.
        let mut tree = match self.tree.take() {
            Some(tree) => tree,
            None => open(&self.shared, &self.signer).await?,
        };
        if self.shared.ports.ledger.is_shared() {
            self.take_over(&mut tree).await?;
            let is_asked = *self.shared.wanted_published.borrow() > tree.size();
            if !is_asked && self.shared.ports.ledger.take_turn(TURN, TURN_LASTS).await?.is_none() {
                self.tree = Some(tree);
                return Ok(());
            }
        }
        let Head { frontier, .. } = self.shared.ports.ledger.head().await?;
        let target = frontier.size();
        if !agrees(&self.shared, tree.frontier(), &frontier).await? {
            return Err(Unpublished::Forked(not_its_head(target)));
        }
        while tree.size() < target {
            let (from, to) = (tree.size(), target.min(tree.size() + CHUNK));
            tree.extend(&self.shared, to).await?;
            self.put_bundles(from, to).await?;
            self.put_tiles(&mut tree).await?;
        }
        let checkpoint = Checkpoint::new(self.signer.name().as_str(), target, tree.frontier().root())
            .and_then(|checkpoint| checkpoint.sign(&self.signer))
            .map_err(|error| Error::broken("sign the checkpoint", error))?;
        if target > *self.shared.published.borrow() {
            self.shared.ports.tiles.put(vec![("checkpoint".into(), checkpoint.to_string().into())]).await?;
            self.shared.published.send_replace(target);
        }
        self.tree = Some(tree);
        self.sweep(target).await;
        Ok(())
    }

    /// Goes on from what another replica has published meanwhile. Several may publish at the same time: what they sign agrees, since all of it is
    /// checked against the one ledger, and they put the same bytes under the same names.
    async fn take_over(&self, tree: &mut Tree) -> Result<(), Unpublished> {
        let Some(checkpoint) = published(&self.shared, &self.signer).await? else { return Ok(()) };
        // Without a tree there is nothing to go on from: it is cut anew, be it for the second time.
        if tree.size() == 0 || checkpoint.size() <= tree.size() {
            return Ok(());
        }
        tree.extend(&self.shared, checkpoint.size()).await?;
        if tree.frontier().root() != checkpoint.root() {
            return Err(Unpublished::Forked(format!(
                "another replica has signed another tree of {} entries",
                tree.size()
            )));
        }
        // They were put before the checkpoint.
        drop(tree.take_tiles());
        self.shared.published.send_replace(tree.size());
        Ok(())
    }

    async fn put_tiles(&self, tree: &mut Tree) -> Result<(), Error> {
        let mut files = Vec::new();
        for (tile, hashes) in tree.take_tiles() {
            let bytes = tile.encode(&hashes).map_err(|error| Error::broken(format!("encode {tile}"), error))?;
            files.push((tile.to_string(), Bytes::from(bytes)));
        }
        for files in files.chunks(FILES) {
            self.shared.ports.tiles.put(files.to_vec()).await?;
        }
        Ok(())
    }

    async fn put_bundles(&self, from: u64, to: u64) -> Result<(), Error> {
        for bundle in bundles_for(from, to) {
            let entries = self.shared.ports.ledger.read(bundle.first_entry(), usize::from(bundle.width())).await?;
            let bytes = EntryBundle::encode(&bundle, &entries)
                .map_err(|error| Error::broken(format!("encode {bundle}"), error))?;
            self.shared.ports.tiles.put(vec![(bundle.to_string(), bytes.into())]).await?;
        }
        Ok(())
    }

    /// Removes the partial versions of the tiles and bundles that became full: the checkpoint that was just signed covers the full ones, and
    /// whoever follows an earlier one takes those instead.
    async fn sweep(&mut self, size: u64) {
        let tiles = tiles_for(self.swept, size).filter(Tile::is_full).map(|tile| tile.to_string());
        let bundles = bundles_for(self.swept, size).filter(EntryBundle::is_full).map(|bundle| bundle.to_string());
        let full: Vec<String> = tiles.chain(bundles).collect();
        for full in full.chunks(FILES) {
            if let Err(error) = self.shared.ports.tiles.delete_partials(full.to_vec()).await {
                tracing::warn!(%error, "Partial tiles that nobody needs any more cannot be removed");
            }
        }
        self.swept = size;
    }
}

/// The tree as it is published, which must be that of the ledger's first entries. Says in `published` how much that is.
async fn open(shared: &Shared, signer: &SignerKey) -> Result<Tree, Unpublished> {
    // In this order: another replica may publish what it commits meanwhile.
    let checkpoint = published(shared, signer).await?;
    let head = shared.ports.ledger.head().await?.frontier;
    let tree = match checkpoint {
        Some(checkpoint) if checkpoint.size() > head.size() => return Err(older(head.size(), checkpoint.size())),
        Some(checkpoint) => signed_tree(shared, &checkpoint).await?,
        None => Tree::default(),
    };
    // More is looked at when it is published, before it is signed.
    if head.size() - tree.size() <= CHUNK && !agrees(shared, tree.frontier(), &head).await? {
        return Err(Unpublished::Forked(not_its_head(head.size())));
    }
    shared.published.send_replace(tree.size());
    Ok(tree)
}

/// The published checkpoint. One that is not ours, or damaged, counts as none: all is published anew.
async fn published(shared: &Shared, signer: &SignerKey) -> Result<Option<VerifiedCheckpoint>, Unpublished> {
    let Some(note) = shared.ports.tiles.get("checkpoint").await? else { return Ok(None) };
    match Checkpoint::open(&note, &[signer.verifier_key()]) {
        Ok(checkpoint) => Ok(Some(checkpoint)),
        Err(error) => {
            tracing::warn!(%error, "The published checkpoint is not readable; the ledger is published anew");
            Ok(None)
        }
    }
}

fn older(size: u64, published: u64) -> Unpublished {
    Unpublished::Forked(format!(
        "it has {size} entries, but {published} were published: the database is older than the checkpoint. Restore the newer one"
    ))
}

/// The tree that was signed. If the published tiles do not lead to its root, the entries tell whose fault that is: tiles are made anew, but
/// other entries than were signed are never published.
async fn signed_tree(shared: &Shared, checkpoint: &VerifiedCheckpoint) -> Result<Tree, Unpublished> {
    let size = checkpoint.size();
    let problem = match resume(shared, size).await {
        Ok(tree) if tree.frontier().root() == checkpoint.root() => return Ok(tree),
        Ok(_) => "they do not lead to the root that was signed".to_owned(),
        Err(error) => error.to_string(),
    };
    if tree::root_of_entries(shared, size).await? != checkpoint.root() {
        return Err(Unpublished::Forked(format!(
            "its first {size} entries are not those that were signed: the database was changed, or belongs to another ledger. Restore the one \
             that was published; `selfsame audit verify --data` names what is different"
        )));
    }
    tracing::warn!(problem, size, "The published tiles are damaged; the ledger is published anew");
    Ok(Tree::default())
}

fn not_its_head(size: u64) -> String {
    format!(
        "its {size} entries do not lead to its head: the database was changed. Restore one from before; `selfsame audit verify --data` names \
         what is different"
    )
}

impl From<Error> for Unpublished {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Trouble> for Unpublished {
    fn from(trouble: Trouble) -> Self {
        Self::Broken(trouble.into())
    }
}
