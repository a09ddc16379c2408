//! `selfsame pull`: fetches an artifact, every byte checked.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use clap::Args;
use domain::{Digest, RepositoryName};
use serde::Serialize;

use crate::{
    context::Context,
    oci::{ArtifactName, Descriptor, Fetched, LayoutWriter, MODE, Manifest, Reference, Registry, TITLE},
    outcome::{Failure, Outcome},
    output, progress,
};

/// How many manifests an index may lead to.
const MANIFESTS_MAX: usize = 1000;

/// Fetch an artifact, every byte checked against its digest.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame pull shop/web:prod -o out\n  selfsame pull shop/web@sha256:9c1b... -o out"
)]
pub struct PullArgs {
    /// The artifact: `PROJECT/COMPONENT:TAG` (each stage is a tag) or `PROJECT/COMPONENT@DIGEST`.
    artifact: ArtifactName,
    /// The folder to write to: the files, or an OCI layout if the artifact is no set of files.
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

/// What was pulled.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pulled {
    repository: RepositoryName,
    digest: Digest,
    media_type: String,
    files: Vec<PathBuf>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: PullArgs) -> Outcome {
    let ArtifactName { repository, reference } = args.artifact;
    let registry = Registry::new(context, repository.clone())?;
    let fetched = registry.fetch(&reference).await?;
    let manifest = read(&fetched)?;
    let files = if manifest.is_files() {
        pull_files(&registry, &manifest, &args.output).await?
    } else {
        pull_layout(&registry, &fetched, manifest, &reference, &args.output).await?
    };
    let pulled = Pulled { repository, digest: fetched.digest, media_type: fetched.media_type, files };
    output::answer(context.json, &pulled, |pulled| pulled.digest.to_string())?;
    if !context.json {
        for file in &pulled.files {
            output::note(&format!("wrote {}", file.display()));
        }
    }
    Ok(())
}

fn read(fetched: &Fetched) -> Outcome<Manifest> {
    serde_json::from_slice(&fetched.bytes)
        .map_err(|error| Failure::broken(format!("the manifest `{}` is not readable: {error}", fetched.digest)))
}

async fn pull_files(registry: &Registry, manifest: &Manifest, folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut targets = Vec::new();
    let mut seen = BTreeSet::new();
    for layer in &manifest.layers {
        let target = folder.join(safe_title(&layer.annotations[TITLE])?);
        if !seen.insert(target.clone()) {
            return Err(Failure::broken(format!("two files of the artifact are called `{}`", target.display())));
        }
        targets.push(target);
    }
    let bar = progress::bytes("pulling", manifest.layers.iter().map(|layer| layer.size).sum());
    let mut done = 0;
    for (layer, target) in manifest.layers.iter().zip(&targets) {
        registry.fetch_blob(layer, target, mode(layer), |there| bar.set_position(done + there)).await?;
        done += layer.size;
    }
    bar.finish_and_clear();
    Ok(targets)
}

/// A name that stays below the folder it is joined to.
fn safe_title(title: &str) -> Outcome<&Path> {
    let path = Path::new(title);
    let is_safe = !title.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    if is_safe {
        Ok(path)
    } else {
        Err(Failure::broken(format!("the artifact wants to write to `{title}`: it is refused")))
    }
}

/// Only whether a file is executable is taken over.
fn mode(layer: &Descriptor) -> u32 {
    let mode = layer.annotations.get(MODE).and_then(|mode| u32::from_str_radix(mode, 8).ok());
    if mode.is_some_and(|mode| mode & 0o111 != 0) { 0o755 } else { 0o644 }
}

async fn pull_layout(
    registry: &Registry,
    root: &Fetched,
    manifest: Manifest,
    reference: &Reference,
    folder: &Path,
) -> Outcome<Vec<PathBuf>> {
    let writer = LayoutWriter::new(folder);
    let bar = progress::bytes("pulling", 0);
    let mut waiting = vec![manifest];
    let mut count = 0;
    while let Some(manifest) = waiting.pop() {
        count += 1;
        if count > MANIFESTS_MAX {
            return Err(Failure::broken(format!("the index leads to more than {MANIFESTS_MAX} manifests")));
        }
        bar.inc_length(manifest.blobs().map(|blob| blob.size).sum());
        for blob in manifest.blobs() {
            let before = bar.position();
            registry
                .fetch_blob(blob, &writer.blob(&blob.digest), 0o644, |there| bar.set_position(before + there))
                .await?;
        }
        for child in &manifest.manifests {
            let fetched = registry.fetch(&Reference::Digest(child.digest.clone())).await?;
            writer.put(&fetched)?;
            waiting.push(read(&fetched)?);
        }
    }
    writer.put(root)?;
    let name = match reference {
        Reference::Tag(tag) => tag.to_string(),
        Reference::Digest(digest) => digest.to_string(),
    };
    writer.finish(root, &name)?;
    bar.finish_and_clear();
    Ok(vec![folder.to_owned()])
}
