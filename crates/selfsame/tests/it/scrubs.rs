//! Disks forget. A running server finds it, heals what it can from elsewhere, and keeps everybody from the rest.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    http,
    server::{Server, digest_in},
};

fn blob(data: &Path, digest: &str) -> PathBuf {
    let digest: domain::Digest = digest.parse().expect("a digest");
    data.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
}

/// Flips one bit, as a disk might.
fn flip(file: &Path) {
    let mut bytes = fs::read(file).expect("the blob is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("it can be changed");
}

fn status(server: &Server) -> Value {
    let answer = http::send(&server.host(), &server.admin(), "GET", "/v1/scrub", &[], b"").expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Waits until the scrub's status is as it should be.
#[track_caller]
fn wait_for(server: &Server, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let status = status(server);
        if is_so(&status) {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never comes to it that {what}: {status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn restart(server: &mut Server, options: &[&str]) {
    server.kill();
    let settings = options.iter().map(|option| format!("SELFSAME_{option}"));
    let whole: Vec<String> =
        ["env", "SELFSAME_SCRUB_PAUSE=300ms"].map(ToOwned::to_owned).into_iter().chain(settings).collect();
    server.restart_through(&whole.iter().map(String::as_str).collect::<Vec<_>>());
}

fn get(server: &Server, path: &str) -> (u16, Vec<u8>) {
    let answer = http::send(&server.host(), &server.admin(), "GET", path, &[], b"").expect("an answer");
    (answer.status, answer.body)
}

#[test]
fn a_damaged_blob_is_repaired_from_wherever_it_is_sound() {
    let text = "a build ".repeat(40_000);
    let (mut server, mirror) = (Server::start(), Server::start());
    let mut artifact = String::new();
    for server in [&server, &mirror] {
        server.apply_project();
        artifact = server.release(&text).0;
    }
    let layer = domain::Digest::sha256(text.as_bytes()).to_string();
    let backup = server.folder().join("backup");
    let copied = Command::new("cp").arg("-r").arg(server.data()).arg(&backup).status().expect("`cp` runs");
    assert!(copied.success());
    server.write("mirror.token", mirror.admin());
    let wrong = server.folder().join("wrong");
    fs::create_dir_all(blob(&wrong, &layer).parent().expect("a folder")).expect("a folder");
    fs::write(blob(&wrong, &layer), text.replace('b', "B")).expect("a file");
    let sources = [
        // What is wrong there, too, is passed over.
        format!("REPAIR_FROM={},{}", wrong.display(), backup.display()),
        format!("REPAIR_FROM=http://{}", mirror.host()),
    ];
    let token = format!("REPAIR_TOKEN_FILE={}", server.folder().join("mirror.token").display());
    let mut repaired = 0;
    for source in &sources {
        for digest in [&layer, &artifact] {
            server.kill();
            let file = blob(server.data(), digest);
            let sound = fs::read(&file).expect("the blob is there");
            flip(&file);
            restart(&mut server, &[source, &token]);
            repaired += 1;
            wait_for(&server, "the blob is repaired", |status| status["repaired"] == repaired);
            assert_eq!(fs::read(&file).expect("the blob is there"), sound, "{digest} from {source}");
        }
    }
    let done = wait_for(&server, "a round ends", |status| status["ended"].is_string());
    for what in ["damaged", "unread", "ledger", "database"] {
        assert_eq!(done[what], Value::from(Vec::<u8>::new()), "{what}");
    }
    let path = format!("/v2/shop/web/blobs/{layer}");
    assert_eq!(get(&server, &path), (200, text.clone().into_bytes()));
    assert!(fs::read_dir(server.data().join("uploads")).expect("a folder").next().is_none(), "nothing is left over");
    server.kill();
    flip(&blob(server.data(), &layer));
    let (data, backup) = (server.data().to_str().expect("a path"), backup.to_str().expect("a path"));
    let found = server.run("", &["scrub", "--data", data, "--repair-from", backup]);
    assert!(found.code == 0 && found.stdout.contains("damaged and repaired"), "{found:?}");
    server.restart();
    server.audit();
}

#[test]
fn what_cannot_be_repaired_is_held_until_it_is_back() {
    let mut server = Server::start();
    server.apply_project();
    let text = "a build ".repeat(40_000);
    let (_, release) = server.release(&text);
    let layer = domain::Digest::sha256(text.as_bytes()).to_string();
    server.kill();
    flip(&blob(server.data(), &layer));
    restart(&mut server, &[]);
    wait_for(&server, "the blob is held", |status| status["damaged"][0]["held"] == true);
    assert!(server.data().join("damaged").join(&layer[7..]).exists() && !blob(server.data(), &layer).exists());
    let told = server.run(&server.admin(), &["scrub", "--status"]);
    assert!(told.code == 1 && told.stdout.contains(&layer), "{told:?}");
    let ready = http::send(&server.host(), "", "GET", "/v1/ready", &[], b"").expect("an answer");
    assert_eq!((ready.status, &ready.json()["damaged"]), (200, &Value::from(1)));
    let refused = server.refused(&server.admin(), "gate-unmet", &["promote", &release, "--to", "dev"]);
    assert!(refused.stderr.contains("damaged"), "{refused:?}");
    let (status, said) = get(&server, &format!("/v2/shop/web/blobs/{layer}"));
    assert!(status == 403 && String::from_utf8_lossy(&said).contains("damaged"), "{status}");
    // A restart does not forget it.
    restart(&mut server, &[]);
    assert_eq!(status_of(&server, &layer), Some(true));
    server.write("artifact", &text);
    digest_in(&server.run(&server.admin(), &["push", "artifact", "--component", "web"]).stdout);
    wait_for(&server, "the hold ends", |status| status["damaged"] == Value::from(Vec::<u8>::new()));
    server.done(&["promote", &release, "--to", "dev"]);
    let told = server.run(&server.admin(), &["scrub", "--status"]);
    assert_eq!(told.code, 0, "{told:?}");
    let holds = server.run(&server.admin(), &["trace", &layer]);
    assert!(holds.stdout.contains("machine:selfsame"), "the ledger says who held it and let it go: {holds:?}");
}

fn status_of(server: &Server, digest: &str) -> Option<bool> {
    let status = status(server);
    let damaged = status["damaged"].as_array().expect("a list");
    damaged.iter().find(|one| one["digest"] == digest).and_then(|one| one["held"].as_bool())
}

#[test]
fn a_scrub_goes_on_where_it_was_and_names_damaged_files_of_the_ledger() {
    let mut server = Server::start();
    server.apply_project();
    for number in 0..8 {
        server.write("artifact", format!("{number}").repeat(1 << 20));
        assert_eq!(server.run(&server.admin(), &["push", "artifact", "--component", "web"]).code, 0);
    }
    restart(&mut server, &["SCRUB_RATE=1"]);
    let before = wait_for(&server, "its place is kept", |status| status["bytes"].as_u64() >= Some(2 << 20));
    restart(&mut server, &["SCRUB_RATE=1000"]);
    let after = status(&server);
    assert!(after["bytes"].as_u64() >= before["bytes"].as_u64(), "{before} {after}");
    let ended = wait_for(&server, "the round ends", |status| status["rounds"].as_u64() >= Some(1));
    assert!(ended["blobs"].as_u64() >= Some(16), "each blob is counted once: {ended}");
    let mut wire = http::Wire::open(&server.host(), &server.admin()).expect("a connection");
    for number in 0..300 {
        let hold = format!("{{\"digest\":\"sha256:{number:064x}\",\"reason\":\"many\"}}");
        let answer = wire.ask("POST", "/v1/holds", &[("content-type", "application/json")], hold.as_bytes());
        assert_eq!(answer.expect("an answer").status, 201);
    }
    server.audit();
    flip(&server.data().join("ledger/tile/entries/000"));
    let found = wait_for(&server, "the file is named", |status| status["ledger"] != Value::from(Vec::<u8>::new()));
    assert_eq!(found["ledger"][0], "tile/entries/000");
}
