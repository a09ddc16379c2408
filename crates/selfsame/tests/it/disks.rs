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
