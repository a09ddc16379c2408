//! `selfsame audit verify-proof`: checks a proof, offline.

use std::path::PathBuf;

use clap::Args;
use domain::Entry;
use serde::Serialize;
use tlog::TlogProof;

use super::{read_key, read_small};
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
};

/// Check a proof, offline, and show the entry that it proves.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame audit verify-proof entry.tlog-proof --key ledger.pub")]
pub struct VerifyProofArgs {
    /// The proof.
    file: PathBuf,
    /// The ledger's public key, or a file that holds it. Take it from a place that you trust.
    #[arg(long, value_name = "KEY")]
    key: String,
}

/// What the proof proves.
#[derive(Serialize)]
struct Proven {
    origin: String,
    index: u64,
    size: u64,
    entry: Entry,
}

/// Runs the verb.
pub fn run(context: &Context, args: &VerifyProofArgs) -> Outcome {
    let key = read_key(&args.key)?;
    let bytes = read_small(&args.file)?;
    let unproven = |problem: String| {
        let text = format!("`{}` proves nothing: {problem}", args.file.display());
        Failure::refused(
            "proof-invalid",
            text,
            Some("ask for the proof again, and check that the key is the ledger's".into()),
        )
    };
    let proof = TlogProof::parse(&bytes).map_err(|error| unproven(error.to_string()))?;
    let entry = proof.unauthenticated_extra().ok_or_else(|| unproven("it holds no entry".into()))?;
    let verified = proof.verify(entry, std::slice::from_ref(&key)).map_err(|error| unproven(error.to_string()))?;
    let entry = Entry::decode(entry).map_err(|error| unproven(error.to_string()))?;
    let checkpoint = verified.checkpoint();
    let proven =
        Proven { origin: checkpoint.origin().to_owned(), index: verified.index(), size: checkpoint.size(), entry };
    output::answer(context.json, &proven, |proven| {
        let entry = String::from_utf8_lossy(&proven.entry.encode()).into_owned();
        format!(
            "proven: entry {} of the {} entries of ledger `{}` is\n{entry}",
            proven.index, proven.size, proven.origin
        )
    })
}
