//! `selfsame backup`: the ledger and every blob that it names, in a folder.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use engine::Copied;
use serde_json::json;

use super::{
    audit::read_key,
    storage::{KeysFolder, StorageArgs},
};
use crate::{
    compose::{files_in, files_of},
    context::Context,
    keys::Keys,
    outcome::{Failure, Outcome},
    output, progress,
};

/// Copy the ledger, up to its newest checkpoint, and every blob that it names, into a folder. The server may go on meanwhile. What the folder has already
/// is not copied again. Where blobs and published files are in object storage they are copied from there; the database is not
/// needed. Exit code 1 if a blob is missing or damaged.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame backup --data /var/lib/selfsame --to /mnt/backup --with-key")]
pub struct BackupArgs {
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    keys: KeysFolder,
    /// The folder to copy to: empty, or an earlier backup of the same ledger.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy the private keys of the ledger and of its receipts, too. Whoever has them can sign in its name; without the ledger's no server can go on with what is restored.
    #[arg(long)]
    with_key: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: BackupArgs) -> Outcome {
    let folder = args.storage.readable()?.with_keys(args.keys.keys);
    let keys = folder.keys();
    let key = read_key(&keys.public().display().to_string())?;
    let bars = progress::Copying::default();
    let copied = engine::backup(&files_of(folder.path())?, &files_in(&args.to)?, &key, |step| bars.show(step)).await;
    bars.finish();
    let copied = copied.map_err(|error| Failure::broken(error.to_string()))?;
    copy_keys(&keys, &args.to, args.with_key)?;
    output::answer(context.json, &answer(&copied), |_| {
        format!("{} to `{}`{}", describe(&copied), args.to.display(), problems(&copied.problems))
    })?;
    whole(&copied.problems)
}

/// What was copied, for programs.
pub(super) fn answer(copied: &Copied) -> serde_json::Value {
    json!({
        "entries": copied.entries, "blobs": copied.blobs, "blobs_new": copied.blobs_new, "bytes_new": copied.bytes_new,
        "problems": copied.problems,
    })
}

/// What was copied, for people.
pub(super) fn describe(copied: &Copied) -> String {
    let Copied { entries, blobs, blobs_new, bytes_new, .. } = copied;
    format!("copied {entries} entries and {blobs} blobs, {blobs_new} of them new ({})", output::bytes(*bytes_new))
}

/// A line for each problem.
pub(super) fn problems(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\nFOUND: {problem}")).collect()
}

/// The outcome of a copy.
pub(super) fn whole(problems: &[String]) -> Outcome {
    match problems.len() {
        0 => Ok(()),
        count => Err(Failure::Negative(format!(
            "{count} blobs that the ledger names could not be copied: push them again, or take them from an earlier backup"
        ))),
    }
}

/// Copies the keys of a ledger: the public ones, and the private ones if that is said. The receipts' key may be missing; the first token stays where it is.
pub(super) fn copy_keys(keys: &Keys, to: &Path, private: bool) -> Outcome {
    let (folder, has_receipts) = (keys.folder(), keys.receipts_public().is_file());
    copy_key(folder, to, "ledger.pub", 0o644)?;
    if has_receipts {
        copy_key(folder, to, "receipts.pub", 0o644)?;
    }
    if private {
        copy_key(folder, to, "ledger.key", 0o600)?;
    }
    if private && has_receipts && keys.receipts_private().is_file() {
        copy_key(folder, to, "receipts.key", 0o600)?;
    }
    Ok(())
}

/// Copies a file of a folder of keys into that of the storage or backup `to`, unless it is there.
fn copy_key(keys: &Path, to: &Path, name: &str, mode: u32) -> Outcome {
    let (source, target) = (keys.join(name), to.join("keys").join(name));
    let copy = || {
        fs::create_dir_all(to.join("keys"))?;
        let bytes = fs::read(&source)?;
        let file = fs::File::options().write(true).create_new(true).mode(mode).open(&target);
        match file {
            Ok(mut file) => io::Write::write_all(&mut file, &bytes).and_then(|()| file.sync_all()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::read(&target)? == bytes => Ok(()),
            Err(error) => Err(error),
        }
    };
    copy().map_err(|error| Failure::broken(format!("copy `{}` to `{}`: {error}", source.display(), target.display())))
}
