//! containerd and Docker, each with folders of its own: what runs images pulls them by digest, and gets the bytes that were pushed.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    clients::{image, layout_digest, skopeo},
    installed::is_installed,
    server::{Ran, Server, digest_in, program_result},
    tools::OPEN,
};

/// How long a daemon may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon of the test's own. It is told to end, and waited for.
struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    /// Starts `program`, which is to listen on a socket; `None`, and says so, if it does not come up: not every machine lets it.
    fn start(server: &Server, program: &str, arguments: &[&str]) -> Option<Self> {
        let socket = server.folder().join(format!("{program}.sock"));
        let log = std::fs::File::create(server.folder().join(format!("{program}.log"))).expect("a log");
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("the daemon can be started");
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            if begun.elapsed() > PATIENCE || child.try_wait().expect("it can be waited for").is_some() {
                let said = std::fs::read_to_string(server.folder().join(format!("{program}.log"))).unwrap_or_default();
                eprintln!(
                    "PASSED BY: `{program}` cannot run on this machine: {}",
                    said.lines().last().unwrap_or_default()
                );
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, socket })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Killed, it would leave its own children behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pushes an image and promotes it to `dev`; its digest.
fn promoted(server: &Server) -> String {
    server.write("selfsame.yaml", OPEN);
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    image(server, "web", "amd64");
    let there = format!("docker://{}/shop/web:1", server.host());
    assert_eq!(skopeo(server, &server.admin(), &["oci:web-amd64:1", &there]).code, 0);
    let digest = layout_digest(server, "web-amd64");
    let release = digest_in(&server.done(&["release", "create", "--component", &format!("web={digest}")]));
    server.done(&["promote", &release, "--to", "dev"]);
    digest
}

#[test]
fn containerd_pulls_and_pushes_by_the_token_of_a_stage() {
    if !is_installed("containerd", &["--version"]) {
        return;
    }
    let server = Server::start();
    let digest = promoted(&server);
    let folder = server.folder().display().to_string();
    server.write(
        "containerd.toml",
        "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n",
    );
    let (config, root, state) =
        (format!("{folder}/containerd.toml"), format!("{folder}/c-root"), format!("{folder}/c-run"));
    let socket = format!("{folder}/containerd.sock");
    let arguments = ["--config", &config, "--root", &root, "--state", &state, "--address", &socket];
    let Some(daemon) = Daemon::start(&server, "containerd", &arguments) else { return };
    let address = daemon.socket.display().to_string();
    let ctr = |token: &str, arguments: &[&str], last: &str| -> Ran {
        let user = format!("x:{token}");
        let whole = [&["--address", &address], arguments, &["--plain-http", "--user", &user, last]].concat();
        program_result(server.folder(), "ctr", &whole)
    };
    let cluster = server.token("machine:cluster", &["puller@shop/dev"]);
    let repository = format!("{}/shop/web", server.host());
    let running = format!("{repository}:dev");
    for arguments in [&["content", "fetch"][..], &["images", "pull", "--snapshotter", "native"]] {
        let ran = ctr(&cluster, arguments, &running);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }
    let listed = program_result(server.folder(), "ctr", &["--address", &address, "images", "ls"]);
    assert!(listed.stdout.contains(&digest), "the digest is kept: {listed:?}");
    image(&server, "other", "amd64");
    let other = format!("docker://{repository}:other");
    assert_eq!(skopeo(&server, &server.admin(), &["oci:other-amd64:1", &other]).code, 0);
    let denied = ctr(&cluster, &["content", "fetch"], &format!("{repository}:other"));
    assert_ne!(denied.code, 0, "what is not promoted: {denied:?}");
    let copy = format!("{}/shop/copy:1", server.host());
    let tagged = program_result(server.folder(), "ctr", &["--address", &address, "images", "tag", &running, &copy]);
    assert_eq!(tagged.code, 0, "{tagged:?}");
    let pushed = ctr(&server.admin(), &["images", "push"], &copy);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let there = format!("/v2/shop/copy/manifests/{digest}");
    let read = super::http::send(&server.host(), &server.admin(), "GET", &there, &[], b"").expect("an answer");
    assert_eq!(domain::Digest::sha256(&read.body).to_string(), digest, "pushed byte by byte");
    server.audit();
}

#[test]
fn docker_pulls_by_digest_logged_in_or_not() {
    if !is_installed("dockerd", &["--version"]) || !is_installed("docker", &["--version"]) {
        return;
    }
    let server = Server::start();
    let digest = promoted(&server);
    let folder = server.folder().display().to_string();
    let socket = format!("unix://{folder}/dockerd.sock");
    let (root, run, pid) = (format!("{folder}/d-root"), format!("{folder}/d-run"), format!("{folder}/d.pid"));
    let host = server.host();
    let places = ["--data-root", &root, "--exec-root", &run, "--pidfile", &pid, "--host", &socket];
    let little = ["--storage-driver", "vfs", "--iptables=false", "--bridge=none", "--insecure-registry", &host];
    let Some(_daemon) = Daemon::start(&server, "dockerd", &[&places[..], &little[..]].concat()) else { return };
    let docker =
        |arguments: &[&str]| program_result(server.folder(), "docker", &[&["--host", &socket], arguments].concat());
    let repository = format!("{host}/shop/web");
    let by_digest = docker(&["pull", &format!("{repository}@{digest}")]);
    assert_eq!(by_digest.code, 0, "what is public needs no login: {by_digest:?}");
    assert!(by_digest.stdout.contains(&digest), "{by_digest:?}");
    let denied = docker(&["pull", &format!("{host}/shop/other:1")]);
    assert_ne!(denied.code, 0, "all else does: {denied:?}");
    let login = docker(&["login", "--username", "x", "--password", &server.admin(), &host]);
    assert_eq!(login.code, 0, "{login:?}");
    let mine = format!("{host}/shop/mine:1");
    for arguments in
        [&["pull", &format!("{repository}:1")][..], &["tag", &format!("{repository}:1"), &mine], &["push", &mine]]
    {
        let ran = docker(arguments);
        assert_eq!(ran.code, 0, "docker {}: {ran:?}", arguments.join(" "));
    }
    server.audit();
}
