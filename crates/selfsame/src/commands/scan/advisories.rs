//! Advisories from files, folders and zip archives: OSV publishes an `all.zip` for each ecosystem.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use evidence::{
    advisory::{self, Advisory},
    scan::Advisories,
};

use super::read_at_most;
use crate::outcome::{Failure, Outcome};

/// How deep folders are looked through.
const DEPTH_MAX: usize = 8;

/// Reads all that is at these paths. What is broken ends it: a scan that knows less than it was told to would say that all is well.
pub fn read(paths: &[impl AsRef<Path>]) -> Outcome<Advisories> {
    let mut advisories = Advisories::default();
    for path in paths {
        add(path.as_ref(), DEPTH_MAX, &mut advisories)?;
    }
    if advisories.is_empty() {
        return Err(Failure::usage(
            "there are no advisories at the paths of --advisories",
            "name `.json` files, folders of them, or zip archives",
        ));
    }
    Ok(advisories)
}

fn add(path: &Path, depth: usize, advisories: &mut Advisories) -> Outcome {
    if path.is_dir() {
        let items = fs::read_dir(path).and_then(|items| items.collect::<io::Result<Vec<_>>>());
        for item in items.map_err(|error| Failure::file(path, &error))? {
            let item = item.path();
            let is_wanted =
                item.is_dir() || item.extension().is_some_and(|extension| extension == "json" || extension == "zip");
            if is_wanted && depth > 0 {
                add(&item, depth - 1, advisories)?;
            }
        }
        return Ok(());
    }
    if path.extension().is_some_and(|extension| extension == "zip") {
        return add_archive(path, advisories);
    }
    advisories.add(parse(&path.display().to_string(), &read_at_most(path, advisory::BYTES_MAX)?)?);
    Ok(())
}

fn add_archive(path: &Path, advisories: &mut Advisories) -> Outcome {
    let broken = |error: zip::result::ZipError| Failure::broken(format!("`{}`: {error}", path.display()));
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(broken)?;
    let mut bytes = Vec::new();
    for index in 0..archive.len() {
        let mut item = archive.by_index(index).map_err(broken)?;
        let name = item.name().map_err(broken)?.into_owned();
        if !name.ends_with(".json") {
            continue;
        }
        bytes.clear();
        let name = format!("{}: {name}", path.display());
        // What the archive says of its size is not believed.
        let read = item.by_ref().take(advisory::BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::broken(format!("`{name}`: {error}")))?;
        advisories.add(parse(&name, &bytes)?);
    }
    Ok(())
}

fn parse(name: &str, bytes: &[u8]) -> Outcome<Advisory> {
    Advisory::parse(bytes).map_err(|error| Failure::broken(format!("`{name}`: {error}")))
}
