//! `selfsame restore`: a server's storage from a backup, or from the data directory of another server.

use std::path::{Path, PathBuf};

use clap::Args;
use tlog::VerifierKey;

use super::{
    audit::{believed_checkpoint, read_key},
    backup::{answer, copy_keys, describe, problems, whole},
    storage::StorageArgs,
};
use crate::{
    audit::{Database, Source},
    compose::{DataDir, files_of},
    context::Context,
    keys::Keys,
    outcome::{Failure, Outcome},
    output, progress,
};

/// Put a ledger and its blobs into empty storage, checking each entry and each blob, and make anew what follows from them. One that broke off goes on
/// where it was. Exit code 1 if a blob is missing or damaged.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame restore --from /mnt/backup --data /var/lib/selfsame\n  selfsame restore --from old-data --data new-data --database postgres://selfsame@db/selfsame --objects s3://bucket/ledger"
)]
pub struct RestoreArgs {
    /// A backup, or the data directory of a server that is stopped.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    storage: StorageArgs,
    /// The ledger's public key, or a file that holds it; the one in the backup without it, which proves nothing about the backup itself.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: RestoreArgs) -> Outcome {
    let no_ledger = || {
        let problem = format!("`{}` holds no ledger", args.from.display());
        Failure::usage(problem, "give a backup, or the data directory of a server")
    };
    // Opening would make a folder that is not there.
    let from = if args.from.is_dir() { files_of(&args.from)? } else { return Err(no_ledger()) };
    if from.tiles.get("checkpoint").await?.is_none() {
        return Err(no_ledger());
    }
    let keys = Keys::new(args.from.join("keys"));
    let key = match &args.key {
        Some(key) => read_key(key)?,
        None => read_key(&keys.public().display().to_string())?,
    };
    expect_published(&args.from, &from, &key).await?;
    let bars = progress::Copying::default();
    let storage = args.storage.folder()?.open_for(&key.to_string()).await;
    let storage = storage.map_err(|unusable| Failure::broken(unusable.to_string()))?;
    let restored = engine::restore(&from, &storage.ports, &key, |step| bars.show(step)).await;
    bars.finish();
    let restored = restored.map_err(|error| Failure::broken(error.to_string()))?;
    let has_key = keys.private().is_file();
    copy_keys(&keys, &args.storage.data, has_key)?;
    let mut found = restored.copied.problems.clone();
    found.extend(
        restored.rebuilt.problems.iter().filter(|problem| !restored.copied.problems.contains(problem)).cloned(),
    );
    let next = if has_key {
        ""
    } else {
        "\nbefore a server can go on with it, put the ledger's private key at `keys/ledger.key`, and that of receipts at `keys/receipts.key`"
    };
    output::answer(context.json, &answer(&restored.copied), |_| {
        format!("{} to `{}`{next}{}", describe(&restored.copied), args.storage.data.display(), problems(&found))
    })?;
    whole(&found)
}

/// A data directory may have entries that were not published yet: they would be lost.
async fn expect_published(from: &Path, files: &engine::Files, key: &VerifierKey) -> Outcome {
    if !from.join("selfsame.db").is_file() {
        return Ok(());
    }
    let (_, checkpoint) = believed_checkpoint(&Source::Stored(files.tiles.clone()), key).await?;
    let size = Database::open(&DataDir::new(from)).await?.ports.ledger.head().await?.frontier.size();
    if size == checkpoint.size() {
        return Ok(());
    }
    let unpublished = size.saturating_sub(checkpoint.size());
    Err(Failure::broken(format!(
        "{unpublished} entries in `{}` are not published yet: start the server there once more, and stop it with a signal",
        from.display()
    )))
}
