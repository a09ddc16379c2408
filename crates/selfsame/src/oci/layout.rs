//! An OCI image layout: a folder with `oci-layout`, `index.json` and `blobs/`.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use domain::Digest;
use serde_json::json;

use super::{Descriptor, Fetched, INDEX_TYPE, MANIFEST_BYTES_MAX, Manifest};
use crate::outcome::{Failure, Outcome};

/// The file that makes a folder a layout.
const LAYOUT_FILE: &str = "oci-layout";
/// The annotation of a manifest in `index.json` with its name.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A layout to read from.
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout in `root`, if there is one.
    pub fn open(root: &Path) -> Option<Self> {
        root.join(LAYOUT_FILE).is_file().then(|| Self { root: root.to_owned() })
    }

    /// The manifest to push: the one called `name`, or the only one.
    pub fn root(&self, name: Option<&str>) -> Outcome<Descriptor> {
        let file = self.root.join("index.json");
        let bytes = read(&file)?;
        let index: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::broken(format!("`{}`: {error}", file.display())))?;
        let called =
            |one: &&Descriptor| name.is_none_or(|name| one.annotations.get(REF_NAME).is_some_and(|own| own == name));
        let found: Vec<_> = index.manifests.iter().filter(called).collect();
        match found[..] {
            [only] => Ok(only.clone()),
            _ => {
                let names: Vec<_> =
                    index.manifests.iter().filter_map(|one| one.annotations.get(REF_NAME).cloned()).collect();
                let text = format!("`{}` has {} manifests that could be meant", file.display(), found.len());
                Err(Failure::usage(text, &format!("choose one with --ref: {}", names.join(", "))))
            }
        }
    }

    /// A manifest's bytes, checked against its digest.
    pub fn manifest(&self, descriptor: &Descriptor) -> Outcome<(Manifest, Bytes)> {
        let file = self.blob(&descriptor.digest);
        let bytes = read(&file)?;
        if Digest::of(descriptor.digest.algorithm(), &bytes) != descriptor.digest {
            return Err(Failure::broken(format!("`{}` does not hold the bytes of its digest", file.display())));
        }
        let manifest = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::broken(format!("`{}`: {error}", file.display())))?;
        Ok((manifest, bytes.into()))
    }

    /// The file of a blob.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        blob_file(&self.root, digest)
    }
}

/// A layout that is being written.
pub struct LayoutWriter {
    root: PathBuf,
}

impl LayoutWriter {
    /// A layout in `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file of a blob.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        blob_file(&self.root, digest)
    }

    /// Writes a manifest's bytes.
    pub fn put(&self, fetched: &Fetched) -> Outcome {
        write(&self.blob(&fetched.digest), &fetched.bytes)
    }

    /// Makes the layout whole: it has the manifest `root`, called `name`.
    pub fn finish(&self, root: &Fetched, name: &str) -> Outcome {
        let descriptor = json!({
            "mediaType": root.media_type,
            "digest": root.digest,
            "size": root.bytes.len(),
            "annotations": {REF_NAME: name},
        });
        let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [descriptor]});
        write(&self.root.join("index.json"), index.to_string().as_bytes())?;
        write(&self.root.join(LAYOUT_FILE), json!({"imageLayoutVersion": "1.0.0"}).to_string().as_bytes())
    }
}

fn blob_file(root: &Path, digest: &Digest) -> PathBuf {
    root.join("blobs").join(digest.algorithm().to_string()).join(digest.hex())
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(file, &error))?;
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(Failure::broken(format!("`{}` has more than {MANIFEST_BYTES_MAX} bytes", file.display())));
    }
    Ok(bytes)
}

fn write(file: &Path, bytes: &[u8]) -> Outcome {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).and_then(|()| fs::write(file, bytes)).map_err(|error| Failure::file(file, &error))
}
