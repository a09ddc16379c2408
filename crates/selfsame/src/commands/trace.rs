//! `selfsame trace`: everything about a digest, back to its source and forward to where it went.

use std::fmt::Write;

use api::{Entry, PageQuery, Source, Trace};
use clap::Args;

use crate::{context::Context, deliveries, outcome::Outcome, output, release_name::ReleaseName};

/// Show everything about a digest: where it comes from, what is known about it, and where it went.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame trace sha256:9c1b...\n  selfsame trace prod")]
pub struct TraceArgs {
    /// The digest of an artifact, a configuration or a document; or a release by any of its names.
    #[arg(value_name = "DIGEST")]
    subject: ReleaseName,
    /// How many entries at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where an earlier answer ended: its `next`.
    #[arg(long)]
    cursor: Option<String>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: TraceArgs) -> Outcome {
    let client = context.client()?;
    let digest = match &args.subject {
        ReleaseName::Id(id) => id.digest().clone(),
        name => name.resolve(&client, &context.project(&client).await?).await?.digest().clone(),
    };
    let trace = client.trace(&digest, &PageQuery { cursor: args.cursor, limit: Some(args.limit) }).await?;
    output::answer(context.json, &trace, describe)?;
    if let (false, Some(next)) = (context.json, &trace.next) {
        output::hint(&format!("there is more: --cursor {next}"));
    }
    Ok(())
}

fn describe(trace: &Trace) -> String {
    let mut text = trace.digest.to_string();
    for repository in &trace.repositories {
        let _ = write!(text, "\n  pushed to {repository}");
    }
    for release in &trace.releases {
        let part = release.component.as_ref().map_or(String::new(), |component| format!(" as `{component}`"));
        let _ = write!(
            text,
            "\n  in release {} of `{}`{part}, created {}",
            release.release, release.project, release.created
        );
        let _ = write!(text, "{}", source(&release.source));
        for stage in &release.stages {
            let until = match (&stage.until, stage.current) {
                (_, true) => "now there".to_owned(),
                (Some(until), false) => format!("until {until}"),
                (None, false) => "no longer".to_owned(),
            };
            let settled = if stage.unsettled { ", not delivered everywhere" } else { "" };
            let _ = write!(text, "\n    in `{}` since {}, {until}{settled}", stage.stage, stage.since);
            for delivery in &stage.deliveries {
                let _ = write!(text, "\n      {}", deliveries::describe(delivery));
            }
        }
    }
    for hold in &trace.holds {
        let place = hold.project.as_ref().map_or("everywhere".to_owned(), |project| format!("in project `{project}`"));
        let _ = write!(text, "\n  HELD {place} by {} since {}: {}", hold.mark.by, hold.mark.at, hold.mark.reason);
    }
    for api::SeenRunning { project, stage, mark } in &trace.running {
        let _ = write!(text, "\n  runs in `{stage}` of `{project}`, as {} saw at {}", mark.by, mark.at);
    }
    for lease in &trace.leases {
        let stage = lease.stage.as_ref().map_or(String::new(), |stage| format!(" for `{stage}`"));
        let _ = write!(text, "\n  leased{stage} until {} by {}: {}", lease.until, lease.mark.by, lease.mark.reason);
    }
    for attached in &trace.attached {
        let kind = attached.artifact_type.as_ref().map_or(String::new(), |kind| format!(", {kind}"));
        let tags: String = attached.tags.iter().map(|tag| format!(", as `{tag}`")).collect();
        let _ = write!(text, "\n  attached in {}: {}{kind}{tags}", attached.repository, attached.digest);
    }
    if trace.more_attached {
        text.push_str("\n  and more is attached: `oras discover` and other clients of the registry list all of it");
    }
    for evidence in &trace.evidence {
        let name = evidence.name.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
        let other = evidence.subject.as_ref().filter(|subject| **subject != trace.digest);
        let about = other.map_or(String::new(), |subject| format!(" about {subject}"));
        let api::Evidence { kind, result, by, at, .. } = evidence;
        let _ = write!(text, "\n  {kind}{name}{about}: {result} says {by} at {at}");
    }
    for entry in &trace.entries {
        let _ =
            write!(text, "\n  entry {}: {} {} by {}{}", entry.index, entry.at, entry.name, entry.actor, details(entry));
    }
    text
}

fn source(source: &Source) -> String {
    let parts = [("repository", &source.repository), ("commit", &source.commit), ("build", &source.build)];
    parts.iter().filter_map(|(name, value)| Some(format!("\n    {name} {}", value.as_ref()?))).collect()
}

/// The stage, the target and the reason, as far as an entry has them.
fn details(entry: &Entry) -> String {
    let stage = entry.event["stage"].as_str().map(|stage| format!(", stage `{stage}`")).unwrap_or_default();
    let target = entry.event["target"].as_str().map(|target| format!(", target `{target}`")).unwrap_or_default();
    let reason = entry.event["reason"].as_str().filter(|reason| !reason.is_empty());
    format!("{stage}{target}{}", reason.map(|reason| format!(": {reason}")).unwrap_or_default())
}
