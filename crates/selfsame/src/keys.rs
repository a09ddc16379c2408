//! [`Keys`]: the folder of a ledger's keys.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use evidence::signed::{key::KeyError, private::PrivateKey};
use ring::rand::SecureRandom;
use tlog::SignerKey;

use crate::compose::Unusable;

/// The folder of a ledger's keys.
///
/// ```text
/// keys/
///   ledger.key    the ledger's private key (PKCS#8, mode 0600)
///   ledger.pub    its public key, as a verifier needs it
///   receipts.key  the private key that signs receipts of promotions (P-256, PKCS#8, mode 0600)
///   receipts.pub  its public key, as PEM
///   admin.token   the first token (mode 0600); needed only when the ledger begins
/// ```
#[derive(Clone, Debug)]
pub struct Keys(PathBuf);

impl Keys {
    /// The keys in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file of the ledger's private key.
    pub fn private(&self) -> PathBuf {
        self.0.join("ledger.key")
    }

    /// The file of its public key.
    pub fn public(&self) -> PathBuf {
        self.0.join("ledger.pub")
    }

    /// The file of the first token.
    pub fn admin_token(&self) -> PathBuf {
        self.0.join("admin.token")
    }

    /// The ledger's key, with the name that stands in the file of the public one; `None` if there is none.
    pub fn signer(&self) -> Result<Option<SignerKey>, Unusable> {
        let Some(pem) = read_if_there(&self.private())? else { return Ok(None) };
        let public = read_if_there(&self.public())?.ok_or_else(|| self.missing("ledger.pub"))?;
        let name = public.split('+').next().unwrap_or_default();
        let signer = SignerKey::from_pkcs8_pem(name, &pem);
        let signer = signer.map_err(|error| self.unreadable("ledger.key", &format!("it is no ledger key: {error}")))?;
        if signer.verifier_key().to_string() != public.trim() {
            return Err(self.unreadable("ledger.key", "it is not the private key of `ledger.pub` beside it"));
        }
        Ok(Some(signer))
    }

    /// Makes the ledger's key. Its name stays what it is for ever.
    pub fn make_signer(&self, origin: &str) -> Result<SignerKey, Unusable> {
        let unusable = |error: &dyn std::fmt::Display| self.unreadable("ledger.key", &error.to_string());
        let signer = SignerKey::from_seed(origin, random()).map_err(|error| unusable(&error))?;
        let pem = signer.to_pkcs8_pem().map_err(|error| unusable(&error))?;
        write_new(&self.public(), signer.verifier_key().to_string().as_bytes(), 0o644)?;
        write_new(&self.private(), pem.as_bytes(), 0o600)?;
        Ok(signer)
    }

    /// The file of the private key of receipts.
    pub fn receipts_private(&self) -> PathBuf {
        self.0.join("receipts.key")
    }

    /// The file of the public key of receipts.
    pub fn receipts_public(&self) -> PathBuf {
        self.0.join("receipts.pub")
    }

    /// The key that signs receipts; `None` if there is none.
    pub fn receipts(&self) -> Result<Option<PrivateKey>, Unusable> {
        let Some(pem) = read_if_there(&self.receipts_private())? else { return Ok(None) };
        let key = PrivateKey::from_pkcs8_pem(&pem);
        key.map(Some).map_err(|error| self.unreadable("receipts.key", &error.to_string()))
    }

    /// Makes the key that signs receipts. It is another one than the ledger's: whoever believes receipts is not to believe a log by it, nor the other
    /// way.
    pub fn make_receipts(&self) -> Result<PrivateKey, Unusable> {
        let unusable = |error: KeyError| self.unreadable("receipts.key", &error.to_string());
        let key = loop {
            // Hardly ever is a random number too large for the curve.
            if let Ok(key) = PrivateKey::from_secret(&random()) {
                break key;
            }
        };
        write_new(&self.receipts_public(), key.public_pem().as_bytes(), 0o644)?;
        write_new(&self.receipts_private(), key.to_pkcs8_pem().map_err(unusable)?.as_bytes(), 0o600)?;
        Ok(key)
    }

    /// The secret of the first token; `None` if there is none.
    pub fn first_token(&self) -> Result<Option<String>, Unusable> {
        Ok(read_if_there(&self.admin_token())?.map(|secret| secret.trim().to_owned()))
    }

    /// Makes the first token. Its secret is on disk before any ledger knows its hash.
    pub fn make_first_token(&self) -> Result<String, Unusable> {
        let secret = server::token::generate();
        write_new(&self.admin_token(), format!("{secret}\n").as_bytes(), 0o600)?;
        Ok(secret)
    }

    /// A file is not there, in a folder in which nothing is made.
    pub fn missing(&self, name: &str) -> Unusable {
        self.unreadable(name, "it is not there: `selfsame keys create` makes a folder of keys for a new ledger")
    }

    /// A file is not what it should be.
    pub fn unreadable(&self, name: &str, problem: &str) -> Unusable {
        Unusable::Key { path: self.0.join(name).display().to_string(), problem: problem.into() }
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    ring::rand::SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// The text of a file; `None` if there is none.
pub fn read_if_there(path: &Path) -> Result<Option<String>, Unusable> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Unusable::File { path: path.display().to_string(), source }),
    }
}

/// Writes a file that must not be there yet: whole or not at all, and durably.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Unusable> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let temporary = path.with_extension("new");
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| Unusable::File { path: path.display().to_string(), source })
}
