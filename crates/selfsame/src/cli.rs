//! The command line: which verbs there are, and what each is given.

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    commands::{
        apply, approve, attest, audit, backup, completions, copy, diff, doctor, gate, health, history, hold, import,
        keys, lease, login, logout, mirror, promote, pull, push, quickstart, ready, rebuild, receipt, release, restore,
        retention, rollback, running, scan, scrub, serve, status, steer, token, trace, unhold, unveto, verify, veto,
    },
    context::Context,
    outcome::{Failure, Outcome, USAGE},
};

/// Build once, know it by its digest, and promote the selfsame bytes.
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, after_help = EXAMPLE, arg_required_else_help = true, propagate_version = false)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLE: &str = "\
Example:
  selfsame quickstart                                          see all of it in a minute
  selfsame push ./web --component web                          prints the digest
  selfsame release create --component web=sha256:...           prints the release
  selfsame promote latest --to dev
  selfsame status

Exit codes: 0 done, 1 refused, 2 broken, 64 not understood";

#[derive(Debug, Subcommand)]
enum Verb {
    Quickstart(quickstart::QuickstartArgs),
    Serve(serve::ServeArgs),
    Keys(keys::KeysArgs),
    Ready(ready::ReadyArgs),
    Login(login::LoginArgs),
    Logout(logout::LogoutArgs),
    Token(token::TokenArgs),
    Apply(apply::ApplyArgs),
    Push(push::PushArgs),
    Pull(pull::PullArgs),
    Copy(copy::CopyArgs),
    Import(import::ImportArgs),
    Mirror(mirror::MirrorArgs),
    Attest(attest::AttestArgs),
    Scan(scan::ScanArgs),
    Release(release::ReleaseArgs),
    Gate(gate::GateArgs),
    Promote(promote::PromoteArgs),
    Approve(approve::ApproveArgs),
    Rollback(rollback::RollbackArgs),
    Retention(retention::RetentionArgs),
    Hold(hold::HoldArgs),
    Unhold(unhold::UnholdArgs),
    Veto(veto::VetoArgs),
    Unveto(unveto::UnvetoArgs),
    Pin(steer::PinArgs),
    Unpin(steer::UnpinArgs),
    Pause(steer::PauseArgs),
    Resume(steer::ResumeArgs),
    Health(health::HealthArgs),
    Running(running::RunningArgs),
    Lease(lease::LeaseArgs),
    Unlease(lease::UnleaseArgs),
    Status(status::StatusArgs),
    History(history::HistoryArgs),
    Trace(trace::TraceArgs),
    Diff(diff::DiffArgs),
    Receipt(receipt::ReceiptArgs),
    Verify(verify::VerifyArgs),
    Audit(audit::AuditArgs),
    Rebuild(rebuild::RebuildArgs),
    Scrub(scrub::ScrubArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
}

/// The whole command line, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line, runs the verb and tells what came of it.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    match run(&cli.context, cli.verb).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.context.json),
    }
}

/// Help and version are answers; all else is a command line that is not understood.
fn not_parsed(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // What was typed is not understood, but whether it asks for JSON can be seen.
    let wants_json = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    if wants_json {
        return in_a_sentence(error).report(true);
    }
    let _ = error.print();
    ExitCode::from(USAGE)
}

/// What the parser complains of, without the usage that it adds for people.
fn in_a_sentence(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let complaint = text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error: ");
    let words: Vec<_> = complaint.split_whitespace().collect();
    Failure::usage(words.join(" "), "`selfsame --help` lists the verbs, `selfsame VERB --help` what each is given")
}

impl Verb {
    /// Why this verb has no answer in JSON, and what to do instead; `None` if it has one.
    fn no_json(&self) -> Option<Failure> {
        let (verb, hint) = match self {
            Self::Quickstart(_) => {
                ("quickstart", "leave --json out: it tells a story, and each command in it takes --json")
            }
            Self::Serve(_) => ("serve", "leave --json out; `--log json` writes the log as JSON"),
            Self::Completions(_) => ("completions", "leave --json out: the answer is a script for the shell"),
            _ => return None,
        };
        Some(Failure::usage(format!("`{verb}` has no answer in JSON"), hint))
    }
}

async fn run(context: &Context, verb: Verb) -> Outcome {
    if let Some(failure) = verb.no_json().filter(|_| context.json) {
        return Err(failure);
    }
    match verb {
        Verb::Quickstart(args) => quickstart::run(args).await,
        Verb::Serve(args) => serve::run(args).await,
        Verb::Keys(args) => keys::run(context, args),
        Verb::Ready(args) => ready::run(context, args).await,
        Verb::Login(args) => login::run(context, args).await,
        Verb::Logout(args) => logout::run(context, args),
        Verb::Token(args) => token::run(context, args).await,
        Verb::Apply(args) => apply::run(context, args).await,
        Verb::Push(args) => push::run(context, args).await,
        Verb::Pull(args) => pull::run(context, args).await,
        Verb::Copy(args) => copy::run(context, args).await,
        Verb::Import(args) => import::run(context, args).await,
        Verb::Mirror(args) => mirror::run(context, args).await,
        Verb::Attest(args) => attest::run(context, args).await,
        Verb::Scan(args) => scan::run(context, args).await,
        Verb::Release(args) => release::run(context, args).await,
        Verb::Gate(args) => gate::run(context, args).await,
        Verb::Promote(args) => promote::run(context, args).await,
        Verb::Approve(args) => approve::run(context, args).await,
        Verb::Rollback(args) => rollback::run(context, args).await,
        Verb::Retention(args) => retention::run(context, args).await,
        Verb::Hold(args) => hold::run(context, args).await,
        Verb::Unhold(args) => unhold::run(context, args).await,
        Verb::Veto(args) => veto::run(context, args).await,
        Verb::Unveto(args) => unveto::run(context, args).await,
        Verb::Pin(args) => steer::run(context, args.into()).await,
        Verb::Unpin(args) => steer::run(context, args.into()).await,
        Verb::Pause(args) => steer::run(context, args.into()).await,
        Verb::Resume(args) => steer::run(context, args.into()).await,
        Verb::Health(args) => health::run(context, args).await,
        Verb::Running(args) => running::run(context, args).await,
        Verb::Lease(args) => lease::lease(context, args).await,
        Verb::Unlease(args) => lease::unlease(context, args).await,
        Verb::Status(args) => status::run(context, args).await,
        Verb::History(args) => history::run(context, args).await,
        Verb::Trace(args) => trace::run(context, args).await,
        Verb::Diff(args) => diff::run(context, args).await,
        Verb::Receipt(args) => receipt::run(context, args).await,
        Verb::Verify(args) => verify::run(context, &args),
        Verb::Audit(args) => audit::run(context, args).await,
        Verb::Rebuild(args) => rebuild::run(context, args).await,
        Verb::Scrub(args) => scrub::run(context, args).await,
        Verb::Backup(args) => backup::run(context, args).await,
        Verb::Restore(args) => restore::run(context, args).await,
        Verb::Doctor(args) => doctor::run(context, args).await,
        Verb::Completions(args) => completions::run(&args),
    }
}
