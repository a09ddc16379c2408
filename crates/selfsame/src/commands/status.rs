//! `selfsame status`: what runs where, and what waits for what.

use std::fmt::Write;

use api::{Board, BoardStage, Client, Page, PageQuery, ProjectSummary};
use clap::Args;

use crate::{
    context::Context,
    deliveries,
    outcome::Outcome,
    output::{self, Table},
};

/// Show what each stage has, and what could enter it next.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame status --project shop")]
pub struct StatusArgs {}

/// Runs the verb.
pub async fn run(context: &Context, StatusArgs {}: StatusArgs) -> Outcome {
    let client = context.client()?;
    if let Some(project) = context.named_project()? {
        let board = client.board(&project).await?;
        return output::answer(context.json, &board, describe);
    }
    let projects = client.projects(&PageQuery { limit: Some(1000), ..PageQuery::default() }).await?;
    match &projects.items[..] {
        [only] => {
            let board = client.board(&only.project).await?;
            output::answer(context.json, &board, describe)
        }
        _ => list(context, &client, &projects),
    }
}

fn list(context: &Context, client: &Client, projects: &Page<ProjectSummary>) -> Outcome {
    output::answer(context.json, projects, |projects| {
        if projects.items.is_empty() {
            return format!("{} has no project that you may see", client.base());
        }
        let mut table = Table::new(["PROJECT", "COMPONENTS", "STAGES"]);
        for one in &projects.items {
            table.row([one.project.to_string(), one.components.to_string(), one.stages.to_string()]);
        }
        table.render()
    })?;
    if !context.json {
        let hint = if projects.items.is_empty() {
            "create one with `selfsame apply FILE`"
        } else {
            "`selfsame status --project NAME` shows its stages"
        };
        output::hint(hint);
    }
    Ok(())
}

fn describe(board: &Board) -> String {
    let mut table = Table::new(["STAGE", "RELEASE", "SINCE", "BY", "STATE"]);
    for stage in &board.stages {
        let cells = match &stage.current {
            Some(current) => {
                [current.release.short().to_owned(), current.mark.at.to_string(), current.mark.by.to_string()]
            }
            None => ["-".into(), "-".into(), "-".into()],
        };
        let [release, since, by] = cells;
        table.row([stage.stage.to_string(), release, since, by, state(stage)]);
    }
    let mut text = format!("project `{}`, as of {} ledger entries\n\n{}", board.project, board.as_of, table.render());
    for stage in board.stages.iter().filter(|stage| !stage.deliveries.is_empty()) {
        let _ = write!(text, "\n\nfrom `{}`:", stage.stage);
        for delivery in &stage.deliveries {
            let _ = write!(text, "\n  {}", deliveries::describe(delivery));
        }
    }
    for stage in board.stages.iter().filter(|stage| !stage.waiting.is_empty()) {
        let _ = write!(text, "\n\nfor `{}`:", stage.stage);
        for candidate in &stage.waiting {
            let _ = write!(
                text,
                "\n  {} (created {}): {}",
                candidate.release.short(),
                candidate.created,
                candidate.standing
            );
            for missing in &candidate.missing {
                let _ = write!(text, "\n      - {missing}");
            }
            if let Some(at) = candidate.opens_at {
                let _ = write!(text, "\n      time alone lets it in: {at}");
            }
            for step in &candidate.next_steps {
                let _ = write!(text, "\n      next: {step}");
            }
        }
    }
    text
}

fn state(stage: &BoardStage) -> String {
    let mut words = Vec::new();
    if stage.current.as_ref().is_some_and(|current| current.unsettled) {
        words.push("DELIVERING".to_owned());
    }
    let why = |reason: &str| if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    if let Some(health) = &stage.health {
        words.push(if health.healthy {
            "healthy".to_owned()
        } else {
            format!("UNHEALTHY{}", why(&health.mark.reason))
        });
    }
    if let Some(pin) = &stage.pinned {
        words.push(format!("PINNED by {}{}", pin.by, why(&pin.reason)));
    }
    if let Some(pause) = &stage.paused {
        words.push(format!("PAUSED by {}{}", pause.by, why(&pause.reason)));
    }
    words.join(", ")
}
