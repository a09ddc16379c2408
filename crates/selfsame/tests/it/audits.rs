//! The audit finds what was changed, dropped, reordered or truncated, and names it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
};

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

/// What an audit comes to over HTTP, or of the stopped server's data directory.
fn assert_names(found: &super::server::Ran, named: &[&str]) {
    assert_eq!(found.code, 1, "{found:?}");
    for name in named {
        assert!(found.stdout.contains(name), "`{name}` is not named: {found:?}");
    }
}

#[test]
fn a_damaged_or_deleted_layer_is_named_with_its_manifest() {
    let mut server = Server::start();
    server.apply_project();
    let big = "all bytes count. ".repeat(40_000);
    let (artifact, _) = server.release(&big);
    let config = domain::Digest::sha256(b"{}");
    server.audit();
    let layer = domain::Digest::sha256(big.as_bytes());
    let path = |blob: &domain::Digest| server.data().join("blobs/sha256").join(&blob.hex()[..2]).join(blob.hex());
    let (layer_file, config_file) = (path(&layer), path(&config));
    let good = fs::read(&layer_file).expect("the layer");
    let mut bad = good.clone();
    bad[300_000] ^= 4;
    let named = format!("the layer `{layer}` of the manifest `{artifact}`");
    fs::write(&layer_file, &bad).expect("the layer can be changed");
    assert_names(&server.audit_result(), &[&named, "cannot be read", "NOT SOUND"]);
    fs::remove_file(&layer_file).expect("the layer can be removed");
    assert_names(&server.audit_result(), &[&named, "is not served"]);
    server.kill();
    assert_names(&server.audit_directory(), &[&named, "is missing"]);
    fs::write(&layer_file, &bad).expect("the layer can be changed");
    assert_names(&server.audit_directory(), &[&named, "is damaged"]);
    fs::write(&layer_file, &good).expect("the layer can be mended");
    fs::remove_file(&config_file).expect("the configuration can be removed");
    assert_names(&server.audit_directory(), &[&format!("the configuration `{config}` of the manifest `{artifact}`")]);
    // The folder of the ledger alone is enough to find the blobs beside it, and nothing is locked.
    let (ledger, key) = (server.data().join("ledger"), server.data().join("keys/ledger.pub"));
    let (ledger, key) = (ledger.to_str().expect("a path"), key.to_str().expect("a path"));
    assert_names(&server.run("", &["audit", "verify", "--dir", ledger, "--key", key]), &["the configuration"]);
}

#[test]
fn what_was_not_checked_is_said() {
    let mut server = Server::start();
    server.apply_project();
    let (artifact, _) = server.release("held later");
    server.done(&["hold", &artifact, "--reason", "a finding"]);
    let held = server.audit_result();
    assert_eq!(held.code, 0, "{held:?}");
    assert!(held.stdout.contains("nobody gets what is held"), "{held:?}");
    let narrow = server.token("machine:auditor", &["reader@shop"]);
    let key = server.data().join("keys/ledger.pub");
    let key = key.to_str().expect("a path");
    let url = format!("http://{}", server.host());
    let refused = server.run(&narrow, &["audit", "verify", "--url", &url, "--key", key]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("reader@*"), "{refused:?}");
    server.kill();
    let copy = server.folder().join("copy");
    copy_folder(&server.data().join("ledger"), &copy);
    let mirror = mirror(copy.clone());
    for place in [["--dir", copy.to_str().expect("a path")], ["--url", &mirror]] {
        let arguments = [&["audit", "verify", "--key", key, "--json"], &place[..]].concat();
        let ran = server.run("", &arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a report");
        assert_eq!(report["conclusion"], "sound", "{report}");
        let not_checked: Vec<_> =
            report["not_checked"].as_array().expect("a list").iter().map(|one| one["what"].as_str()).collect();
        assert_eq!(not_checked, [Some("state"), Some("blobs")], "{report}");
        let told = server.run("", &[&["audit", "verify", "--key", key], &place[..]].concat());
        assert!(told.stdout.contains("not checked: state") && told.stdout.contains("but for what"), "{told:?}");
    }
    let bundle = newest(&copy.join("tile/entries/000.p"));
    fs::remove_file(bundle).expect("a bundle");
    assert_names(&server.run("", &["audit", "verify", "--url", &mirror, "--key", key]), &["is missing"]);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy_folder(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("a copy") }
    }
}

/// Serves a folder as a file server does, without any question; answers with its address.
fn mirror(folder: std::path::PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            let mut lines = BufReader::new(stream.try_clone().expect("a reader"));
            lines.read_line(&mut line).expect("a request");
            while lines.by_ref().lines().next().is_some_and(|line| !line.expect("a header").is_empty()) {}
            let path = line.split_whitespace().nth(1).expect("a path").trim_start_matches('/');
            let (status, body) = match fs::read(folder.join(path)) {
                Ok(bytes) => ("200 OK", bytes),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).expect("an answer");
        }
    });
    url
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
