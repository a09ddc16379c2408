//! The audit finds what was changed, dropped, reordered or truncated, and names it.

use std::{fs, path::Path};

use super::server::Server;

/// A stopped server with a ledger of some length.
fn stopped() -> Server {
    let mut server = Server::start();
    server.apply_project();
    for number in 0..3 {
        let (artifact, release) = server.release(&format!("build {number}"));
        server.done(&["promote", &release, "--to", "dev"]);
        server.done(&["attest", &artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
        server.done(&["promote", &release, "--to", "staging"]);
    }
    server.audit();
    server.kill();
    let clean = server.audit_directory();
    assert_eq!(clean.code, 0, "{clean:?}");
    server
}

/// The one file below `folder` whose name the last published tree gives it.
fn newest(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.is_file())
        .collect();
    let width = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    files.sort_by_key(|path| width(path));
    files.pop().expect("a published file")
}

#[test]
fn a_changed_entry_is_named() {
    let server = stopped();
    let bundle = newest(&server.data().join("ledger/tile/entries/000.p"));
    let mut bytes = fs::read(&bundle).expect("the bundle");
    let position = bytes.windows(5).position(|word| word == b"build" || word == b"unit\"").unwrap_or(bytes.len() / 2);
    bytes[position] ^= 1;
    fs::write(&bundle, bytes).expect("the bundle can be changed");
    let found = server.audit_directory();
    assert_eq!(found.code, 1, "{found:?}");
    assert!(format!("{}{}", found.stdout, found.stderr).contains("entry "), "{found:?}");
}

#[test]
fn a_flipped_hash_is_found() {
    let server = stopped();
    let tile = newest(&server.data().join("ledger/tile/0/000.p"));
    let mut bytes = fs::read(&tile).expect("the tile");
    bytes[70] ^= 0x80;
    fs::write(&tile, bytes).expect("the tile can be changed");
    let found = server.audit_directory();
    assert_eq!(found.code, 1, "{found:?}");
}

#[test]
fn a_forged_checkpoint_is_found() {
    let server = stopped();
    let checkpoint = server.data().join("ledger/checkpoint");
    let text = fs::read_to_string(&checkpoint).expect("the checkpoint");
    let size: u64 = text.lines().nth(1).expect("a size").parse().expect("a number");
    fs::write(&checkpoint, text.replacen(&size.to_string(), &(size - 1).to_string(), 1)).expect("it can be changed");
    let found = server.audit_directory();
    assert_eq!(found.code, 1, "{found:?}");
}

#[test]
fn a_damaged_blob_is_never_served_and_named_by_the_audit() {
    let mut server = Server::start();
    server.apply_project();
    let big = "all bytes count. ".repeat(40_000);
    let (artifact, _) = server.release(&big);
    let blob = domain::Digest::sha256(big.as_bytes());
    let file = server.data().join("blobs/sha256").join(&blob.hex()[..2]).join(blob.hex());
    let mut bytes = fs::read(&file).expect("the blob");
    bytes[300_000] ^= 4;
    fs::write(&file, bytes).expect("the blob can be changed");
    let token = server.admin();
    let pulled = super::http::send(&server.host(), &token, "GET", &format!("/v2/shop/web/blobs/{blob}"), &[], b"");
    if let Ok(answer) = pulled {
        assert_ne!(answer.status, 200, "a damaged blob was served whole");
    }
    let ran = server.run(&token, &["pull", &format!("shop/web@{artifact}"), "--output", "pulled"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    server.kill();
    let found = server.run("", &["scrub", "--data", server.data().to_str().expect("a path")]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(format!("{}{}", found.stdout, found.stderr).contains(blob.hex()), "{found:?}");
}

#[test]
fn a_proof_of_one_entry_verifies_without_the_server() {
    let mut server = Server::start();
    server.apply_project();
    server.audit();
    server.done(&["audit", "prove", "1", "-o", "entry.tlog-proof"]);
    server.kill();
    let key = server.data().join("keys/ledger.pub");
    let key = key.to_str().expect("a path");
    let verified = server.run("", &["audit", "verify-proof", "entry.tlog-proof", "--key", key]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let file = server.folder().join("entry.tlog-proof");
    let text = fs::read_to_string(&file).expect("the proof");
    fs::write(&file, text.replace("index 1", "index 0")).expect("it can be changed");
    let refused = server.run("", &["audit", "verify-proof", "entry.tlog-proof", "--key", key]);
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[test]
fn rebuilding_from_the_ledger_changes_nothing() {
    let server = stopped();
    let data = server.data().to_str().expect("a path").to_owned();
    let rebuilt = server.run("", &["rebuild", "--data", &data]);
    assert_eq!(rebuilt.code, 0, "{rebuilt:?}");
    let mut server = server;
    server.restart();
    server.audit();
    assert!(server.done(&["history", "staging"]).contains("promot"), "the views are back");
}
