//! A ledger moves to other storage, whole or not at all: from a server that goes on meanwhile, over a restore that is killed.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use services::{ObjectServer, Postgres};

use super::server::{PROGRAM, Ran, Server};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn with_releases(numbers: std::ops::Range<u32>, server: &Server) {
    for number in numbers {
        let (artifact, release) = server.release(&format!("build {number} {}", "x".repeat(300_000)));
        server.done(&["promote", &release, "--to", "dev"]);
        server.done(&["attest", &artifact, "--kind", "tests", "--name", "unit", "--result", "passed"]);
    }
}

fn back_up(server: &Server, to: &Path) -> Value {
    let ran = server.run_alone(&["backup", "--data", path(server.data()), "--to", path(to), "--with-key", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("the answer is JSON")
}

fn verify(server: &Server, arguments: &[&str], key: &Path) -> Ran {
    server.run_alone(&[&["audit", "verify", "--key", path(key)], arguments].concat())
}

/// What people see of the project, without the times that go by.
fn shown(server: &Server) -> String {
    server.done(&["history"]) + &server.done(&["release", "list"])
}

#[test]
fn a_server_goes_on_from_a_backup_of_one_that_went_on() {
    let server = Server::start();
    server.apply_project();
    with_releases(0..3, &server);
    let folder = server.folder().join("backup");
    let first = back_up(&server, &folder);
    assert!(first["blobs_new"].as_u64() > Some(6) && first["problems"] == serde_json::json!([]), "{first}");
    with_releases(3..4, &server);
    let second = back_up(&server, &folder);
    assert!(second["entries"].as_u64() > first["entries"].as_u64(), "{second}");
    assert!(second["blobs_new"].as_u64() < Some(6), "what was there was copied again: {second}");
    let sound = verify(&server, &["--dir", path(&folder.join("ledger"))], &folder.join("keys/ledger.pub"));
    assert_eq!(sound.code, 0, "{sound:?}");

    let data = server.folder().join("restored");
    kill_until_done(&folder, &data);
    let sound = verify(&server, &["--data", path(&data)], &folder.join("keys/ledger.pub"));
    assert_eq!(sound.code, 0, "{sound:?}");
    fs::copy(server.data().join("keys/admin.token"), data.join("keys/admin.token")).expect("the token can be kept");
    let mut restored = Server::start_in(tempfile::tempdir().expect("a temporary folder"), data);
    assert_eq!(shown(&restored), shown(&server));
    with_releases(4..5, &restored);
    restored.kill();
    let ran = server.run_alone(&["restore", "--from", path(&folder), "--data", path(restored.data())]);
    assert!(ran.code == 2 && ran.stderr.contains("holds a ledger already"), "{ran:?}");
    assert_eq!(restored.audit_directory().code, 0, "a restore that was refused has changed something");
}

/// A restore that is killed over and over goes on where it was, and nothing takes its storage for a ledger before it has come to its end.
fn kill_until_done(from: &Path, data: &Path) {
    for patience in 1_u64.. {
        let mut restore = Command::new(PROGRAM);
        restore.args(["restore", "--from", path(from), "--data", path(data)]).stdout(Stdio::null());
        let mut restore = restore.stderr(Stdio::null()).spawn().expect("the program can be started");
        std::thread::sleep(Duration::from_millis(patience * 7));
        if let Some(ended) = restore.try_wait().expect("it can be waited for") {
            assert!(ended.success(), "the restore ended with {ended} after {patience} tries");
            return;
        }
        restore.kill().expect("it can be killed");
        restore.wait().expect("it can be waited for");
        assert!(patience < 2000, "the restore does not end");
    }
}

#[test]
fn a_damaged_blob_is_named_and_not_kept() {
    let server = Server::start();
    server.apply_project();
    let (artifact, _) = server.release(&"a layer ".repeat(50_000));
    server.audit();
    let mut blobs: Vec<_> = walk(&server.data().join("blobs"));
    blobs.sort_by_key(|blob| fs::metadata(blob).expect("a blob").len());
    let largest = blobs.pop().expect("a blob");
    let mut bytes = fs::read(&largest).expect("its bytes");
    bytes[1000] ^= 1;
    fs::write(&largest, bytes).expect("it can be changed");
    let folder = server.folder().join("backup");
    let ran = server.run_alone(&["backup", "--data", path(server.data()), "--to", path(&folder)]);
    let name = largest.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(ran.code == 1 && ran.stdout.contains(name), "{artifact}: {ran:?}");
    assert!(!walk(&folder.join("blobs")).iter().any(|blob| blob.ends_with(name)), "the damaged blob was kept");
}

#[test]
fn what_was_not_published_is_not_lost_by_a_move() {
    let mut server = Server::start();
    server.apply_project();
    server.kill();
    // An older checkpoint, as a crash before the last one was signed leaves it.
    let ledger = server.data().join("ledger");
    let kept = fs::read(ledger.join("checkpoint")).expect("a checkpoint");
    server.restart();
    server.release("one more");
    server.kill();
    fs::write(ledger.join("checkpoint"), kept).expect("the checkpoint can be written");
    let data = server.folder().join("moved");
    let ran = server.run_alone(&["restore", "--from", path(server.data()), "--data", path(&data)]);
    assert!(ran.code == 2 && ran.stderr.contains("not published yet"), "{ran:?}");
    assert!(!data.join("selfsame.db").exists(), "nothing was to be made");
}

#[test]
fn a_ledger_moves_from_one_folder_to_what_many_machines_share() {
    let mut server = Server::start();
    server.apply_project();
    with_releases(0..2, &server);
    let before = shown(&server);
    server.kill();
    let objects = ObjectServer::shared();
    let base = Postgres::shared().base();
    let (bucket, endpoint, database) = (objects.new_place(), objects.endpoint(), Postgres::shared().url(&base));
    let elsewhere = ["--database", &database, "--objects", &bucket, "--objects-endpoint", &endpoint];
    let data = server.folder().join("shared");
    let mut restore = Command::new(PROGRAM);
    restore.args(["restore", "--from", path(server.data()), "--data", path(&data)]).args(elsewhere);
    let ran = Ran::from(restore.envs(ObjectServer::environment()).output().expect("the program runs"));
    assert!(ran.code == 0 && ran.stdout.contains("copied"), "{ran:?}");
    fs::copy(server.data().join("keys/admin.token"), data.join("keys/admin.token")).expect("the token can be kept");
    let moved = Server::start_elsewhere(tempfile::tempdir().expect("a temporary folder"), data.clone(), &elsewhere);
    assert_eq!(shown(&moved), before);
    with_releases(2..3, &moved);
    assert!(!data.join("blobs").exists() && !data.join("selfsame.db").exists(), "all of it is elsewhere");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|entry| if entry.is_dir() { walk(&entry) } else { vec![entry] }).collect()
}
