//! `selfsame backup`: the ledger and every blob that it names, in a folder.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use engine::Copied;
use serde_json::json;

use super::audit::read_key;
use crate::{
    compose::files_in,
    context::Context,
    outcome::{Failure, Outcome},
    output, progress,
};

/// Copy the ledger, up to its newest checkpoint, and every blob that it names, into a folder. The server may go on meanwhile. What the folder has already
/// is not copied again. Exit code 1 if a blob is missing or damaged.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame backup --data /var/lib/selfsame --to /mnt/backup --with-key")]
pub struct BackupArgs {
    /// The data directory.
    #[arg(long, env = "SELFSAME_DATA", default_value = "selfsame-data", value_name = "DIR")]
    data: PathBuf,
    /// The folder to copy to: empty, or an earlier backup of the same ledger.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy the ledger's private key, too. Whoever has it can sign in the ledger's name; without it no server can go on with a restored ledger.
    #[arg(long)]
    with_key: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: BackupArgs) -> Outcome {
    if !args.data.is_dir() {
        let problem = format!("there is no folder `{}`", args.data.display());
        return Err(Failure::usage(problem, "give the data directory of a server with --data"));
    }
    let key = read_key(&args.data.join("keys/ledger.pub").display().to_string())?;
    let bars = progress::Copying::default();
    let copied = engine::backup(&files_in(&args.data)?, &files_in(&args.to)?, &key, |step| bars.show(step)).await;
    bars.finish();
    let copied = copied.map_err(|error| Failure::broken(error.to_string()))?;
    copy_key(&args.data, &args.to, "ledger.pub", 0o644)?;
    if args.with_key {
        copy_key(&args.data, &args.to, "ledger.key", 0o600)?;
    }
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

/// Copies a file of `keys`, unless it is there.
pub(super) fn copy_key(from: &Path, to: &Path, name: &str, mode: u32) -> Outcome {
    let (source, target) = (from.join("keys").join(name), to.join("keys").join(name));
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
