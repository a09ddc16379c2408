//! `selfsame verify`: checks receipts and packs, offline.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{ComponentName, Digest, ProjectName, ReleaseId, StageName};
use engine::receipts::{self, Checked};
use evidence::signed::key::PublicKey;
use serde::Serialize;
use tlog::VerifierKey;

use super::audit::{read_key, read_small};
use crate::{
    context::Context,
    outcome::{Failure, Outcome},
    output,
    pack::{self, Found, Misfit},
};

/// Check, offline, that a receipt proves a promotion: signed with the receipts' key, and held by the ledger. Or check a pack of `audit export`, and name each file in which
/// something does not fit. Exit code 1 if something does not; 2 if a pack says that it lacks something.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  selfsame verify pack --ledger-key ledger.pub
  selfsame verify web.sigstore.json --key receipts.pub --ledger-key ledger.pub
  selfsame verify web.sigstore.json --key receipts.pub --ledger-key ledger.pub --project shop --stage prod --artifact sha256:...")]
pub struct VerifyArgs {
    /// The receipt, a Sigstore bundle; or the folder of a pack.
    #[arg(value_name = "RECEIPT|PACK")]
    path: PathBuf,
    /// The public key of receipts, a PEM file. Take it from a place that you trust. A pack brings the key itself, and the ledger's proofs in its receipts vouch for them.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The ledger's public key, or a file that holds it: with it, the receipts' key need not be believed alone. A pack is not checked without.
    #[arg(long, value_name = "KEY")]
    ledger_key: Option<String>,
    /// It has to be about this artifact, or an index that names it.
    #[arg(long, value_name = "DIGEST")]
    artifact: Option<Digest>,
    /// It has to be about a promotion into this stage.
    #[arg(long)]
    stage: Option<StageName>,
}

/// What the receipt proves.
#[derive(Serialize)]
struct Proven {
    project: ProjectName,
    stage: StageName,
    release: ReleaseId,
    component: ComponentName,
    artifact: Digest,
    subjects: Vec<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    entry: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<Ledger>,
}

/// The ledger that holds the entry.
#[derive(Serialize)]
struct Ledger {
    origin: String,
    size: u64,
}

/// Runs the verb.
pub fn run(context: &Context, args: &VerifyArgs) -> Outcome {
    let key = args.key.as_deref().map(read_pem).transpose()?;
    let ledger = args.ledger_key.as_deref().map(read_key).transpose()?;
    if args.path.is_dir() {
        return run_pack(context, args, key, ledger.as_ref());
    }
    let key = key.ok_or_else(|| Failure::usage("no key was given", "give the public key of receipts with --key"))?;
    let receipt = read_small(&args.path)?;
    let refuse = |problem: String| {
        let text = format!("`{}` proves nothing: {problem}", args.path.display());
        let hint = "get the receipt again, and check that the keys are those of the server that promoted";
        Failure::refused("receipt-invalid", text, Some(hint.into()))
    };
    let checked = receipts::check(&receipt, &[key], ledger.as_slice()).map_err(|error| refuse(error.to_string()))?;
    if let Some(problem) = differs(&checked, context.project.as_ref(), args) {
        return Err(refuse(problem));
    }
    let Checked { extension, summary, subjects, proven } = checked;
    let proven = Proven {
        project: extension.project,
        stage: extension.stage,
        release: extension.release,
        component: extension.component,
        artifact: extension.artifact,
        subjects,
        at: summary.time_verified,
        entry: extension.entry,
        ledger: proven.map(|(origin, size)| Ledger { origin, size }),
    };
    output::answer(context.json, &proven, describe)?;
    if !context.json && proven.ledger.is_none() {
        output::hint("only the receipts' key says so: with --ledger-key, the ledger's proof in it is checked, too");
    }
    Ok(())
}

fn run_pack(context: &Context, args: &VerifyArgs, key: Option<PublicKey>, ledger: Option<&VerifierKey>) -> Outcome {
    let missing = || Failure::usage("no key of a ledger was given", "give the ledger's public key with --ledger-key");
    if args.artifact.is_some() || args.stage.is_some() {
        return Err(Failure::usage("--artifact and --stage are about receipts", "a pack is checked as a whole"));
    }
    let found = pack::verify(&args.path, ledger.ok_or_else(missing)?, key);
    let mut found = found.map_err(|error| Failure::file(&args.path, &error))?;
    if let (Some(asked), Some(of)) = (&context.project, &found.project)
        && asked != of
    {
        let problem = format!("it is about project `{of}`, and not about `{asked}`");
        found.misfits.push(Misfit { file: pack::INDEX.into(), problem });
    }
    output::answer(context.json, &found, describe_pack)?;
    match (found.misfits.len(), found.absent.len()) {
        (0, 0) => Ok(()),
        (0, absent) => Err(Failure::broken(format!("the pack lacks {absent} files that its entries call for"))),
        (misfits, _) => Err(Failure::Negative(format!("{misfits} things in the pack do not fit"))),
    }
}

fn describe_pack(found: &Found) -> String {
    let of = |name: Option<String>| name.unwrap_or_else(|| "?".into());
    let mut text = format!(
        "pack of `{}`: {} of the {} entries of ledger `{}` are proved, {} of them promotions\n  {} documents and {} receipts agree with them",
        of(found.project.as_ref().map(ToString::to_string)),
        found.entries,
        found.size,
        of(found.origin.clone()),
        found.promotions,
        found.documents,
        found.receipts,
    );
    for Misfit { file, problem } in &found.misfits {
        text = format!("{text}\n  WRONG   {file}: {problem}");
    }
    for file in &found.absent {
        text = format!("{text}\n  absent  {file}");
    }
    let conclusion = match (found.misfits.is_empty(), found.absent.is_empty()) {
        (true, true) => "sound",
        (true, false) => "INCOMPLETE",
        (false, _) => "NOT SOUND",
    };
    format!("{text}\n{conclusion}")
}

/// What of it is not what was asked for.
fn differs(checked: &Checked, project: Option<&ProjectName>, args: &VerifyArgs) -> Option<String> {
    let said = &checked.extension;
    if let Some(project) = project.filter(|project| **project != said.project) {
        return Some(format!("it is about project `{}`, and not about `{project}`", said.project));
    }
    if let Some(stage) = args.stage.as_ref().filter(|stage| **stage != said.stage) {
        return Some(format!("it is about stage `{}`, and not about `{stage}`", said.stage));
    }
    let other = args.artifact.as_ref().filter(|artifact| !checked.subjects.contains(artifact))?;
    Some(format!("it is about `{}`, and not about `{other}`", said.artifact))
}

fn describe(proven: &Proven) -> String {
    let Proven { project, stage, release, component, artifact, at, entry, ledger, .. } = proven;
    let at = at.as_deref().unwrap_or("an unknown time");
    let held = match ledger {
        Some(Ledger { origin, size }) => format!("entry {entry} of the {size} entries of ledger `{origin}` says so"),
        None => format!("entry {entry} of its ledger is said to say so"),
    };
    format!(
        "verified: `{component}` of `{project}` was promoted to `{stage}` at {at}, in release {}\n{artifact}\n{held}",
        release.short()
    )
}

fn read_pem(file: &Path) -> Outcome<PublicKey> {
    let bytes = read_small(file)?;
    PublicKey::from_pem(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        let text = format!("`{}` holds no public key: {error}", file.display());
        Failure::usage(text, "`selfsame receipt key` shows the key of receipts")
    })
}
