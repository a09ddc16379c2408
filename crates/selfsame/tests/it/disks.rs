//! Bad days: a full disk and a disk that does not sync end in a clear error, and in a server that refuses writes rather than lies.

use std::process::Command;

use super::{
    http,
    server::{Server, program},
};

/// A small file system of its own, unmounted with this handle.
struct SmallDisk(std::path::PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_lies_about_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mount = folder.path().join("disk");
    std::fs::create_dir(&mount).expect("a folder");
    let target = mount.to_str().expect("a path").to_owned();
    program(folder.path(), "mount", &["-t", "tmpfs", "-o", "size=16m", "none", &target]);
    let _disk = SmallDisk(mount.clone());
    let mut server = Server::start_in(folder, mount.join("data"));
    server.apply_project();
    let (_, release) = server.release("fits");
    server.done(&["promote", &release, "--to", "dev"]);
    server.write("large", vec![b'x'; 20 << 20]);
    let refused = server.run(&server.admin(), &["push", "large", "--component", "web"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    // Fill the rest, so that not even an entry fits any more.
    let _ = std::fs::write(mount.join("filler"), vec![0_u8; 32 << 20]);
    let mut failed = None;
    for number in 0..2000 {
        let ran =
            server.run(&server.admin(), &["hold", &format!("sha256:{number:064x}"), "--reason", &"full ".repeat(300)]);
        if ran.code != 0 {
            failed = Some(ran);
            break;
        }
    }
    let failed = failed.expect("the disk is full some time");
    assert_eq!(failed.code, 2, "{failed:?}");
    let board = server.run(&server.admin(), &["status"]);
    assert_eq!(board.code, 0, "reading goes on: {board:?}");
    server.kill();
    std::fs::remove_file(mount.join("filler")).expect("the filler goes");
    server.restart();
    server.done(&["hold", &format!("sha256:{:064x}", 9_999_999), "--reason", "there is room again"]);
    server.audit();
}

#[test]
fn a_disk_that_does_not_sync_stops_the_writer() {
    let mut server = Server::start();
    server.apply_project();
    let (_, release) = server.release("a build");
    server.kill();
    server.restart_through(&[
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
        "inject=fdatasync,fsync:error=EIO:when=12+",
    ]);
    let mut failed = None;
    for number in 0..50 {
        let ran = server.run(&server.admin(), &["hold", &format!("sha256:{number:064x}"), "--reason", "on a bad disk"]);
        if ran.code != 0 {
            failed = Some(ran);
            break;
        }
    }
    let failed = failed.expect("the disk fails some time");
    assert_eq!(failed.code, 2, "{failed:?}");
    let after = server.run(&server.admin(), &["promote", &release, "--to", "dev"]);
    assert_eq!(after.code, 2, "nothing is written any more: {after:?}");
    assert!(after.stderr.contains("restart the server"), "it says what to do: {after:?}");
    let ready = http::send(&server.host(), &server.admin(), "GET", "/v1/ready", &[], b"").expect("an answer");
    assert_eq!((ready.status, &ready.json()["writable"]), (503, &false.into()), "{ready:?}");
    let hold = format!("{{\"digest\":\"sha256:{:064x}\",\"reason\":\"on a bad disk\"}}", 7);
    let headers = [("content-type", "application/json")];
    let refused = http::send(&server.host(), &server.admin(), "POST", "/v1/holds", &headers, hold.as_bytes());
    let refused = refused.expect("an answer");
    assert_eq!((refused.status, &refused.json()["code"]), (503, &"not-writable".into()), "{refused:?}");
    let board = server.run(&server.admin(), &["status"]);
    assert_eq!(board.code, 0, "reading goes on: {board:?}");
    server.kill();
    server.restart();
    server.done(&["promote", &release, "--to", "dev"]);
    server.audit();
}

/// The entry that was written last may be in no view any more.
#[test]
fn what_was_viewed_is_read_when_nothing_can_be_written() {
    let mut server = Server::start();
    server.apply_project();
    let (_, release) = server.release("a build");
    server.done(&["status"]);
    let database = rusqlite::Connection::open(server.data().join("selfsame.db")).expect("the database opens");
    let breaks = |table: &str| {
        let (name, fails) = (format!("no_{table}"), "BEGIN SELECT RAISE(ABORT, 'a bad disk'); END");
        for what in ["INSERT", "UPDATE"] {
            let trigger = format!("CREATE TRIGGER {name}_{what} BEFORE {what} ON {table} {fails}");
            database.execute_batch(&trigger).expect("a trigger");
        }
    };
    breaks("view_cursor");
    server.done(&["hold", &format!("sha256:{:064x}", 1), "--reason", "in no view"]);
    breaks("entries");
    let refused = server.run(&server.admin(), &["promote", &release, "--to", "dev"]);
    assert!(refused.code == 2 && refused.stderr.contains("restart the server"), "{refused:?}");
    for read in ["status", "history"] {
        let ran = server.run(&server.admin(), &[read]);
        assert_eq!(ran.code, 0, "reading goes on: {ran:?}");
    }
    server.kill();
    for table in ["view_cursor", "entries"] {
        let heal = format!("DROP TRIGGER no_{table}_INSERT; DROP TRIGGER no_{table}_UPDATE");
        database.execute_batch(&heal).expect("the triggers go");
    }
    drop(database);
    server.restart();
    server.done(&["promote", &release, "--to", "dev"]);
    server.audit();
}

/// A second sync of bytes that the first one lost says that all is well. So there is no second one.
#[test]
fn a_disk_that_loses_a_blob_takes_no_more_of_them() {
    let mut server = Server::start();
    server.apply_project();
    let (artifact, _) = server.release("a build");
    server.kill();
    let inject = "inject=fdatasync:error=EIO";
    server.restart_through(&["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject]);
    let (host, admin) = (server.host(), server.admin());
    let ask = |method: &str, path: &str, body: &[u8]| {
        let answer = http::send(&host, &admin, method, path, &[], body).expect("the server answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status, answer.header("location").map(ToOwned::to_owned), text)
    };
    let bytes = vec![7; 300_000];
    let digest = domain::Digest::sha256(&bytes);
    let begun = ask("POST", "/v2/shop/web/blobs/uploads/", b"").1.expect("an upload begins");
    assert_eq!(ask("PATCH", &begun, &bytes).0, 202);
    let finish = format!("{begun}?digest={digest}");
    let (status, _, text) = ask("PUT", &finish, b"");
    assert_eq!(status, 500, "{text}");
    let whole = format!("/v2/shop/web/blobs/uploads/?digest={digest}");
    for (method, path) in [("PUT", &finish), ("POST", &whole), ("PUT", &"/v2/shop/web/manifests/late".to_owned())] {
        let (status, _, text) = ask(method, path, &bytes);
        assert_eq!(status, 503, "{method} {path}: {text}");
        assert!(text.contains("nothing can be written") && text.contains("start the server again"), "{text}");
    }
    let (status, _, text) = ask("GET", "/v1/ready", b"");
    assert!(status == 503 && text.contains("\"writable\":false"), "whoever watches is told: {status} {text}");
    assert_eq!(ask("GET", &format!("/v2/shop/web/manifests/{artifact}"), b"").0, 200, "reading goes on");
    assert_eq!(ask("HEAD", &format!("/v2/shop/web/blobs/{digest}"), b"").0, 404, "nothing is there that could be lost");
    server.kill();
    server.restart();
    assert_eq!(ask("GET", &begun, b"").0, 404, "the upload is gone, as its bytes may be");
    assert_eq!(ask("POST", &whole, &bytes).0, 201, "the client pushes again");
    let read = http::send(&host, &admin, "GET", &format!("/v2/shop/web/blobs/{digest}"), &[], b"");
    assert_eq!(read.expect("the server answers").body, bytes);
    server.audit();
}

/// What the disk lost or spoiled comes back by what every client does anyhow: it asks, and pushes what is not there.
#[test]
fn pushing_again_heals_what_the_disk_lost() {
    let mut server = Server::start();
    server.apply_project();
    let text = "a build ".repeat(20_000);
    let (artifact, _) = server.release(&text);
    let artifact: domain::Digest = artifact.parse().expect("a digest");
    let layer = domain::Digest::sha256(text.as_bytes());
    let blob = |server: &Server, digest: &domain::Digest| {
        server.data().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
    };
    let remove = |path: &std::path::Path| std::fs::remove_file(path).expect("the blob is there");
    let cut = |path: &std::path::Path| {
        let file = std::fs::File::options().write(true).open(path).expect("the blob is there");
        file.set_len(9).expect("it is cut");
    };
    let flip = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).expect("the blob is there");
        bytes[30] ^= 1;
        std::fs::write(path, bytes).expect("it is spoiled");
    };
    for (what, spoil, by_scrub) in
        [("lost", &remove as &dyn Fn(&std::path::Path), false), ("cut", &cut, false), ("spoiled", &flip, true)]
    {
        for digest in [&layer, &artifact] {
            server.kill();
            spoil(&blob(&server, digest));
            if by_scrub {
                let data = server.data().to_str().expect("a path").to_owned();
                let found = server.run("", &["scrub", "--data", &data]);
                assert!(found.code == 1 && found.stdout.contains(digest.as_str()), "{found:?}");
                let aside = server.data().join("damaged").join(digest.hex());
                assert!(aside.exists(), "the bytes are kept for whoever wants to look at them");
                assert!(!blob(&server, digest).exists(), "and stand under the digest no longer");
            }
            server.restart();
            let kind = if *digest == layer { "blobs" } else { "manifests" };
            let path = format!("/v2/shop/web/{kind}/{digest}");
            let head = http::send(&server.host(), &server.admin(), "HEAD", &path, &[], b"").expect("an answer");
            assert_eq!(head.status, 404, "a {kind} that is {what} is not there");
            server.write("artifact", &text);
            server.done(&["push", "artifact", "--component", "web"]);
            let read = http::send(&server.host(), &server.admin(), "GET", &path, &[], b"").expect("an answer");
            assert_eq!(domain::Digest::sha256(&read.body), *digest, "a {kind} that was {what} is back");
            server.audit();
        }
    }
}
