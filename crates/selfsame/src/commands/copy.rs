//! `selfsame copy`: copies artifacts from one registry to another, with all that belongs to them.

use clap::Args;
use connect::{Location, Reference, Wanted};

use crate::{
    context::Context,
    elsewhere::{self, CopyOptions},
    outcome::{Failure, Outcome},
    output,
};

/// Copy an artifact between any two registries: by digest, with its children and all evidence, every byte checked.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame copy registry.example.org/team/web:1.4 127.0.0.1:8420/shop/web\n  selfsame copy registry.example.org/team/web 127.0.0.1:8420/shop/web --all-tags --dry-run"
)]
pub struct CopyArgs {
    /// What to copy: `HOST/REPOSITORY:TAG`, `HOST/REPOSITORY@DIGEST`, or `HOST/REPOSITORY` with --all-tags.
    source: Location,
    /// Where to: `HOST/REPOSITORY`, perhaps with a tag; the source's tag without one.
    destination: Location,
    /// Copy what all tags point to.
    #[arg(long)]
    all_tags: bool,
    /// Copy what these tags point to, in which `*` stands for anything; once for each.
    #[arg(long = "tags", value_name = "PATTERN", conflicts_with = "all_tags")]
    tags: Vec<String>,
    #[command(flatten)]
    options: CopyOptions,
}

/// Runs the verb.
pub async fn run(context: &Context, args: CopyArgs) -> Outcome {
    let wanted = wanted(&args)?;
    let CopyArgs { source, destination, options, .. } = args;
    let client = elsewhere::client(context, options.jobs)?;
    let report = elsewhere::copy(context, &client, (source.place, destination.place), &wanted, true, &options).await?;
    output::answer(context.json, &report, elsewhere::Report::in_words)
}

fn wanted(args: &CopyArgs) -> Outcome<Wanted> {
    let many = args.all_tags || !args.tags.is_empty();
    match (&args.source.reference, &args.destination.reference, many) {
        (None, None, true) => Ok(Wanted::Tags(args.tags.clone())),
        (_, _, true) => Err(Failure::usage(
            "many tags are copied, and one is named",
            "name the two repositories without a tag or digest",
        )),
        (None, ..) => Err(Failure::usage(
            format!("`{}` does not say what to copy", args.source),
            "add `:TAG` or `@DIGEST`, or copy all with --all-tags",
        )),
        (Some(reference), None, false) => {
            let tag = match reference {
                Reference::Tag(tag) => Some(tag.clone()),
                Reference::Digest(_) => None,
            };
            Ok(Wanted::One(reference.clone(), tag))
        }
        (Some(reference), Some(Reference::Tag(tag)), false) => Ok(Wanted::One(reference.clone(), Some(tag.clone()))),
        (Some(reference), Some(same), false) if reference == same => Ok(Wanted::One(reference.clone(), None)),
        (Some(_), Some(Reference::Digest(digest)), false) => Err(Failure::usage(
            format!("what is copied keeps its digest, so it cannot become `{digest}`"),
            "leave the destination's digest out",
        )),
    }
}
