//! Promoter manifests (kubernetes-sigs/promo-tools): plain, thin, and of files. Strict: what is not understood is an error with its place.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use connect::Place;
use domain::{Digest, RepositoryName, TagName};
use serde::{Deserialize, de::DeserializeOwned};
use serde_saphyr::Spanned;

use crate::outcome::{Failure, Outcome};

/// How many bytes a manifest has at most.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What manifests name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Images, each once for each source.
    pub images: Vec<Image>,
    /// Files.
    pub files: Vec<File>,
}

/// An image: digests of one repository, each with its tags.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name, at the source and at the destination.
    pub name: RepositoryName,
    /// The repository that has it.
    pub source: Place,
    /// Its digests.
    pub digests: BTreeMap<Digest, BTreeSet<TagName>>,
}

/// A file, known by its hash.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in the store.
    pub name: String,
    /// The hash of its bytes.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    registries: Option<Vec<Registry>>,
    images: Option<Vec<OneImage>>,
    filestores: Option<Vec<Store>>,
    files: Option<Vec<OneFile>>,
    #[serde(rename = "imagesPath")]
    _images_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Registry {
    name: Spanned<String>,
    #[serde(rename = "service-account")]
    _service_account: Option<String>,
    #[serde(default)]
    src: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneImage {
    name: Spanned<String>,
    dmap: BTreeMap<Digest, Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    base: Spanned<String>,
    #[serde(rename = "service-account")]
    _service_account: Option<String>,
    #[serde(default)]
    src: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneFile {
    name: Spanned<String>,
    sha256: Spanned<String>,
}

fn wrong(file: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{}: {problem}", file.display()), "mend the manifest; nothing was imported")
}

fn wrong_at<T>(file: &Path, at: &Spanned<T>, problem: impl std::fmt::Display) -> Failure {
    let (line, column) = (at.referenced.line(), at.referenced.column());
    Failure::usage(format!("{}:{line}:{column}: {problem}", file.display()), "mend the manifest; nothing was imported")
}

fn parse<T: DeserializeOwned>(file: &Path) -> Outcome<T> {
    let size = fs::metadata(file).map_err(|error| Failure::file(file, &error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(wrong(file, format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    serde_saphyr::from_str(&text).map_err(|error| wrong(file, error))
}

/// Reads a manifest, or a folder of thin ones.
pub fn read(path: &Path) -> Outcome<Promoted> {
    let mut promoted = Promoted::default();
    if !path.is_dir() {
        let manifest: Manifest = parse(path)?;
        if manifest.images.is_none() && manifest.files.is_none() {
            return Err(wrong(path, "it names neither `images` nor `files`"));
        }
        take(path, manifest, None, &mut promoted)?;
        return Ok(promoted);
    }
    let folders = |name: &str| -> Outcome<BTreeSet<PathBuf>> {
        let folder = path.join(name);
        let entries = fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?;
        let names = entries.map(|entry| entry.map(|entry| PathBuf::from(entry.file_name())));
        names.collect::<Result<_, _>>().map_err(|error| Failure::file(&folder, &error))
    };
    let (manifests, images) = (folders("manifests")?, folders("images")?);
    if let Some(alone) = manifests.symmetric_difference(&images).next() {
        return Err(wrong(
            path,
            format!("`{}` is in one of `manifests` and `images`, and not in the other", alone.display()),
        ));
    }
    for name in manifests {
        let file = path.join("manifests").join(&name).join("promoter-manifest.yaml");
        let listed = path.join("images").join(&name).join("images.yaml");
        let manifest: Manifest = parse(&file)?;
        if manifest.images.is_some() || manifest.files.is_some() {
            return Err(wrong(&file, "a thin manifest names no `images` and no `files` itself"));
        }
        take(&file, manifest, Some((&listed, parse(&listed)?)), &mut promoted)?;
    }
    Ok(promoted)
}

fn take(file: &Path, manifest: Manifest, thin: Option<(&Path, Vec<OneImage>)>, promoted: &mut Promoted) -> Outcome {
    let Manifest { registries, images, filestores, files, .. } = manifest;
    let (listed, images) = thin.unwrap_or((file, images.unwrap_or_default()));
    if !images.is_empty() {
        let registries = registries.unwrap_or_default();
        let registry = only_source(file, registries.iter().filter(|one| one.src).map(|one| &one.name), "registries")?;
        take_images(listed, registry, images, promoted)?;
    }
    let files = files.unwrap_or_default();
    if !files.is_empty() {
        let stores = filestores.unwrap_or_default();
        only_source(file, stores.iter().filter(|one| one.src).map(|one| &one.base), "filestores")?;
        take_files(file, files, promoted)?;
    }
    Ok(())
}

fn only_source<'a>(
    file: &Path,
    mut sources: impl Iterator<Item = &'a Spanned<String>>,
    of: &str,
) -> Outcome<&'a Spanned<String>> {
    let first = sources
        .next()
        .ok_or_else(|| wrong(file, format!("none of the `{of}` is the source: mark it with `src: true`")))?;
    match sources.next() {
        None => Ok(first),
        Some(second) => Err(wrong_at(file, second, format!("a second source among the `{of}`: there is one"))),
    }
}

fn take_images(file: &Path, registry: &Spanned<String>, images: Vec<OneImage>, promoted: &mut Promoted) -> Outcome {
    for OneImage { name, dmap } in images {
        let parsed: RepositoryName = name.value.parse().map_err(|error| wrong_at(file, &name, error))?;
        let source: Place =
            format!("{}/{parsed}", registry.value).parse().map_err(|error| wrong_at(file, registry, error))?;
        if promoted.images.iter().any(|known| known.name == parsed) {
            return Err(wrong_at(file, &name, format!("image `{parsed}` is named twice")));
        }
        let mut taken: BTreeMap<TagName, Digest> = BTreeMap::new();
        let mut digests = BTreeMap::new();
        for (digest, tags) in dmap {
            let mut of_digest = BTreeSet::new();
            for tag in tags {
                let parsed: TagName = tag.value.parse().map_err(|error| wrong_at(file, &tag, error))?;
                if let Some(other) = taken.insert(parsed.clone(), digest.clone()) {
                    let problem = match other == digest {
                        true => format!("tag `{parsed}` is here twice"),
                        false => format!("tag `{parsed}` is for two digests, `{other}` and `{digest}`"),
                    };
                    return Err(wrong_at(file, &tag, problem));
                }
                of_digest.insert(parsed);
            }
            digests.insert(digest, of_digest);
        }
        promoted.images.push(Image { name: parsed, source, digests });
    }
    Ok(())
}

fn take_files(file: &Path, files: Vec<OneFile>, promoted: &mut Promoted) -> Outcome {
    for OneFile { name, sha256 } in files {
        let digest = format!("sha256:{}", sha256.value).parse().map_err(|error| wrong_at(file, &sha256, error))?;
        let parts = || name.value.split('/');
        if parts().any(|part| matches!(part, "" | "." | "..")) || name.value.contains('\\') {
            return Err(wrong_at(file, &name, format!("`{}` is no name below the store", name.value)));
        }
        if promoted.files.iter().any(|known| known.name == name.value) {
            return Err(wrong_at(file, &name, format!("file `{}` is named twice", name.value)));
        }
        promoted.files.push(File { name: name.value, digest });
    }
    Ok(())
}
