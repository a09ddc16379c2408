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
    AddReceipts(AddReceiptsArgs),
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

/// Add the key that signs receipts of promotions to a folder of keys that was made before there was one.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame keys add-receipts --to keys")]
struct AddReceiptsArgs {
    /// The folder.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Runs the verb.
pub fn run(context: &Context, args: KeysArgs) -> Outcome {
    match args.what {
        What::Create(args) => create(context, &args),
        What::AddReceipts(args) => add_receipts(context, &args),
    }
}

fn refuse_lost(files: impl IntoIterator<Item = PathBuf>, hint: &str) -> Outcome {
    match files.into_iter().find(|file| file.exists()) {
        Some(there) => Err(Failure::usage(format!("`{}` is there already", there.display()), hint)),
        None => Ok(()),
    }
}

fn add_receipts(context: &Context, args: &AddReceiptsArgs) -> Outcome {
    let keys = Keys::new(&args.to);
    if !keys.private().exists() {
        let text = format!("`{}` holds no key of a ledger", args.to.display());
        return Err(Failure::usage(text, "`selfsame keys create` makes a folder of all keys for a new ledger"));
    }
    refuse_lost([keys.receipts_private(), keys.receipts_public()], "start the servers that are given this folder")?;
    let key = keys.make_receipts().map_err(|unusable| Failure::broken(unusable.to_string()))?;
    let answer = json!({"folder": args.to, "key": key.public_pem()});
    output::answer(context.json, &answer, |_| {
        format!("{}is the public key of receipts; start the servers that are given this folder again", key.public_pem())
    })
}

fn create(context: &Context, args: &CreateArgs) -> Outcome {
    let keys = Keys::new(&args.to);
    let files = [keys.private(), keys.public(), keys.admin_token(), keys.receipts_private(), keys.receipts_public()];
    refuse_lost(files, "name another folder: who loses a ledger's key loses the ledger")?;
    let made = keys.make_signer(&args.origin).and_then(|signer| {
        keys.make_receipts()?;
        keys.make_first_token().map(|_| signer)
    });
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
