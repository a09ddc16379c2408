//! `selfsame keys`: a folder of keys for a ledger that is yet to begin.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    context::Context,
    keys::Keys,
    outcome::{Failure, Outcome},
    output,
};

/// Make the keys of a new ledger beforehand.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct KeysArgs {
    #[command(subcommand)]
    what: What,
}

const EXAMPLE: &str = "Example:\n  selfsame keys create --to keys --origin example.org/ledger";

#[derive(Debug, Subcommand)]
enum What {
    Create(CreateArgs),
}

/// Make a folder with the private key of a new ledger, its public key and the first token, for servers that are given it (`serve --keys`).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
struct CreateArgs {
    /// The folder to make them in.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The name of the ledger, which its checkpoints bear for ever.
    #[arg(long, value_name = "NAME")]
    origin: String,
}

/// Runs the verb.
pub fn run(context: &Context, KeysArgs { what: What::Create(args) }: KeysArgs) -> Outcome {
    let keys = Keys::new(&args.to);
    if let Some(there) = [keys.private(), keys.public(), keys.admin_token()].into_iter().find(|file| file.exists()) {
        let text = format!("`{}` is there already", there.display());
        return Err(Failure::usage(text, "name another folder: who loses a ledger's key loses the ledger"));
    }
    let made = keys.make_signer(&args.origin).and_then(|signer| keys.make_first_token().map(|_| signer));
    let signer = made.map_err(|unusable| Failure::broken(unusable.to_string()))?;
    let answer = json!({"folder": args.to, "key": signer.verifier_key().to_string()});
    output::answer(context.json, &answer, |_| {
        format!(
            "{}\nis the ledger's public key; the private one and the first token are in `{}`, too: keep them secret, and a copy elsewhere",
            signer.verifier_key(),
            args.to.display()
        )
    })
}
