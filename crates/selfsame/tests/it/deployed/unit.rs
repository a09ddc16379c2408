//! The systemd unit: it is understood, it closes what it can, the server needs nothing that it closes, and says what systemd waits for.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    super::{
        installed::is_installed,
        server::{PROGRAM, Server, free_port, program, program_result},
    },
    deploy,
};

/// How exposed the unit may be, in tenths of what `systemd-analyze security` calls an exposure level: 100 is everything.
const EXPOSURE_MAX: &str = "15";

/// The unit in a folder of the test, with a program that is there.
fn unit(folder: &Path) {
    let text = fs::read_to_string(deploy("systemd/selfsame.service")).expect("the unit");
    let with_program = text.replace("/usr/local/bin/selfsame ", &format!("{PROGRAM} "));
    assert_ne!(text, with_program, "the unit starts the program");
    fs::write(folder.join("selfsame.service"), with_program).expect("a file");
    fs::create_dir_all(folder.join("selfsame.service.d")).expect("a folder");
    fs::copy(deploy("systemd/keys.conf"), folder.join("selfsame.service.d/keys.conf")).expect("the drop-in");
}

#[test]
fn systemd_understands_the_unit_and_finds_it_closed() {
    if !is_installed("systemd-analyze", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    unit(folder.path());
    let verified = program_result(folder.path(), "systemd-analyze", &["verify", "./selfsame.service"]);
    assert!(verified.code == 0 && verified.stderr.is_empty(), "{verified:?}");
    let security = ["security", "--no-pager", "--offline=yes", "--threshold", EXPOSURE_MAX, "./selfsame.service"];
    let closed = program_result(folder.path(), "systemd-analyze", &security);
    assert_eq!(closed.code, 0, "{closed:?}");
    // Somebody who takes a line out is told.
    let text = fs::read_to_string(folder.path().join("selfsame.service")).expect("the unit");
    let opened = text.replace("SystemCallFilter", "#").replace("CapabilityBoundingSet=", "#");
    fs::write(folder.path().join("selfsame.service"), opened).expect("a file");
    let closed = program_result(folder.path(), "systemd-analyze", &security);
    assert_eq!(closed.code, 1, "{closed:?}");
}

/// All system calls of a set, and of the sets in it.
fn calls_of(folder: &Path, set: &str) -> BTreeSet<String> {
    let listed = program(folder, "systemd-analyze", &["syscall-filter", set]);
    let words = listed.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    words
        .flat_map(|word| if word.starts_with('@') { calls_of(folder, word) } else { [word.to_owned()].into() })
        .collect()
}

#[test]
fn the_server_makes_no_system_call_that_the_unit_closes() {
    if !is_installed("systemd-analyze", &["--version"]) {
        return;
    }
    let mut server = Server::start();
    server.stop();
    let counted = server.folder().join("calls").display().to_string();
    // The tracer is the child, and hands its end on to the server.
    server.restart_through(&["strace", "-D", "--follow-forks", "--summary-only", "--output", &counted]);
    server.apply_project();
    let (artifact, release) = server.release(&"a build ".repeat(200_000));
    server.done(&["promote", &release, "--to", "dev"]);
    server.done(&["pull", &format!("shop/web@{artifact}"), "--output", "pulled"]);
    assert_eq!(server.stop(), Some(0));
    let mut text = String::new();
    while !text.contains("total") {
        text = fs::read_to_string(&counted).unwrap_or_default();
        std::thread::sleep(Duration::from_millis(20));
    }
    let rows = text.lines().filter(|line| line.contains('.') && !line.ends_with("total"));
    let mut made: BTreeSet<String> =
        rows.filter_map(|line| line.split_whitespace().next_back()).map(str::to_owned).collect();
    assert!(made.contains("fdatasync") || made.contains("fsync"), "{text}");
    // Only of root does SQLite ask that its files belong to whom the database belongs to, and the unit's server is not root.
    made.remove("fchown");
    let mut open = calls_of(server.folder(), "@system-service");
    for closed in ["@privileged", "@resources"] {
        open = &open - &calls_of(server.folder(), closed);
    }
    let closed: Vec<_> = made.difference(&open).collect();
    assert!(closed.is_empty(), "the unit closes what the server does: {closed:?}");
}

#[test]
fn a_supervisor_is_told_of_start_life_and_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("notify");
    let heard = UnixDatagram::bind(&socket).expect("a socket");
    heard.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let hear = || {
        let mut bytes = [0; 100];
        let length = heard.recv(&mut bytes).expect("the server says something");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let port = free_port();
    let mut serve = Command::new(PROGRAM);
    serve.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--log", "json", "--data"]);
    serve.arg(folder.path().join("data")).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "900000");
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let mut child = serve.stdin(Stdio::null()).stderr(log).spawn().expect("the server can be started");
    assert_eq!(hear(), "READY=1");
    std::net::TcpStream::connect(("127.0.0.1", port)).expect("whoever is told that it is ready can connect");
    assert_eq!([hear(), hear()], ["WATCHDOG=1", "WATCHDOG=1"]);
    Command::new("kill").arg(child.id().to_string()).status().expect("`kill` runs");
    while hear() != "STOPPING=1" {}
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
