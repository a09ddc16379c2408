//! `selfsame audit`: checks the ledger without trusting the server.

mod export;
mod prove;
mod replay;
mod verify;
mod verify_proof;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tlog::{Checkpoint, VerifiedCheckpoint, VerifierKey};

use crate::{
    audit::{Mirror, Source},
    context::Context,
    outcome::{Failure, Outcome},
};

/// How many bytes the file of a key or a proof has at most.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// Check the ledger, and prove what it says, with nothing but its public key.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame audit verify --dir data/ledger --key data/keys/ledger.pub\n  selfsame audit prove 42 -o entry.tlog-proof"
)]
pub struct AuditArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Verify(verify::VerifyArgs),
    Prove(prove::ProveArgs),
    VerifyProof(verify_proof::VerifyProofArgs),
    Replay(replay::ReplayArgs),
    Export(export::ExportArgs),
}

/// Where the published ledger is read from.
#[derive(Debug, Args)]
struct Place {
    /// The address of the server, or of a static copy of its `ledger` folder; the server logged in to without it.
    #[arg(long, value_name = "URL", conflicts_with = "dir")]
    url: Option<String>,
    /// The folder of the published ledger: `checkpoint` and `tile/`.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: AuditArgs) -> Outcome {
    match args.what {
        What::Verify(args) => verify::run(context, args).await,
        What::Prove(args) => prove::run(context, args).await,
        What::VerifyProof(args) => verify_proof::run(context, &args),
        What::Replay(args) => replay::run(context, args).await,
        What::Export(args) => export::run(context, args).await,
    }
}

impl Place {
    /// The source, and the context with the server that was named.
    async fn open(self, context: &Context) -> Outcome<(Source, Context)> {
        let context = Context { server: self.url.clone().or_else(|| context.server.clone()), ..context.clone() };
        if let Some(folder) = self.dir {
            return Ok((Source::Directory(folder), context));
        }
        let mirror = match &self.url {
            Some(url) => Mirror::at(url).await?,
            None => None,
        };
        let source = match mirror {
            Some(mirror) => Source::Mirror(mirror),
            None => Source::Server(context.client()?),
        };
        Ok((source, context))
    }
}

/// A public key, given as itself or as a file that holds it.
pub(super) fn read_key(text: &str) -> Outcome<VerifierKey> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let bytes = read_small(Path::new(text))?;
    let written = String::from_utf8_lossy(&bytes);
    written.trim().parse().map_err(|error| {
        Failure::usage(format!("`{text}` holds no public key: {error}"), "a key looks like `NAME+HASH+BASE64`")
    })
}

/// The whole of a small file.
pub(super) fn read_small(path: &Path) -> Outcome<Vec<u8>> {
    let read = || {
        let length = std::fs::metadata(path)?.len();
        if length > SMALL_BYTES_MAX {
            return Err(std::io::Error::other(format!("it has more than {SMALL_BYTES_MAX} bytes")));
        }
        std::fs::read(path)
    };
    read().map_err(|error| Failure::file(path, &error))
}

/// The newest checkpoint: its bytes, and what it says if it is believed.
async fn read_checkpoint(source: &Source, key: &VerifierKey) -> Outcome<(Vec<u8>, Result<VerifiedCheckpoint, String>)> {
    let Some(note) = source.file("checkpoint").await? else {
        return Ok((Vec::new(), Err("there is none".into())));
    };
    let opened = Checkpoint::open(&note, std::slice::from_ref(key)).map_err(|error| error.to_string());
    Ok((note.to_vec(), opened))
}

/// The newest checkpoint, which must be believed.
pub(super) async fn believed_checkpoint(source: &Source, key: &VerifierKey) -> Outcome<(Vec<u8>, VerifiedCheckpoint)> {
    let (note, opened) = read_checkpoint(source, key).await?;
    let opened = opened.map_err(|problem| {
        Failure::refused("checkpoint-not-believed", format!("the checkpoint is not believed: {problem}"), None)
    })?;
    Ok((note, opened))
}

/// The key to believe: the one that was given, or the one that the server names, which proves nothing about the server itself.
async fn key_or_server_s(source: &Source, given: Option<&str>) -> Outcome<VerifierKey> {
    match (given, source) {
        (Some(text), _) => read_key(text),
        (None, Source::Server(client)) => {
            let text = client.ledger_key().await?;
            text.parse().map_err(|error| Failure::broken(format!("the server's key is not readable: {error}")))
        }
        (None, Source::Directory(_) | Source::Mirror(_) | Source::Stored(_)) => {
            Err(Failure::usage("no key was given", "give the ledger's public key with --key"))
        }
    }
}
