//! [`Place`]: how far a scrub is and what it found, kept beside the data over restarts.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// The file, in the data directory. Without it a scrub begins anew, and finds again what is damaged; it only does not know any more which holds
/// are its own.
const FILE: &str = "scrub.json";

/// How far a scrub is and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The number of the turn in which a replica kept it; 0 where there is one server alone.
    pub turn: u64,
    /// The last blob that was read in this round; none between two rounds.
    pub after: Option<Digest>,
    /// How many blobs were read in this round, or in the last one.
    pub blobs: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many rounds were ended.
    pub rounds: u64,
    /// When the last one ended.
    pub ended: Option<Timestamp>,
    /// How many blobs were repaired from a source, ever.
    pub repaired: u64,
    /// Blobs that are damaged and could not be repaired.
    pub damaged: BTreeMap<Digest, Damage>,
    /// Blobs that could not be read in this round, or in the last one: of those nothing is known.
    pub unread: Vec<Digest>,
    /// Published files of the ledger that do not lead to what was signed, as of the last round.
    pub ledger: Vec<String>,
    /// What contradicts itself in the database, as of the last round.
    pub database: Vec<String>,
}

/// A damaged blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// When that was found; none where no server ran.
    #[serde(default)]
    pub found: Option<Timestamp>,
    /// Whether it was held because of that, so that the hold ends with the damage.
    #[serde(default)]
    pub held: bool,
}

impl Place {
    /// What was kept in `data`. What cannot be read is as good as none.
    pub fn load(data: &Path) -> Self {
        let file = path(data);
        let read = fs::read(&file).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
        match read {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "The scrub's place is lost, and it begins anew");
                Self::default()
            }
        }
    }

    /// Keeps it, whole or not at all.
    pub fn save(&self, data: &Path) {
        let (file, temporary) = (path(data), data.join("scrub.json.new"));
        let write = || {
            let mut new = fs::File::create(&temporary)?;
            new.write_all(&serde_json::to_vec(self)?)?;
            new.sync_data()?;
            fs::rename(&temporary, &file)
        };
        if let Err(error) = write() {
            tracing::warn!(file = %file.display(), %error, "The scrub's place cannot be kept");
        }
    }
}

fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::{Damage, Digest, Place, path};

    #[test]
    fn a_place_is_kept_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Place::load(folder.path()), Place::default());
        let damage = Damage { found: Some(domain::Timestamp::from_millis(5)), held: true };
        let digest = Digest::sha256(b"bad");
        let place = Place {
            after: Some(Digest::sha512(b"last")),
            blobs: 7,
            damaged: [(digest, damage)].into(),
            ..Place::default()
        };
        place.save(folder.path());
        assert_eq!(Place::load(folder.path()), place);
        for (text, expected) in [("{\"rounds\": 3}", 3), ("{", 0), ("", 0)] {
            std::fs::write(path(folder.path()), text).expect("it can be written");
            assert_eq!(Place::load(folder.path()).rounds, expected, "{text}");
        }
    }
}
