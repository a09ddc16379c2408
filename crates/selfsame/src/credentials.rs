//! Where `selfsame login` keeps tokens: `${XDG_CONFIG_HOME:-~/.config}/selfsame/credentials.json`, readable by its owner only.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::outcome::Failure;

/// The servers that somebody is logged in to.
#[derive(Default, Serialize, Deserialize)]
pub struct Credentials {
    /// The server that commands speak to unless they say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The token for each server.
    #[serde(default)]
    pub tokens: BTreeMap<String, String>,
}

impl Credentials {
    /// What is stored; nothing if nobody ever logged in.
    pub fn load() -> Result<Self, Failure> {
        let Some(file) = file() else { return Ok(Self::default()) };
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::broken(format!("`{}` is not readable: {error}; remove it and log in again", file.display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::file(&file, &error)),
        }
    }

    /// Stores them, whole or not at all; says where.
    pub fn store(&self) -> Result<PathBuf, Failure> {
        let file =
            file().ok_or_else(|| Failure::broken("neither XDG_CONFIG_HOME nor HOME says where to keep the token"))?;
        let bytes = serde_json::to_vec_pretty(self).expect("credentials serialise to JSON");
        let write = || -> io::Result<()> {
            let folder = file.parent().unwrap_or(&file);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let temporary = file.with_extension(format!("new-{}", std::process::id()));
            let mut new = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            new.write_all(&bytes).and_then(|()| new.sync_all())?;
            fs::rename(&temporary, &file)
        };
        write().map_err(|error| Failure::file(&file, &error))?;
        Ok(file)
    }
}

/// The file; `None` if the environment names no place for it.
fn file() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("selfsame").join("credentials.json"))
}
