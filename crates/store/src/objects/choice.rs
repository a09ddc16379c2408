//! Which object storage a data directory has its blobs in: `objects.json`, so that no program that opens the directory looks elsewhere.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use engine::ports::Trouble;

use super::Place;

/// The file that says so.
const FILE: &str = "objects.json";

/// Where the blobs of a data directory are, if not in itself.
pub fn chosen(data: &Path) -> Result<Option<Place>, Trouble> {
    let file = data.join(FILE);
    let trouble =
        |error: Box<dyn std::error::Error + Send + Sync>| Trouble::new(format!("read `{}`", file.display()), error);
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| trouble(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble(error.into())),
    }
}

/// Has a data directory keep its blobs and the published ledger at `place`, from its beginning on. The way there may change later, the place not:
/// what is in one place does not move to another by being called for there.
pub fn choose(data: &Path, place: &Place) -> Result<(), Trouble> {
    let doing = || format!("keep the blobs of `{}` at `{place}`", data.display());
    match chosen(data)? {
        Some(known) if known == *place => return Ok(()),
        Some(known) if known.bucket != place.bucket => {
            let why = format!("they are at `{known}`: leave `--objects` out, or name another data directory");
            return Err(Trouble::new(doing(), why));
        }
        Some(_) => {}
        None if data.join("blobs").exists() => {
            let why = "they are in its folder `blobs` already: leave `--objects` out, or name another data directory";
            return Err(Trouble::new(doing(), why));
        }
        None => {}
    }
    write(data, place).map_err(|error| Trouble::new(doing(), error))
}

fn write(data: &Path, place: &Place) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let temporary = data.join(format!("{FILE}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(place)?)?;
    file.sync_all()?;
    fs::rename(&temporary, data.join(FILE))?;
    File::open(data)?.sync_all()
}
