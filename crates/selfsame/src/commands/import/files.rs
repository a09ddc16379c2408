//! Files of promoter manifests: each becomes an artifact, if its bytes are those that the manifest names.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use connect::{Host, Place};
use domain::{Algorithm, Digest};
use serde::Serialize;

use super::promoter::File;
use crate::{
    commands::push,
    context::Context,
    oci::{Descriptor, EMPTY_CONFIG, EMPTY_TYPE, MANIFEST_TYPE, Manifest, Reference, Registry, Source, TITLE},
    outcome::{Failure, Outcome},
    output,
};

/// What the artifact of a file is.
const FILE_TYPE: &str = "application/vnd.selfsame.files.v1";

/// A file that is an artifact now, or would be.
#[derive(Serialize)]
pub struct Filed {
    name: String,
    size: u64,
    repository: String,
    digest: Option<Digest>,
}

/// A file as it lies in the folder, its hash compared.
pub struct Found {
    path: PathBuf,
    descriptor: Descriptor,
}

impl Filed {
    /// What people read.
    pub fn in_words(&self) -> String {
        let Self { name, size, repository, digest } = self;
        match digest {
            Some(digest) => format!("{repository}@{digest} {name}"),
            None => format!("would import {name} ({}) into {repository}", output::bytes(*size)),
        }
    }
}

/// Looks at all files: one that is missing or has another hash stops all.
pub fn find(files: &[File], folder: Option<&Path>) -> Outcome<Vec<Found>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let folder = folder.ok_or_else(|| {
        Failure::usage("the manifest names files", "say with --files DIR where the files of its source lie")
    })?;
    let (mut problems, mut found) = (Vec::new(), Vec::new());
    for file in files {
        match look(folder, file) {
            Ok(descriptor) => found.push(Found { path: folder.join(&file.name), descriptor }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    let hint = "nothing was imported; mend the manifest or the files, and import again".to_owned();
    Err(Failure::refused("missing", problems.join("\n"), Some(hint)))
}

/// Pushes files to one repository, each as an artifact.
pub async fn import(context: &Context, found: Vec<Found>, to: &Place, dry_run: bool) -> Outcome<Vec<Filed>> {
    let mut filed = Vec::new();
    if found.is_empty() {
        return Ok(filed);
    }
    let (server, _) = context.server_and_token()?;
    if server.trim_end_matches('/').parse::<Host>().ok().as_ref() != Some(&to.host) {
        let text =
            format!("files are imported into the server that is logged in to, `{server}`, and not `{}`", to.host);
        return Err(Failure::usage(text, "log in there, or name it with --server"));
    }
    let registry = Registry::new(context, to.repository.clone())?;
    for Found { path, descriptor } in found {
        let (name, size) = (descriptor.annotations[TITLE].clone(), descriptor.size);
        let digest = if dry_run { None } else { Some(put(&registry, &path, descriptor).await?) };
        filed.push(Filed { name, size, repository: to.to_string(), digest });
    }
    Ok(filed)
}

fn look(folder: &Path, file: &File) -> Result<Descriptor, String> {
    let path: PathBuf = folder.join(&file.name);
    let mut descriptor = push::hash(&path).map_err(|failure| failure.to_string())?;
    if descriptor.digest != file.digest {
        let (expected, actual) = (&file.digest, &descriptor.digest);
        return Err(format!("`{}` has the digest `{actual}`, not `{expected}`", path.display()));
    }
    debug_assert_eq!(descriptor.digest.algorithm(), Algorithm::Sha256, "files are hashed by SHA-256");
    descriptor.annotations.insert(TITLE.into(), file.name.clone());
    Ok(descriptor)
}

async fn put(registry: &Registry, path: &Path, descriptor: Descriptor) -> Outcome<Digest> {
    registry.put_blob(&descriptor.digest, descriptor.size, &Source::File(path.to_owned()), |_| {}).await?;
    let empty = Bytes::from_static(EMPTY_CONFIG);
    let config = Descriptor {
        media_type: EMPTY_TYPE.into(),
        digest: Digest::sha256(&empty),
        size: empty.len() as u64,
        annotations: Default::default(),
    };
    registry.put_blob(&config.digest, config.size, &Source::Bytes(empty), |_| {}).await?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST_TYPE.into()),
        artifact_type: Some(FILE_TYPE.into()),
        config: Some(config),
        layers: vec![descriptor],
        manifests: Vec::new(),
        annotations: Default::default(),
    };
    let bytes: Bytes = serde_json::to_vec(&manifest).map_err(|error| Failure::broken(error.to_string()))?.into();
    let digest = Digest::sha256(&bytes);
    registry.put_manifest(&Reference::Digest(digest.clone()), MANIFEST_TYPE, &bytes).await?;
    Ok(digest)
}
