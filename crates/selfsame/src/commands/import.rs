//! `selfsame import`: what somebody has already, in another registry or in promoter manifests.

mod files;
mod promoter;

use std::{collections::BTreeSet, path::PathBuf};

use clap::{Args, Subcommand};
use connect::{Copy, Error, Host, Listed, Place, Remote, Sources, Wanted};
use domain::RepositoryName;
use serde::Serialize;

use crate::{
    context::Context,
    elsewhere::{self, CopyOptions, Report},
    outcome::{Failure, Outcome},
    output,
};

/// Import the repositories of a registry, or what promoter manifests name.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame import registry registry.example.org 127.0.0.1:8420/shop --tags \"1.*\"\n  selfsame import promoter promoter-manifest.yaml 127.0.0.1:8420/shop"
)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The repositories of a registry, each under its own name below the destination.
    #[command(
        after_help = "Example:\n  selfsame import registry registry.example.org 127.0.0.1:8420/shop --tags \"1.*\""
    )]
    Registry {
        /// The registry: `HOST`.
        registry: Host,
        /// Where to: `HOST/PREFIX`.
        destination: Place,
        /// A repository; once for each. All that the registry lists without it.
        #[arg(long = "repository", value_name = "NAME")]
        repositories: Vec<RepositoryName>,
        /// Only tags like this, in which `*` stands for anything; once for each.
        #[arg(long = "tags", value_name = "PATTERN")]
        tags: Vec<String>,
        #[command(flatten)]
        options: CopyOptions,
    },
    /// What manifests of the Kubernetes promoter name: a file, or a folder with `images` and `manifests`.
    #[command(after_help = "Example:\n  selfsame import promoter promoter-manifest.yaml 127.0.0.1:8420/shop")]
    Promoter {
        /// The file or the folder.
        path: PathBuf,
        /// Where to: `HOST/PREFIX`.
        destination: Place,
        /// The folder that holds the files of the source's file store.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
        #[command(flatten)]
        options: CopyOptions,
    },
}

/// What was imported.
#[derive(Default, Serialize)]
struct Imported {
    images: Vec<Report>,
    files: Vec<files::Filed>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let mut imported = Imported::default();
    match args.what {
        What::Registry { registry, destination, repositories, tags, options } => {
            let repositories = if repositories.is_empty() {
                listed(context, &registry, &options).await?
            } else {
                repositories.into_iter().collect()
            };
            let edge = |repository: RepositoryName| {
                let to = below(&destination, &repository)?;
                Ok(Edge { from: Place { host: registry.clone(), repository }, to, wanted: Wanted::Tags(tags.clone()) })
            };
            let edges = repositories.into_iter().map(edge).collect::<Outcome<Vec<_>>>()?;
            imported.images = import(context, edges, true, &options).await?;
        }
        What::Promoter { path, destination, files, options } => {
            let promoted = promoter::read(&path)?;
            let edge = |image: promoter::Image| {
                let to = below(&destination, &image.name)?;
                Ok(Edge { from: image.source, to, wanted: Wanted::Digests(image.digests) })
            };
            let edges = promoted.images.into_iter().map(edge).collect::<Outcome<Vec<_>>>()?;
            let found = files::find(&promoted.files, files.as_deref())?;
            imported.images = import(context, edges, false, &options).await?;
            imported.files = files::import(context, found, &destination, options.dry_run).await?;
        }
    }
    output::answer(context.json, &imported, |Imported { images, files }| {
        let lines = images.iter().map(Report::in_words).chain(files.iter().map(files::Filed::in_words));
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// One copy that is part of an import.
struct Edge {
    from: Place,
    to: Place,
    wanted: Wanted,
}

async fn listed(context: &Context, registry: &Host, options: &CopyOptions) -> Outcome<BTreeSet<RepositoryName>> {
    match elsewhere::client(context, options.jobs)?.repositories(registry).await? {
        Listed::All(repositories) => Ok(repositories),
        Listed::Unsaid => Err(Failure::usage(
            format!("`{registry}` does not list its repositories"),
            "name each with --repository NAME",
        )),
    }
}

/// The repository of this name below a destination.
fn below(destination: &Place, name: &RepositoryName) -> Outcome<Place> {
    let whole = format!("{}/{name}", destination.repository);
    let repository =
        whole.parse().map_err(|error| Failure::usage(format!("{error}"), "choose a shorter destination"))?;
    Ok(Place { host: destination.host.clone(), repository })
}

/// Finds out first whether everything is there, and copies nothing if something is not: what is missing is told all at once.
async fn import(context: &Context, edges: Vec<Edge>, moves_tags: bool, options: &CopyOptions) -> Outcome<Vec<Report>> {
    if options.plan.is_some() && edges.len() > 1 {
        return Err(Failure::usage("each repository has a plan of its own", "leave --plan out"));
    }
    let client = elsewhere::client(context, options.jobs)?;
    if !moves_tags {
        let mut problems = Vec::new();
        for Edge { from, to, wanted } in &edges {
            let remote = |place: &Place| Remote::new(client.clone(), place.clone());
            let fallbacks = options.fallbacks.iter().map(remote).collect();
            let copy = Copy {
                sources: Sources::new(remote(from), fallbacks),
                destination: remote(to),
                jobs: usize::from(options.jobs),
                moves_tags,
            };
            match copy.plan(wanted).await {
                Ok(_) => {}
                Err(error) if error.is_refusal() => problems.push(error),
                Err(error) => return Err(error.into()),
            }
        }
        if !problems.is_empty() {
            let hint = "nothing was imported; mend the manifests or the source, and import again".to_owned();
            let code = if problems.iter().all(Error::is_missing) { "missing" } else { "conflict" };
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            return Err(Failure::refused(code, lines.join("\n"), Some(hint)));
        }
    }
    let mut reports: Vec<Report> = Vec::new();
    for Edge { from, to, wanted } in edges {
        reports.push(elsewhere::copy(context, &client, (from, to), &wanted, moves_tags, options).await?);
    }
    Ok(reports)
}
