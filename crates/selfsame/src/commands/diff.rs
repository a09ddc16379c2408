//! `selfsame diff`: what is different between two stages or releases.

use std::fmt::Write;

use api::{DiffPart, DiffSide, Difference};
use clap::Args;
use domain::Digest;

use crate::{context::Context, outcome::Outcome, output, release_name::ReleaseName};

/// Show what is different between two stages or releases. The first line of each change is what the second side has.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame diff prod staging\n  selfsame diff prod latest")]
pub struct DiffArgs {
    /// One side: a stage, or a release.
    from: ReleaseName,
    /// The other side: a stage, or a release.
    to: ReleaseName,
}

/// Runs the verb.
pub async fn run(context: &Context, args: DiffArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let mut sides = Vec::new();
    for side in [args.from, args.to] {
        sides.push(match side {
            ReleaseName::Word(word) => word,
            name => name.resolve(&client, &project).await?.to_string(),
        });
    }
    let difference = client.diff(&project, &sides[0], &sides[1]).await?;
    output::answer(context.json, &difference, describe)
}

fn describe(difference: &Difference) -> String {
    let mut text = format!("from {}\nto   {}", side(&difference.from), side(&difference.to));
    if difference.components.is_empty() && difference.config.is_none() {
        text.push_str("\nthe same bytes");
    }
    for part in difference.components.iter().chain(&difference.config) {
        let _ = write!(text, "\n{}", change(part));
    }
    text
}

fn side(side: &DiffSide) -> String {
    let stage = side.stage.as_ref().map_or(String::new(), |stage| format!("`{stage}`: "));
    let commit = side.source.commit.as_ref().map_or(String::new(), |commit| format!(" (commit {commit})"));
    format!("{stage}{}{commit}", side.release)
}

fn change(part: &DiffPart) -> String {
    let name = part.component.as_ref().map_or("configuration".to_owned(), ToString::to_string);
    let digest = |digest: &Option<Digest>| digest.as_ref().map_or("nothing".to_owned(), ToString::to_string);
    format!("  {name}\n    to   {}\n    from {}", digest(&part.to), digest(&part.from))
}
