//! [`Earlier`]: what was signed earlier, which the ledger must still begin with.

use std::path::Path;

use tlog::{Checkpoint, Hash, VerifiedCheckpoint, VerifierKey, bundles_for};

use super::{Finding, Source};
use crate::outcome::{Failure, Outcome};

/// How many rewritten entries are named at most.
const NAMED_MAX: usize = 100;

/// An earlier checkpoint, and the tiles of that time if they were kept.
pub struct Earlier {
    /// The checkpoint.
    pub checkpoint: VerifiedCheckpoint,
    mirror: Option<Source>,
}

impl Earlier {
    /// Reads an earlier checkpoint from a file, or a whole earlier copy of the ledger from a folder.
    pub async fn read(path: &Path, key: &VerifierKey) -> Outcome<Self> {
        let mirror = path.is_dir().then(|| Source::Directory(path.to_owned()));
        let file = if mirror.is_some() { path.join("checkpoint") } else { path.to_owned() };
        let note = tokio::fs::read(&file).await.map_err(|error| Failure::file(&file, &error))?;
        let checkpoint = Checkpoint::open(&note, std::slice::from_ref(key));
        let checkpoint = checkpoint.map_err(|error| {
            Failure::usage(
                format!("`{}` is not believed: {error}", file.display()),
                "give a checkpoint that the key signed",
            )
        })?;
        Ok(Self { checkpoint, mirror })
    }

    /// Whether the ledger still begins as it did. `root` is the root of its first entries, as many as the earlier checkpoint covers, if it
    /// has that many.
    pub async fn compare(
        &self,
        size: u64,
        root: Option<Hash>,
        published: &Source,
        findings: &mut Vec<Finding>,
    ) -> Outcome {
        let had = self.checkpoint.size();
        if size < had {
            findings.push(Finding::Truncated { size, had });
        }
        if root.is_some_and(|root| root != self.checkpoint.root()) {
            findings.push(Finding::HistoryRewritten { before: had });
        }
        if let Some(mirror) = &self.mirror {
            self.name_each(mirror, published, size, findings).await?;
        }
        Ok(())
    }

    /// Names each entry whose hash is another now.
    async fn name_each(&self, mirror: &Source, published: &Source, size: u64, findings: &mut Vec<Finding>) -> Outcome {
        let mut named = 0;
        for (before, now) in bundles_for(0, self.checkpoint.size()).zip(bundles_for(0, size)) {
            let before_hashes = match mirror.tile(&before.tile()).await? {
                Ok(hashes) => hashes,
                Err(problem) => return Err(Failure::broken(format!("the earlier copy: {problem}"))),
            };
            // What is wrong with a published file is found by the walk.
            let Ok(now_hashes) = published.tile(&now.tile()).await? else { continue };
            for (place, (old, new)) in before_hashes.iter().zip(&now_hashes).enumerate() {
                if old != new && named < NAMED_MAX {
                    named += 1;
                    findings.push(Finding::Rewritten { entry: before.first_entry() + place as u64 });
                }
            }
        }
        Ok(())
    }
}
