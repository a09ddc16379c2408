//! `selfsame push`: pushes files, or a folder in OCI layout, as an artifact.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use bytes::Bytes;
use clap::Args;
use domain::{Algorithm, ComponentName, Digest, Hasher, RepositoryName, TagName};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::{
    context::{self, Context},
    oci::{
        Descriptor, EMPTY_CONFIG, EMPTY_TYPE, Layout, MANIFEST_TYPE, MODE, Manifest, Reference, Registry, Source, TITLE,
    },
    outcome::{Failure, Outcome},
    output, progress,
};

/// How many manifests an index may lead to.
const MANIFESTS_MAX: usize = 1000;

/// Push files, or a folder in OCI layout, as an artifact of a component. Prints its digest.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  selfsame push ./web --component web --commit 3f2a01b\n  selfsame push ./image --component web --tag 1.4"
)]
pub struct PushArgs {
    /// The files; or one folder in OCI layout.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The component.
    #[arg(long, value_name = "NAME")]
    component: ComponentName,
    /// A tag to set; once for each.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<TagName>,
    /// The commit that it was built from.
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The source repository, as an address.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// The build, by its id or address.
    #[arg(long, value_name = "ID")]
    build: Option<String>,
    /// What the artifact is.
    #[arg(long, value_name = "TYPE", default_value = "application/vnd.selfsame.files.v1")]
    artifact_type: String,
    /// An annotation of the manifest; once for each.
    #[arg(long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<Pair>,
    /// Which manifest of the folder, if it has several.
    #[arg(long = "ref", value_name = "NAME")]
    ref_name: Option<String>,
}

/// `KEY=VALUE`.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands after it.
    pub value: String,
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.into(), value: value.into() }),
            _ => Err("write `KEY=VALUE`"),
        }
    }
}

/// What was pushed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    repository: RepositoryName,
    digest: Digest,
    media_type: String,
    tags: Vec<TagName>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: PushArgs) -> Outcome {
    let client = context.client()?;
    let project = context.project(&client).await?;
    let config = client.project(&project).await?.config;
    let registry = Registry::new(context, context::repository(&config, &args.component)?)?;
    let layout = match &args.files[..] {
        [folder] if folder.is_dir() => Some(Layout::open(folder).ok_or_else(|| {
            let text = format!("`{}` is a folder, and not in OCI layout", folder.display());
            Failure::usage(text, "push its files, or pack it first, for example with `tar`")
        })?),
        _ => None,
    };
    let (media_type, bytes) = match &layout {
        Some(layout) => push_layout(&registry, layout, &args).await?,
        None => push_files(&registry, &args).await?,
    };
    let digest = Digest::sha256(&bytes);
    if args.tags.is_empty() {
        registry.put_manifest(&Reference::Digest(digest.clone()), &media_type, &bytes).await?;
    }
    for tag in &args.tags {
        registry.put_manifest(&Reference::Tag(tag.clone()), &media_type, &bytes).await?;
    }
    let pushed = Pushed { repository: registry.name().clone(), digest, media_type, tags: args.tags };
    output::answer(context.json, &pushed, |pushed| pushed.digest.to_string())?;
    if !context.json {
        output::note(&format!("pushed {}@{}", pushed.repository, pushed.digest));
    }
    Ok(())
}

/// A file, read once for its digest.
struct Hashed {
    path: PathBuf,
    descriptor: Descriptor,
}

async fn push_files(registry: &Registry, args: &PushArgs) -> Outcome<(String, Bytes)> {
    let mut files = Vec::new();
    let mut titles = BTreeSet::new();
    for path in &args.files {
        let hashed = Hashed { path: path.clone(), descriptor: hash(path)? };
        if !titles.insert(hashed.descriptor.annotations[TITLE].clone()) {
            let text = format!("two files are called `{}`", hashed.descriptor.annotations[TITLE]);
            return Err(Failure::usage(text, "give each another name, or pack them first, for example with `tar`"));
        }
        files.push(hashed);
    }
    let total = files.iter().map(|file| file.descriptor.size).sum();
    let bar = progress::bytes("pushing", total);
    let mut done = 0;
    for Hashed { path, descriptor } in &files {
        let progress = |there: u64| bar.set_position(done + there);
        registry.put_blob(&descriptor.digest, descriptor.size, &Source::File(path.clone()), progress).await?;
        done += descriptor.size;
    }
    let empty = Bytes::from_static(EMPTY_CONFIG);
    registry.put_blob(&Digest::sha256(&empty), empty.len() as u64, &Source::Bytes(empty.clone()), |_| {}).await?;
    bar.finish_and_clear();
    let config = Descriptor {
        media_type: EMPTY_TYPE.into(),
        digest: Digest::sha256(&empty),
        size: 2,
        annotations: BTreeMap::new(),
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST_TYPE.into()),
        artifact_type: Some(args.artifact_type.clone()),
        config: Some(config),
        layers: files.into_iter().map(|file| file.descriptor).collect(),
        manifests: Vec::new(),
        annotations: annotations(args),
    };
    let bytes = serde_json::to_vec(&manifest).map_err(|error| Failure::broken(error.to_string()))?;
    Ok((MANIFEST_TYPE.into(), bytes.into()))
}

