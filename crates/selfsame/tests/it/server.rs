//! A server process with a data directory of its own, and this program as its client.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use services::ObjectServer;

use super::http;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_selfsame");

/// The project that most tests use: three stages, the last with a gate of every kind.
pub const PROJECT: &str = "\
project: shop
components:
  web: {}
stages:
  dev: {}
  staging:
    after: dev
    gate:
      - evidence: { kind: tests, name: unit }
  prod:
    after: { all: [staging] }
    gate:
      - approvals: { count: 1, role: approver }
";

/// A running server. It ends, without ceremony, with this handle.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    data: PathBuf,
    port: u16,
    more: Vec<String>,
    column: Column,
}

/// Where a server keeps its blobs and the published ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// In its data directory.
    Embedded,
    /// In object storage.
    Objects,
}

impl Column {
    /// What a program needs in its environment to use it.
    pub fn environment(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Embedded => Vec::new(),
            Self::Objects => ObjectServer::environment().into(),
        }
    }
}

/// What a command of the client came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Server {
    /// A server on a new data directory.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Self::start_in(folder, data)
    }

    /// A server on a new data directory, and a new place in object storage if the column says so.
    pub fn start_on(column: Column) -> Self {
        match column {
            Column::Embedded => Self::start(),
            Column::Objects => Self::start_at(ObjectServer::shared(), &ObjectServer::shared().new_place()),
        }
    }

    /// A server on `data`, which may lie elsewhere than in `folder`.
    pub fn start_in(folder: tempfile::TempDir, data: PathBuf) -> Self {
        Self::start_with(folder, data, &[])
    }

    /// The same, with more arguments of `serve`.
    pub fn start_with(folder: tempfile::TempDir, data: PathBuf, more: &[&str]) -> Self {
        Self::begin(folder, data, Column::Embedded, more)
    }

    /// A new server that keeps its blobs at `place`, told so on the command line.
    pub fn start_at(storage: &ObjectServer, place: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Self::start_elsewhere(folder, data, &["--objects", place, "--objects-endpoint", &storage.endpoint()])
    }

    /// A server on `data` whose storage is elsewhere, as `more` says.
    pub fn start_elsewhere(folder: tempfile::TempDir, data: PathBuf, more: &[&str]) -> Self {
        Self::begin(folder, data, Column::Objects, more)
    }

    fn begin(folder: tempfile::TempDir, data: PathBuf, column: Column, more: &[&str]) -> Self {
        let port = free_port();
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        let child = spawn(&data, port, &[], column, &more);
        let mut server = Self { child, folder, data, port, more, column };
        server.wait_until_up();
        server
    }

    /// The folder of the test, for its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The folder of the keys: in the data directory, or where `serve` was told.
    fn keys(&self) -> PathBuf {
        let told = self.more.iter().skip_while(|argument| *argument != "--keys").nth(1);
        told.map_or_else(|| self.data.join("keys"), PathBuf::from)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The first token.
    pub fn admin(&self) -> String {
        fs::read_to_string(self.keys().join("admin.token")).expect("the first token").trim().to_owned()
    }

    /// Kills the server as a power cut would, as far as a process can see.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server can be waited for");
    }

    /// Starts the server again on the same data, on the same port; the seconds that took.
    pub fn restart(&mut self) -> f64 {
        let begun = Instant::now();
        self.child = spawn(&self.data, self.port, &[], self.column, &self.more);
        self.wait_until_up();
        begun.elapsed().as_secs_f64()
    }

    /// Tells the server to stop, as a supervisor does; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().expect("`kill` runs");
        assert!(told.success(), "the server is there");
        self.child.wait().expect("the server can be waited for").code()
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` runs").success(), "the server is there");
    }

    /// Starts the server again through another program, such as a tracer, with its arguments.
    pub fn restart_through(&mut self, wrapper: &[&str]) {
        self.child = spawn(&self.data, self.port, wrapper, self.column, &self.more);
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(self.host()).is_err() {
            let ended = self.child.try_wait().expect("the server can be waited for");
            assert!(ended.is_none(), "the server ended at once: {ended:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a command of the client with a token.
    pub fn run(&self, token: &str, arguments: &[&str]) -> Ran {
        let mut client = self.client(arguments);
        client.env("SELFSAME_SERVER", format!("http://{}", self.host())).env("SELFSAME_TOKEN", token);
        Ran::from(client.output().expect("the client runs"))
    }

    /// Runs a command of the client that knows what it is told on the command line, and what `login` kept in this test's folder.
    pub fn run_alone(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.client(arguments).output().expect("the client runs"))
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut client = Command::new(PROGRAM);
        client.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in ["SERVER", "TOKEN", "TOKEN_FILE", "PROJECT", "DATA"] {
            client.env_remove(format!("SELFSAME_{name}"));
        }
        client.envs(self.column.environment());
        client.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        client.env("XDG_STATE_HOME", self.folder.path().join("state"));
        for name in ["REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"] {
            client.env_remove(name);
        }
        client
    }

    /// Runs a command as the administrator, expects it to succeed, and audits the whole ledger; answers with its standard output.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        self.done_as(&self.admin(), arguments)
    }

    /// Runs a command with a token, expects it to succeed, and audits the whole ledger; answers with its standard output.
    #[track_caller]
    pub fn done_as(&self, token: &str, arguments: &[&str]) -> String {
        let ran = self.run(token, arguments);
        assert_eq!(ran.code, 0, "`selfsame {}`: {ran:?}", arguments.join(" "));
        self.audit();
        ran.stdout
    }

    /// Runs a command with a token, and expects the rules to say no with `code`.
    #[track_caller]
    pub fn refused(&self, token: &str, code: &str, arguments: &[&str]) -> Ran {
        let ran = self.run(token, arguments);
        assert_eq!(ran.code, 1, "`selfsame {}`: {ran:?}", arguments.join(" "));
        assert!(ran.stderr.contains(code), "`selfsame {}` was not refused with `{code}`: {ran:?}", arguments.join(" "));
        ran
    }

    /// Issues a token with grants.
    #[track_caller]
    pub fn token(&self, party: &str, grants: &[&str]) -> String {
        let file = format!("{}.token", party.replace([':', '/'], "-"));
        let _ = fs::remove_file(self.folder().join(&file));
        let mut arguments = vec!["token", "issue", party, "--expires", "1d", "--output", &file];
        for grant in grants {
            arguments.extend(["--grant", grant]);
        }
        self.done(&arguments);
        fs::read_to_string(self.folder().join(&file)).expect("the token's file").trim().to_owned()
    }

    /// Writes a file of the test.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder().join(name), bytes).expect("a file of the test can be written");
    }

    /// Applies the project that most tests use.
    #[track_caller]
    pub fn apply_project(&self) {
        self.write("selfsame.yaml", PROJECT);
        self.done(&["apply", "selfsame.yaml", "--yes"]);
    }

    /// Pushes bytes as the component `web` and makes a release of them; answers with the artifact and the release.
    #[track_caller]
    pub fn release(&self, bytes: &str) -> (String, String) {
        self.write("artifact", bytes);
        let artifact = digest_in(&self.done(&["push", "artifact", "--component", "web"]));
        let release = digest_in(&self.done(&["release", "create", "--component", &format!("web={artifact}")]));
        (artifact, release)
    }

    /// Verifies the whole ledger over HTTP: hashes, checkpoint, the state that the server shows, and every blob that it names.
    #[track_caller]
    pub fn audit(&self) {
        let ran = self.audit_result();
        assert_eq!(ran.code, 0, "the audit found something: {ran:?}");
    }

    /// What an audit over HTTP comes to.
    pub fn audit_result(&self) -> Ran {
        self.wait_until_published();
        let key = self.keys().join("ledger.pub");
        let url = format!("http://{}", self.host());
        self.run(&self.admin(), &["audit", "verify", "--url", &url, "--key", key.to_str().expect("a path")])
    }

    /// Audits the published files alone, and that they go on from what was published when this was asked last: quicker than [`Server::audit`],
    /// which asks for the state and for every blob, too.
    #[track_caller]
    pub fn audit_what_was_added(&self) {
        self.wait_until_published();
        let path = |path: PathBuf| path.to_str().expect("a path").to_owned();
        let (ledger, key) = (path(self.data.join("ledger")), path(self.keys().join("ledger.pub")));
        let kept = self.folder().join("kept.checkpoint");
        let mut arguments = vec!["audit", "verify", "--dir", &ledger, "--key", &key];
        let since = path(kept.clone());
        if kept.exists() {
            arguments.extend(["--since", &since]);
        }
        let ran = self.run("", &arguments);
        assert_eq!(ran.code, 0, "the audit found something: {ran:?}");
        fs::copy(self.data.join("ledger/checkpoint"), kept).expect("the checkpoint can be kept");
    }

    /// Waits until a checkpoint covers all entries. The audit would do that, too, but asks rarely.
    fn wait_until_published(&self) {
        let whoami = || http::send(&self.host(), &self.admin(), "GET", "/v1/whoami", &[], b"").ok();
        let Some(entries) = whoami().and_then(|answer| answer.json()["as_of"].as_u64()) else { return };
        let published = || -> Option<u64> {
            let checkpoint = match self.column {
                Column::Embedded => fs::read(self.data.join("ledger/checkpoint")).ok()?,
                Column::Objects => {
                    http::send(&self.host(), &self.admin(), "GET", "/ledger/checkpoint", &[], b"").ok()?.body
                }
            };
            String::from_utf8(checkpoint).ok()?.lines().nth(1)?.parse().ok()
        };
        let begun = Instant::now();
        while published().is_none_or(|published| published < entries) && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What an audit of the directory comes to, with the database and the blobs; the server need not run.
    pub fn audit_directory(&self) -> Ran {
        let (ledger, key) = (self.data.join("ledger"), self.keys().join("ledger.pub"));
        let (data, key) = (self.data.to_str().expect("a path"), key.to_str().expect("a path"));
        let place: &[&str] = match self.column {
            Column::Embedded => &["--dir", ledger.to_str().expect("a path")],
            Column::Objects => &[],
        };
        self.run("", &[&["audit", "verify", "--key", key, "--data", data], place].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn spawn(data: &Path, port: u16, wrapper: &[&str], column: Column, more: &[String]) -> Child {
    let listen = format!("127.0.0.1:{port}");
    let whole: Vec<&str> = wrapper.iter().copied().chain([PROGRAM]).collect();
    let mut command = Command::new(whole[0]);
    command.args(&whole[1..]).arg("serve").arg("--data").arg(data).args(["--listen", &listen]).args(more);
    command.envs(column.environment());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the server can be started")
}

/// A port that nobody listens on, and that nobody else is given: of those that the system gives to no connection by itself, each once.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test programs that run at the same time begin at different places.
        let place = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + place % PORTS).expect("a port");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The first digest that was printed.
#[track_caller]
pub fn digest_in(printed: &str) -> String {
    let words = printed.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
    let digest = words.into_iter().find(|word| word.parse::<domain::Digest>().is_ok());
    digest.unwrap_or_else(|| panic!("no digest in {printed:?}")).to_owned()
}

/// Runs a program that is not ours, and expects it to succeed.
#[track_caller]
pub fn program(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let ran = program_result(folder, program, arguments);
    assert_eq!(ran.code, 0, "`{program} {}`: {ran:?}", arguments.join(" "));
    ran.stdout
}

/// What a program that is not ours comes to.
pub fn program_result(folder: &Path, program: &str, arguments: &[&str]) -> Ran {
    let logins = folder.join("auth.json");
    if !logins.exists() {
        fs::write(&logins, "{}").expect("a file of the test can be written");
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("HOME", folder).env("XDG_RUNTIME_DIR", folder).env("REGISTRY_AUTH_FILE", logins);
    command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("`{program}` is needed, and cannot be run: {error}. `.ci/run` installs it"));
    Ran::from(output)
}
