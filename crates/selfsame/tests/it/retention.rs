//! Retention through the command line: what goes is gone from the disk, what comes back is what it was, and what lies in the archive is pulled.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::server::{Server, digest_in};

const PROJECT: &str = "\
project: shop
components:
  web: {}
stages:
  dev: {}
retention:
  keep:
    - tags: v*
  fresh: 1s
  open: 1s
  archive_after: 1s
";

/// Asks until the answer is as it should be.
fn wait_for(what: &str, mut ask: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ask() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn json(server: &Server, arguments: &[&str]) -> Value {
    let ran = server.run(&server.admin(), &[arguments, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Makes plans until one lets `trashed` objects go and puts `archived` into the archive, has it carried out, and waits for its end.
fn carry_out(server: &Server, trashed: u64, archived: u64) -> Value {
    let mut plan = Value::Null;
    wait_for("such a plan", || {
        plan = json(server, &["retention", "plan"]);
        plan["trashed"] == trashed && plan["archived"] == archived
    });
    let digest = plan["plan"].as_str().expect("a digest").to_owned();
    // No audit here: over HTTP it pulls everything, also what lies in the archive.
    let applied = server.run(&server.admin(), &["retention", "apply", &digest]);
    assert_eq!(applied.code, 0, "{applied:?}");
    wait_for("the end of the plan", || !json(server, &["retention", "status"])["plan"]["ended"].is_null());
    plan
}

/// Where the data directory has the bytes of a digest.
fn place(server: &Server, digest: &str) -> Option<&'static str> {
    let hex = digest.strip_prefix("sha256:").expect("a digest");
    let there = |folder: &&&str| server.data().join(format!("{folder}/sha256/{}/{hex}", &hex[..2])).exists();
    ["blobs", "archive", "trash"].iter().find(there).copied()
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// A backup has what lies in the archive, and misses nothing that went.
fn restores_from_a_backup(server: &Server, archived: &str, gone: &str) {
    let path = |name: &str| server.folder().join(name).display().to_string();
    let data = server.data().to_str().expect("a path");
    let backup = server.run_alone(&["backup", "--data", data, "--to", &path("backup")]);
    assert_eq!(backup.code, 0, "{backup:?}");
    let there = |digest: &str| {
        let hex = digest.trim_start_matches("sha256:");
        server.folder().join(format!("backup/blobs/sha256/{}/{hex}", &hex[..2])).exists()
    };
    assert_eq!((there(archived), there(gone)), (true, false));
    let restored = server.run_alone(&["restore", "--from", &path("backup"), "--data", &path("restored")]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let key = path("backup/keys/ledger.pub");
    let audited = server.run_alone(&["audit", "verify", "--data", &path("restored"), "--key", &key]);
    assert_eq!(audited.code, 0, "{audited:?}");
}

#[test]
fn what_nothing_needs_goes_and_comes_back() {
    let mut server = Server::start();
    server.write("selfsame.yaml", PROJECT);
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    let old = "old bytes ".repeat(20_000);
    let (old_artifact, old_release) = server.release(&old);
    server.done(&["promote", &old_release, "--to", "dev"]);
    // More than the window holds.
    for number in 0..6 {
        let (_, release) = server.release(&format!("build {number}"));
        server.done(&["promote", &release, "--to", "dev"]);
    }
    let loner = "nobody wants this ".repeat(10_000);
    server.write("loner", &loner);
    let loner_artifact = digest_in(&server.done(&["push", "loner", "--component", "web"]));
    let (old_layer, loner_layer) = (domain::Digest::sha256(old.as_bytes()), domain::Digest::sha256(loner.as_bytes()));
    let (old_layer, loner_layer) = (old_layer.as_str(), loner_layer.as_str());
    assert_eq!((place(&server, old_layer), place(&server, loner_layer)), (Some("blobs"), Some("blobs")));

    let plan = carry_out(&server, 1, 1);
    assert!(plan["frees"].as_u64().expect("a number") >= (old.len() + loner.len()) as u64, "{plan}");
    assert_eq!((place(&server, old_layer), place(&server, loner_layer)), (Some("archive"), Some("trash")));
    assert_eq!(place(&server, &loner_artifact), Some("trash"));
    // Told to stop, so that all of it is published.
    server.stop();
    let audited = server.audit_directory();
    assert_eq!(audited.code, 0, "what lies in the archive is there: {audited:?}");
    restores_from_a_backup(&server, old_layer, loner_layer);
    server.restart();
    let gone = server.run(&server.admin(), &["pull", &format!("shop/web@{loner_artifact}"), "--output", "gone"]);
    assert_eq!(gone.code, 1, "{gone:?}");

    // What lies in the archive is pulled, and is at hand then.
    server.done(&["pull", &format!("shop/web@{old_artifact}"), "--output", "old"]);
    assert_eq!(fs::read_to_string(server.folder().join("old/artifact")).expect("a file"), old);
    assert_eq!(place(&server, old_layer), Some("blobs"));

    server.done(&["retention", "restore", &loner_artifact]);
    server.done(&["pull", &format!("shop/web@{loner_artifact}"), "--output", "back"]);
    assert_eq!(fs::read_to_string(server.folder().join("back/loner")).expect("a file"), loner);

    // Once more, and this time for good.
    server.kill();
    server.restart_through(&["env", "SELFSAME_TRASH=1s"]);
    carry_out(&server, 1, 1);
    wait_for("an empty trash", || files_below(&server.data().join("trash")) == 0);
    assert_eq!((place(&server, loner_layer), place(&server, &loner_artifact)), (None, None));
    server.refused(&server.admin(), "not-in-trash", &["retention", "restore", &loner_artifact]);
    server.audit();
    server.kill();
    let rebuilt = server.run("", &["rebuild", "--data", server.data().to_str().expect("a path")]);
    assert_eq!(rebuilt.code, 0, "what went is not missed: {rebuilt:?}");
}
