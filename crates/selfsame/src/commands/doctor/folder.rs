//! What the doctor looks at in folders: the data directory and the keys.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
};

use super::{Check, Found, Wrong};
use crate::{keys::Keys, output};

/// Less free space than this is told.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Looks at the data directory and at the keys.
pub(super) fn look(data: &Path, keys: &Keys) -> Vec<Check> {
    // A replica that shares nothing makes its folder when it starts.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    let made = made.map_err(|error| Wrong::new(error, "name a folder with --data that can be made and written"));
    let mut checks = vec![Check::new("disk", made.and_then(|()| writable(data)))];
    if checks[0].ok {
        checks.extend([Check::new("folder", closed(data)), Check::new("space", space(data))]);
    }
    checks.extend([Check::new("private key", secret(keys)), Check::new("public key", public(keys))]);
    checks
}

fn writable(data: &Path) -> Found {
    let file = data.join(format!(".doctor-{}", std::process::id()));
    let tried = fs::File::create(&file).and_then(|mut file| {
        file.write_all(b"doctor")?;
        file.sync_all()
    });
    let _ = fs::remove_file(&file);
    let mend = || format!("give `{}` to the user that the server runs as, on a disk that is writable", data.display());
    tried
        .map(|()| "it can be written and synced".into())
        .map_err(|error| Wrong::new(format!("it cannot be written: {error}"), mend()))
}

/// Nobody else may look into the data directory.
fn closed(data: &Path) -> Found {
    let mode = fs::metadata(data).map(|metadata| metadata.permissions().mode() & 0o777);
    let mend = format!("chmod 700 {}", data.display());
    match mode {
        Ok(mode) if mode & 0o077 == 0 => Ok("only its owner can open it".into()),
        Ok(mode) => Err(Wrong::new(format!("others can open it (mode {mode:o})"), mend)),
        Err(error) => Err(Wrong::new(error, mend)),
    }
}

fn space(data: &Path) -> Found {
    let mend = "make room, or move the data directory to a larger disk; retention lets go what nothing needs";
    let disk = rustix::fs::statvfs(data).map_err(|error| Wrong::new(error, mend))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} free", output::bytes(free));
    if free < FREE_BYTES_MIN { Err(Wrong::new(format!("only {text}"), mend)) } else { Ok(text) }
}

/// Nobody else may read the private key. A group may, where it is the only way in which the file's owner, who is somebody else, lets the server.
fn secret(keys: &Keys) -> Found {
    let file = keys.private();
    let mend = format!("chmod 600 {}", file.display());
    let metadata = fs::metadata(&file).map_err(|error| {
        let mend = "put it back from where you keep a copy, or restore a backup that was made --with-key";
        Wrong::new(format!("`{}`: {error}", file.display()), mend)
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    let is_lent = fs::metadata("/proc/self").is_ok_and(|us| us.uid() != metadata.uid());
    if mode & if is_lent { 0o037 } else { 0o077 } == 0 {
        return Ok(if mode & 0o040 == 0 { "only its owner can read it" } else { "only its group can read it" }.into());
    }
    Err(Wrong::new(format!("others can read it (mode {mode:o})"), mend))
}

/// Both keys are there, and belong together.
fn public(keys: &Keys) -> Found {
    let mend = "put the keys of this ledger back, both from the same backup";
    match keys.signer() {
        Ok(Some(signer)) => Ok(format!("ledger `{}`", signer.verifier_key().name())),
        Ok(None) => Err(Wrong::new("there is no private key that it could belong to", mend)),
        Err(unusable) => Err(Wrong::new(unusable, mend)),
    }
}
