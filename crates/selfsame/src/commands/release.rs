//! `selfsame release`: creates and lists releases.

use std::{collections::BTreeMap, str::FromStr};

use api::{CreatedRelease, Page, PageQuery, ReleaseRequest, ReleaseSummary, Source};
use clap::{Args, Subcommand};
use domain::{ComponentName, Digest, TagName};

use crate::{
    context::{Context, repository},
    oci::{Reference, Registry},
    outcome::{Failure, Outcome},
    output::{self, Table},
};

/// Create and list releases.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame release create --component web=sha256:... --component api=1.4\n  selfsame release list"
)]
pub struct ReleaseArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(CreateArgs),
    List(ListArgs),
}

/// Create a release: the set of digests that moves together. Prints its id.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame release create --component web=sha256:9c1b... --commit 3f2a01b")]
struct CreateArgs {
    /// A component and its artifact: `NAME=DIGEST`, or `NAME=TAG` for what the tag points to now; once for each component.
    #[arg(long = "component", value_name = "NAME=DIGEST", required = true)]
    components: Vec<Part>,
    /// The digest of the run-time configuration that belongs to them.
    #[arg(long, value_name = "DIGEST")]
    config: Option<Digest>,
    /// The source repository, as an address.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// The commit.
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The build, by its id or address.
    #[arg(long, value_name = "ID")]
    build: Option<String>,
}

/// List releases, the latest first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame release list --limit 10")]
struct ListArgs {
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on where an earlier answer ended: its `next`.
    #[arg(long)]
    cursor: Option<String>,
}

/// A component and its artifact.
#[derive(Clone, Debug)]
struct Part {
    component: ComponentName,
    artifact: Artifact,
}

/// An artifact, by digest or by a tag.
#[derive(Clone, Debug)]
enum Artifact {
    Digest(Digest),
    Tag(TagName),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, artifact) = text.split_once('=').ok_or("write `NAME=DIGEST` or `NAME=TAG`")?;
        let artifact = match artifact.parse() {
            Ok(digest) => Artifact::Digest(digest),
            Err(invalid) if artifact.contains(':') => return Err(invalid.to_string()),
            Err(_) => Artifact::Tag(artifact.parse().map_err(|invalid: domain::InvalidName| invalid.to_string())?),
        };
        Ok(Self { component: name.parse().map_err(|invalid: domain::InvalidName| invalid.to_string())?, artifact })
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: ReleaseArgs) -> Outcome {
    match args.what {
        What::Create(args) => create(context, args).await,
        What::List(args) => list(context, args).await,
    }
}

async fn create(context: &Context, args: CreateArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let mut components = BTreeMap::new();
    for Part { component, artifact } in args.components {
        let digest = match artifact {
            Artifact::Digest(digest) => digest,
            Artifact::Tag(tag) => {
                let config = client.project(&project).await?.config;
                let registry = Registry::new(context, repository(&config, &component)?)?;
                registry.digest_of(&Reference::Tag(tag)).await?
            }
        };
        if components.insert(component.clone(), digest).is_some() {
            return Err(Failure::usage(format!("component `{component}` is named twice"), "name each component once"));
        }
    }
    let source = Source { repository: args.source, commit: args.commit, build: args.build };
    let request = ReleaseRequest { components, config: args.config, source };
    let created = client.create_release(&context.key(), &project, &request).await?;
    context.settle(&client, created.receipt.as_of).await;
    output::answer(context.json, &created, |CreatedRelease { release, .. }| release.to_string())?;
    if !context.json && created.receipt.count == 0 {
        output::note("it was there already: the same contents are the same release");
    }
    Ok(())
}

async fn list(context: &Context, args: ListArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let page = client.releases(&project, &PageQuery { cursor: args.cursor, limit: Some(args.limit) }).await?;
    output::answer(context.json, &page, describe)?;
    if let (false, Some(next)) = (context.json, &page.next) {
        output::hint(&format!("there is more: --cursor {next}"));
    }
    Ok(())
}

fn describe(page: &Page<ReleaseSummary>) -> String {
    let mut table = Table::new(["RELEASE", "CREATED", "BY", "COMMIT", "CURRENT IN"]);
    for one in &page.items {
        let stages: Vec<_> = one.current_in.iter().map(ToString::to_string).collect();
        let commit = one.source.commit.clone().unwrap_or_default();
        table.row([one.release.short().to_owned(), one.at.to_string(), one.by.to_string(), commit, stages.join(", ")]);
    }
    if table.is_empty() { "no release yet".into() } else { table.render() }
}
