//! `selfsame audit prove`: a proof of one entry that verifies offline.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Place, believed_checkpoint, key_or_server_s};
use crate::{
    audit::{prove, read_entry},
    context::Context,
    outcome::{Failure, Outcome},
    output,
};

/// Write a proof that the ledger holds an entry (C2SP tlog-proof), with the entry in it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit prove 42 -o entry.tlog-proof\n  selfsame audit verify-proof entry.tlog-proof --key ledger.pub"
)]
pub struct ProveArgs {
    /// The index of the entry.
    index: u64,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The ledger's public key, or a file that holds it; the server's own word without it.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What was proved.
#[derive(Serialize)]
struct Proved {
    index: u64,
    size: u64,
    file: PathBuf,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ProveArgs) -> Outcome {
    let (source, context) = args.place.open(context).await?;
    let key = key_or_server_s(&source, args.key.as_deref()).await?;
    let (note, checkpoint) = believed_checkpoint(&source, &key).await?;
    let entry = read_entry(&source, args.index, checkpoint.size()).await?;
    let proof = prove(&source, args.index, &entry, &note, &checkpoint).await?;
    std::fs::write(&args.output, proof.to_string()).map_err(|error| Failure::file(&args.output, &error))?;
    let proved = Proved { index: args.index, size: checkpoint.size(), file: args.output };
    output::answer(context.json, &proved, |proved| {
        format!("entry {} of {} is proved in {}", proved.index, proved.size, proved.file.display())
    })
}