/// Nothing here depends on when or where it is pushed: the same files with the same annotations are the same artifact.
fn annotations(args: &PushArgs) -> BTreeMap<String, String> {
    let known = [
        ("org.opencontainers.image.revision", &args.commit),
        ("org.opencontainers.image.source", &args.source),
        ("vnd.selfsame.build", &args.build),
    ];
    let known = known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    known.chain(args.annotations.iter().map(|pair| (pair.key.clone(), pair.value.clone()))).collect()
}

/// What a file is: its digest, its size, its name, and whether it is executable.
pub fn hash(path: &Path) -> Outcome<Descriptor> {
    let broken = |error: &std::io::Error| Failure::file(path, error);
    let title = path.file_name().and_then(|name| name.to_str());
    let title =
        title.ok_or_else(|| Failure::usage(format!("`{}` has no name that is text", path.display()), "rename it"))?;
    let mut file = File::open(path).map_err(|error| broken(&error))?;
    let metadata = file.metadata().map_err(|error| broken(&error))?;
    if !metadata.is_file() {
        return Err(Failure::usage(
            format!("`{}` is no file", path.display()),
            "push files, or one folder in OCI layout",
        ));
    }
    let bar = progress::bytes("reading", metadata.len());
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(|error| broken(&error))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
        bar.set_position(size);
    }
    bar.finish_and_clear();
    let mut annotations = BTreeMap::from([(TITLE.to_owned(), title.to_owned())]);
    if metadata.permissions().mode() & 0o111 != 0 {
        annotations.insert(MODE.to_owned(), "755".to_owned());
    }
    Ok(Descriptor { media_type: "application/octet-stream".into(), digest: hasher.finish(), size, annotations })
}

/// Pushes all that the layout's manifest names; the manifest itself is left to the caller.
async fn push_layout(registry: &Registry, layout: &Layout, args: &PushArgs) -> Outcome<(String, Bytes)> {
    let root = layout.root(args.ref_name.as_deref())?;
    if root.digest.algorithm() != Algorithm::Sha256 {
        return Err(Failure::usage(
            format!("`{}` is no SHA-256 digest", root.digest),
            "write the layout with SHA-256 digests",
        ));
    }
    let (manifest, bytes) = layout.manifest(&root)?;
    let bar = progress::bytes("pushing", 0);
    // The manifests that an index names come before it: nothing is there before what it names.
    let mut waiting: Vec<Descriptor> = manifest.manifests.clone();
    let mut children = Vec::new();
    push_blobs(registry, layout, &manifest, &bar).await?;
    while let Some(child) = waiting.pop() {
        if children.len() >= MANIFESTS_MAX {
            return Err(Failure::usage(
                format!("the index leads to more than {MANIFESTS_MAX} manifests"),
                "push a part of it",
            ));
        }
        let (manifest, bytes) = layout.manifest(&child)?;
        push_blobs(registry, layout, &manifest, &bar).await?;
        waiting.extend(manifest.manifests);
        children.push((child, bytes));
    }
    for (child, bytes) in children.into_iter().rev() {
        registry.put_manifest(&Reference::Digest(child.digest), &child.media_type, &bytes).await?;
    }
    bar.finish_and_clear();
    Ok((root.media_type, bytes))
}

async fn push_blobs(registry: &Registry, layout: &Layout, manifest: &Manifest, bar: &ProgressBar) -> Outcome {
    bar.inc_length(manifest.blobs().map(|blob| blob.size).sum());
    for blob in manifest.blobs() {
        let before = bar.position();
        let source = Source::File(layout.blob(&blob.digest));
        registry.put_blob(&blob.digest, blob.size, &source, |there| bar.set_position(before + there)).await?;
    }
    Ok(())
}
