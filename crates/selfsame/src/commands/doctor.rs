//! `selfsame doctor`: looks whether what a server is set up with is fit to serve from, and says how to mend it.

mod folder;
mod ledger;

use clap::Args;
use serde::Serialize;

use super::storage::{KeysFolder, StorageArgs};
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
};

/// Look whether the set-up of a server is fit to serve from, and say how to mend it; exit code 1 if it is not. A server with a database of its own must
/// be stopped; servers on PostgreSQL go on meanwhile. Nothing is changed but for a file, and an object, that is written and removed again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame doctor --data selfsame-data")]
pub struct DoctorArgs {
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    keys: KeysFolder,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// What is wrong, and what to do about it.
struct Wrong {
    found: String,
    mend: String,
}

/// What a check comes to.
type Found = Result<String, Wrong>;

impl Wrong {
    fn new(found: impl ToString, mend: impl Into<String>) -> Self {
        Self { found: found.to_string(), mend: mend.into() }
    }
}

impl Check {
    fn new(what: &'static str, found: Found) -> Self {
        match found {
            Ok(found) => Self { what, ok: true, found, mend: None },
            Err(Wrong { found, mend }) => Self { what, ok: false, found, mend: Some(mend) },
        }
    }

    fn describe(&self) -> String {
        let word = if self.ok { "ok   " } else { "WRONG" };
        let mend = self.mend.as_ref().map(|mend| format!("\n         to mend it: {mend}")).unwrap_or_default();
        format!("{word}  {}: {}{mend}", self.what, self.found)
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: DoctorArgs) -> Outcome {
    let folder = args.storage.existing()?.with_keys(args.keys.keys);
    let keys = folder.keys();
    let mut checks = folder::look(folder.path(), &keys);
    ledger::look(&folder, &mut checks).await;
    let wrong = checks.iter().filter(|check| !check.ok).count();
    output::answer(context.json, &checks, |checks| checks.iter().map(Check::describe).collect::<Vec<_>>().join("\n"))?;
    match wrong {
        0 => {
            if !context.json {
                output::hint("`selfsame audit verify` checks the ledger itself, `selfsame scrub` every stored byte");
            }
            Ok(())
        }
        1 => Err(Failure::Negative("one thing is wrong".into())),
        wrong => Err(Failure::Negative(format!("{wrong} things are wrong"))),
    }
}
