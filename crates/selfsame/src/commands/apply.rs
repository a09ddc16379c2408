//! `selfsame apply`: puts a project's file in force, after showing what that changes.

use std::{fmt::Write, fs, path::PathBuf};

use api::{ApplyRequest, Change, ChangeKind, Plan};
use clap::Args;

use crate::{
    context::{Context, PROJECT_FILE},
    outcome::{Failure, Outcome},
    output, project_file,
};

/// Put a project's file in force; shows the plan first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame apply selfsame.yaml --dry-run\n  selfsame apply selfsame.yaml --yes")]
pub struct ApplyArgs {
    /// The project's file.
    #[arg(default_value = PROJECT_FILE)]
    file: PathBuf,
    /// Apply the plan without asking.
    #[arg(long, short)]
    yes: bool,
    /// Show the plan and change nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print the JSON Schema of the file, for editors, and do nothing else.
    #[arg(long)]
    schema: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ApplyArgs) -> Outcome {
    if args.schema {
        return output::print(&format!("{:#}", project_file::schema()));
    }
    let bytes = fs::read(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let config = project_file::parse(&args.file, &bytes);
    let config = config.map_err(|invalid| {
        Failure::usage(invalid.to_string(), "`selfsame apply --schema` prints what is allowed, for editors")
    })?;
    let client = context.client()?;
    let mut request = ApplyRequest { config, expect: None };
    let plan = client.plan(&request).await?;
    let show_plan = !context.json || args.dry_run;
    if show_plan {
        output::answer(context.json, &plan, describe)?;
    }
    if args.dry_run || (plan.changes.is_empty() && !context.json) {
        return Ok(());
    }
    if !args.yes {
        if !output::is_interactive() {
            return Err(Failure::usage(
                "nobody is here to be asked",
                "look at the plan with --dry-run, and apply it with --yes",
            ));
        }
        if !output::confirm("Apply this plan?")? {
            return Err(Failure::refused("not-confirmed", "nothing was applied", None));
        }
    }
    request.expect = Some(plan.expect);
    let receipt = client.apply(&context.key(), &request).await?;
    context.settle(&client, receipt.as_of).await;
    output::answer(context.json, &receipt, |receipt| match receipt.count {
        0 => "nothing had to change".into(),
        _ => format!("applied: entry {}", receipt.index),
    })
}

fn describe(plan: &Plan) -> String {
    if plan.changes.is_empty() {
        return format!("project `{}`: nothing to change", plan.project);
    }
    let mut text = format!("project `{}`:", plan.project);
    for change in &plan.changes {
        let mark = match change.change {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        let _ = write!(text, "\n  {mark} {} {}{}", change.subject, change.name, values(change));
    }
    text
}

/// What a change leads from and to. What is new is as the file says, and needs no repetition.
fn values(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("\n      from {before}\n      to   {after}"),
        _ => String::new(),
    }
}
