//! `selfsame retention`: what stays, what goes, and what comes back.

use api::{
    KeepRequest, RestoreRequest, RetentionApplyRequest, RetentionItem, RetentionOutcome, RetentionPlan,
    RetentionPlanRequest, RetentionStatus,
};
use clap::{Args, Subcommand};
use domain::Digest;

use crate::{context::Context, outcome::Outcome, output};

/// See what retention keeps, archives and takes away, and why; apply a plan; put back what it took.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame retention plan\n  selfsame retention apply sha256:77d0...\n  selfsame retention restore sha256:9c1b..."
)]
pub struct RetentionArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a plan: what becomes of each object, why, and how many bytes that frees. It is recorded, so that it can be applied.
    #[command(after_help = "Example:\n  selfsame retention plan --all")]
    Plan(PlanArgs),
    /// Carry out the plan that was recorded last. What something happened to since then stays.
    #[command(after_help = "Example:\n  selfsame retention apply sha256:77d0...")]
    Apply(ApplyArgs),
    /// Put back what a plan has taken, with all that belongs to it, as long as the trash has it.
    #[command(after_help = "Example:\n  selfsame retention restore sha256:9c1b...")]
    Restore(RestoreArgs),
    /// Show the last plan and how far it is, what is kept, and what lies in the archive and in the trash.
    #[command(after_help = "Example:\n  selfsame retention status")]
    Status,
    /// Keep a digest whatever the policy says: a legal hold.
    #[command(after_help = "Example:\n  selfsame retention keep sha256:9c1b... --reason \"case 7\"")]
    Keep(KeepArgs),
    /// End a keep.
    #[command(after_help = "Example:\n  selfsame retention unkeep sha256:9c1b... --reason \"case 7 is closed\"")]
    Unkeep(KeepArgs),
}

#[derive(Debug, Args)]
struct PlanArgs {
    /// Only look: nothing is recorded.
    #[arg(long)]
    dry_run: bool,
    /// List what stays, too.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct ApplyArgs {
    /// The digest that `selfsame retention plan` printed.
    plan: Digest,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    /// What to put back.
    digest: Digest,
}

#[derive(Debug, Args)]
struct KeepArgs {
    /// An artifact or a release.
    digest: Digest,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Runs the verb.
pub async fn run(context: &Context, args: RetentionArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    match args.verb {
        Verb::Plan(PlanArgs { dry_run, all }) => {
            let plan = client.plan_retention(&project, &RetentionPlanRequest { dry_run }).await?;
            output::answer(context.json, &plan, |plan| explained(plan, all))
        }
        Verb::Apply(ApplyArgs { plan }) => {
            let request = RetentionApplyRequest { plan };
            let receipt = client.apply_retention(&context.key(), &project, &request).await?;
            context.settle(&client, receipt.as_of).await;
            output::answer(context.json, &receipt, |receipt| match receipt.count {
                0 => "the plan was applied already; `selfsame retention status` says how far it is".into(),
                _ => format!("the plan is being carried out: entry {}", receipt.index),
            })
        }
        Verb::Restore(RestoreArgs { digest }) => {
            let restored = client.restore(&project, &RestoreRequest { digest }).await?;
            output::answer(context.json, &restored, |restored| {
                let moved = restored.moved.iter().map(|tag| format!("\ntag `{tag}` points elsewhere by now"));
                restored
                    .manifests
                    .iter()
                    .map(|back| format!("{back} is back\n"))
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
                    + &moved.collect::<String>()
            })
        }
        Verb::Status => {
            let status = client.retention(&project).await?;
            output::answer(context.json, &status, described)
        }
        Verb::Keep(KeepArgs { digest, reason }) => {
            let request = KeepRequest { digest: digest.clone(), reason };
            let receipt = client.keep(&context.key(), &project, &request).await?;
            context.settle(&client, receipt.as_of).await;
            output::answer(context.json, &receipt, |receipt| match receipt.count {
                0 => format!("{digest} was kept already"),
                _ => format!("{digest} is kept: entry {}", receipt.index),
            })
        }
        Verb::Unkeep(KeepArgs { digest, reason }) => {
            let receipt = client.unkeep(&context.key(), &project, &digest, &reason).await?;
            context.settle(&client, receipt.as_of).await;
            output::answer(context.json, &receipt, |receipt| {
                format!("{digest} is kept no longer: entry {}", receipt.index)
            })
        }
    }
}

/// The plan, a line for each object.
fn explained(plan: &RetentionPlan, all: bool) -> String {
    let listed = plan.items.iter().filter(|item| all || item.outcome != RetentionOutcome::Keep).map(line);
    let mut said: String = listed.collect();
    said += &format!(
        "{} stay, {} go into the archive, {} go: {} bytes are free then\n",
        plan.kept, plan.archived, plan.trashed, plan.frees
    );
    said += &match &plan.plan {
        Some(digest) => format!("plan {digest}\napply it with: selfsame retention apply {digest}"),
        None => "a dry run: nothing was recorded".into(),
    };
    said
}

fn line(item: &RetentionItem) -> String {
    let word = match item.outcome {
        RetentionOutcome::Keep => "keep",
        RetentionOutcome::Archive => "archive",
        RetentionOutcome::Trash => "trash",
    };
    let tags: String = item.tags.iter().map(|tag| format!(" {tag}")).collect();
    let because = if item.because.is_empty() { "nothing needs it".into() } else { item.because.join("; ") };
    format!("{word:8} {}@{}{tags}: {because}; frees {} bytes\n", item.repository, item.digest, item.frees)
}

fn described(status: &RetentionStatus) -> String {
    let mut said = match status.has_policy {
        true => String::new(),
        false => format!("`{}` has no retention policy: nothing of it goes\n", status.project),
    };
    match &status.plan {
        None => said += "no plan was recorded yet\n",
        Some(plan) => {
            said += &format!("plan {}: made {} by {}", plan.plan, plan.made.at, plan.made.by);
            said += &match (&plan.applied, plan.ended) {
                (None, _) => ", not applied\n".into(),
                (Some(applied), None) => format!(", being carried out since {}\n", applied.at),
                (Some(_), Some(ended)) => format!(
                    ", ended {ended}: {} went, {} were saved by what happened since\n",
                    plan.collected.unwrap_or_default(),
                    plan.saved.unwrap_or_default()
                ),
            };
        }
    }
    for keep in &status.keeps {
        said += &format!("kept {} by {} at {}: {}\n", keep.digest, keep.mark.by, keep.mark.at, keep.mark.reason);
    }
    for seen in &status.running {
        let count = seen.digests.len();
        said += &format!("runs in `{}`: {count} digests, seen by {} at {}\n", seen.stage, seen.mark.by, seen.mark.at);
    }
    for lease in &status.leases {
        let stage = lease.stage.as_ref().map_or(String::new(), |stage| format!(" for `{stage}`"));
        said += &format!(
            "leased {}{stage} until {} by {}: {}\n",
            lease.digest, lease.until, lease.mark.by, lease.mark.reason
        );
    }
    for (place, heap) in [("archive", &status.archive), ("trash", &status.trash)] {
        if let Some(heap) = heap {
            said += &format!("{place}: {} files, {} bytes\n", heap.count, heap.bytes);
        }
    }
    said.trim_end().to_owned()
}
