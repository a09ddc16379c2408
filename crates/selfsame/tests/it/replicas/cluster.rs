//! [`Cluster`]: three server processes on one database and one folder.

use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use services::{Base, Postgres};

use super::super::{
    http::{Answer, Wire},
    server::{PROGRAM, Ran},
};

/// How many servers there are.
pub const SERVERS: usize = 3;
/// How long a client waits for an answer before it asks another server.
const PATIENCE: Duration = Duration::from_secs(4);

/// Three servers. They end, without ceremony, with this handle.
pub struct Cluster {
    folder: tempfile::TempDir,
    base: Base,
    ports: [u16; SERVERS],
    servers: [Mutex<Child>; SERVERS],
}

impl Cluster {
    /// Starts all of them at the same time, on nothing.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let base = Postgres::shared().base();
        let ports = std::array::from_fn(|_| {
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
        });
        let servers = std::array::from_fn(|server| Mutex::new(spawn(&folder, &base, ports[server], server)));
        let cluster = Self { folder, base, ports, servers };
        (0..SERVERS).for_each(|server| cluster.wait_until_up(server));
        cluster
    }

    /// Host and port of a server.
    pub fn host(&self, server: usize) -> String {
        format!("127.0.0.1:{}", self.ports[server])
    }

    /// The first token.
    pub fn admin(&self) -> String {
        fs::read_to_string(self.folder.path().join("data/keys/admin.token")).expect("the first token").trim().to_owned()
    }

    /// Asks a server, on a connection of its own.
    pub fn ask(
        &self,
        server: usize,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut wire = Wire::open(&self.host(server), &self.admin())?;
        wire.set_patience(PATIENCE)?;
        wire.ask(method, path, headers, body)
    }

    /// Runs a command of the client, and expects it to succeed.
    pub fn done(&self, server: usize, arguments: &[&str]) -> String {
        let mut client = Command::new(PROGRAM);
        client.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        client.env("SELFSAME_SERVER", format!("http://{}", self.host(server))).env("SELFSAME_TOKEN", self.admin());
        let ran = Ran::from(client.output().expect("the client runs"));
        assert_eq!(ran.code, 0, "`selfsame {}`: {ran:?}", arguments.join(" "));
        ran.stdout
    }

    /// Writes a file for the client.
    pub fn write(&self, name: &str, bytes: &str) {
        fs::write(self.folder.path().join(name), bytes).expect("a file");
    }

    /// Kills a server, and starts it again.
    pub fn kill_and_restart(&self, server: usize) {
        let mut child = self.servers[server].lock().expect("the server's handle");
        child.kill().expect("the server can be killed");
        child.wait().expect("the server can be waited for");
        *child = spawn(&self.folder, &self.base, self.ports[server], server);
        drop(child);
        self.wait_until_up(server);
    }

    /// Kills all of them, and starts them again.
    pub fn restart_all(&self) {
        (0..SERVERS).for_each(|server| self.kill_and_restart(server));
    }

    /// Sends a signal to a server.
    pub fn signal(&self, server: usize, signal: &str) {
        let pid = self.servers[server].lock().expect("the server's handle").id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("`kill` runs");
        assert!(sent.success(), "server {server} is there");
    }

    /// Ends every connection to the database.
    pub fn cut_off(&self) {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        Postgres::shared().run(&self.base, cut);
    }

    /// All entries, as the database has them.
    pub fn entries(&self) -> Vec<String> {
        let select = "SELECT convert_from(body, 'UTF8') FROM entries ORDER BY idx";
        Postgres::shared().run(&self.base, select).lines().map(str::to_owned).collect()
    }

    /// Verifies the whole ledger over HTTP as a server shows it: hashes, checkpoint, state, blobs; and that no password was logged.
    pub fn audit(&self, server: usize) {
        let (url, key) = (format!("http://{}", self.host(server)), self.folder.path().join("data/keys/ledger.pub"));
        self.done(server, &["audit", "verify", "--url", &url, "--key", key.to_str().expect("a path")]);
        let log = fs::read_to_string(self.folder.path().join(format!("log-{server}"))).expect("a log");
        assert!(log.contains("selfsame serves") && !log.contains("s3cret"), "{log}");
    }

    fn wait_until_up(&self, server: usize) {
        let begun = Instant::now();
        while TcpStream::connect(self.host(server)).is_err() {
            let ended = self.servers[server].lock().expect("the server's handle").try_wait().expect("a state");
            if ended.is_some() {
                // It was cut off while it started, as a supervisor would see it.
                *self.servers[server].lock().expect("the server's handle") =
                    spawn(&self.folder, &self.base, self.ports[server], server);
            }
            let log = || fs::read_to_string(self.folder.path().join(format!("log-{server}"))).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "server {server} does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for server in &self.servers {
            if let Ok(mut child) = server.lock() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

fn spawn(folder: &tempfile::TempDir, base: &Base, port: u16, server: usize) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.path().join(format!("log-{server}")));
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(folder.path().join("data"));
    command.env("SELFSAME_DATABASE", Postgres::shared().url(base));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log"));
    command.spawn().expect("the server can be started")
}
