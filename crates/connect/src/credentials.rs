//! [`Credentials`]: who we are to other registries, as Docker's and the containers tools' files and helper programs know it.

mod program;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::{Error, Host, Place};

/// How many bytes a file of credentials has at most.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What opens a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// What a token is got for, instead of a password.
    Refresh(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who we are to other registries. Files are read when a registry asks who we are, and not before.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    own: BTreeMap<Host, Secret>,
    files: Vec<PathBuf>,
}

/// What we use of `config.json` and `auth.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl Credentials {
    /// Nobody, to every registry.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of these files, the first that knows a registry counts.
    pub fn from_files(files: Vec<PathBuf>) -> Self {
        Self { own: BTreeMap::new(), files }
    }

    /// Those of the files that the tools on this machine use: `$REGISTRY_AUTH_FILE`, the containers tools' `auth.json`, Docker's
    /// `config.json`.
    pub fn of_this_machine() -> Self {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = |below: &str| folder("HOME").map(|home| home.join(below));
        let config = folder("XDG_CONFIG_HOME").or_else(|| home(".config"));
        let docker = folder("DOCKER_CONFIG").or_else(|| home(".docker"));
        let files = [
            folder("REGISTRY_AUTH_FILE"),
            folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
            config.map(|folder| folder.join("containers/auth.json")),
            docker.map(|folder| folder.join("config.json")),
        ];
        Self::from_files(files.into_iter().flatten().collect())
    }

    /// The same, and this for one registry, whatever the files say. What is for a registry with TLS is not for the same one without.
    #[must_use]
    pub fn with(mut self, host: Host, secret: Secret) -> Self {
        self.own.insert(host, secret);
        self
    }

    /// What opens `place`; nothing if nobody knows it.
    pub(crate) async fn of(&self, place: &Place) -> Result<Option<Secret>, Error> {
        if let Some(secret) = self.own.get(&place.host) {
            return Ok(Some(secret.clone()));
        }
        for file in &self.files {
            let Some(known) = read(file)? else { continue };
            if let Some(secret) = known.of(file, place).await? {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }
}

impl File {
    async fn of(&self, file: &Path, place: &Place) -> Result<Option<Secret>, Error> {
        let host = place.host.in_credentials();
        let helper = self.cred_helpers.iter().find(|(key, _)| bare(key) == host).map(|(_, helper)| helper);
        if let Some(helper) = helper.or(self.creds_store.as_ref()).filter(|helper| !helper.is_empty()) {
            // Docker Hub's credentials are kept under its old address.
            let key = if host == "index.docker.io" { "https://index.docker.io/v1/" } else { host };
            if let Some(secret) = program::ask(helper, key).await? {
                return Ok(Some(secret));
            }
        }
        let whole = format!("{host}/{}", place.repository);
        let mut scope = whole.as_str();
        loop {
            let entry = self.auths.iter().find(|(key, _)| bare(key) == scope).map(|(_, entry)| entry);
            if let Some(entry) = entry
                && let Some(secret) = entry.secret(file)?
            {
                return Ok(Some(secret));
            }
            match scope.rsplit_once('/') {
                Some((wider, _)) => scope = wider,
                None => return Ok(None),
            }
        }
    }
}

impl Entry {
    /// What the entry holds; nothing if it is empty, as it is where a helper program keeps the secret.
    fn secret(&self, file: &Path) -> Result<Option<Secret>, Error> {
        if !self.identitytoken.is_empty() {
            return Ok(Some(Secret::Refresh(self.identitytoken.clone())));
        }
        if self.auth.is_empty() {
            let there = !self.username.is_empty();
            return Ok(there.then(|| Secret::Password { user: self.username.clone(), password: self.password.clone() }));
        }
        let text = BASE64_STANDARD.decode(self.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((user, password)) => {
                // Some tools fill the field up with zeros.
                Ok(Some(Secret::Password { user: user.into(), password: password.trim_end_matches('\0').into() }))
            }
            None => Err(Error::Credentials(format!(
                "`{}`: an `auth` is not the Base64 form of `NAME:PASSWORD`",
                file.display()
            ))),
        }
    }
}

/// A key of such a file without what some tools put around the host.
fn bare(key: &str) -> &str {
    let key = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

fn read(file: &Path) -> Result<Option<File>, Error> {
    let mut bytes = Vec::new();
    match fs::File::open(file).and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Error::file(file, error)),
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::Credentials(format!("`{}` has more than {FILE_BYTES_MAX} bytes", file.display())));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        // What is wrong is said by its place: the text around it may be a secret.
        let (line, column) = (error.line(), error.column());
        Error::Credentials(format!("`{}`:{line}:{column}: this is no file of credentials", file.display()))
    })
}
