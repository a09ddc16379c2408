//! [`Postgres`]: a PostgreSQL as Debian has it, with a cluster of its own.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Who owns the database. The password is asked for (SCRAM), so that tests go the whole way.
const USER: &str = "selfsame";
const PASSWORD: &str = "s3cret of the tests";
const PASSWORD_IN_URL: &str = "s3cret%20of%20the%20tests";
/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Postgres {
    port: u16,
    folder: PathBuf,
    /// Runs the server, and ends it once its standard input ends: with this process.
    _keeper: Child,
}

/// A database of its own on the server.
pub struct Base {
    name: String,
}

impl Postgres {
    /// Whether `program` is installed, one of PostgreSQL's own.
    pub fn has(program: &str) -> bool {
        installed(program).is_some()
    }

    /// The server of this test binary.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(&[]))
    }

    /// Another server, with settings as `postgresql.conf` has them.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("selfsame-postgres-").tempdir().expect("a folder").keep();
        // PostgreSQL refuses to run as root: then it runs as the user that Debian makes for it.
        if is_root() {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("the folder can be opened");
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let (data, password) = (folder.join("data"), folder.join("password"));
        fs::write(&password, PASSWORD).expect("a file");
        let mut initdb = as_nobody_special(&binary("initdb"));
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&password);
        run(initdb.args([
            "--username",
            USER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]));
        let port = free_port();
        let keeper = keep(&folder, &data, port, settings);
        let server = Self { port, folder, _keeper: keeper };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() || !server.answers() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer; see {}/log", server.folder.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// A new database on this server.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn base(&self) -> Base {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Base { name }
    }

    /// The address of a database, with user and password.
    pub fn url(&self, base: &Base) -> String {
        format!("postgres://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{}", self.port, base.name)
    }

    /// The password, which nobody may ever see.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Runs SQL in a database as its owner; what it answers, a line for each row.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, base: &Base, sql: &str) -> String {
        self.sql(&base.name, sql)
    }

    /// A program of PostgreSQL, such as `pgbench`, that finds `base` by its environment.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn program(&self, name: &str, base: &Base) -> Command {
        self.client(name, &base.name)
    }

    /// The process that all others of the server come from.
    ///
    /// # Panics
    /// When the server has ended.
    pub fn process(&self) -> u32 {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("the server runs");
        file.lines().next().and_then(|line| line.trim().parse().ok()).expect("PostgreSQL writes down its process")
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        let ran = self.psql(database, sql);
        assert!(ran.status.success(), "`{sql}`: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("PostgreSQL answers in UTF-8").trim().to_owned()
    }

    fn answers(&self) -> bool {
        self.psql("postgres", "SELECT 1").status.success()
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        let mut psql = self.client("psql", database);
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            sql,
        ]);
        psql.output().expect("`psql` runs")
    }

    fn client(&self, name: &str, database: &str) -> Command {
        let mut client = Command::new(binary(name));
        client.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGDATABASE", database);
        client.env("PGUSER", USER).env("PGPASSWORD", PASSWORD).stdin(Stdio::null());
        client
    }
}

/// Starts the server under a shell that ends it, and removes its folder, once the shell's standard input ends. Nobody else has the other end of
/// that pipe, so it ends with this process, even if that is killed.
fn keep(folder: &Path, data: &Path, port: u16, settings: &[&str]) -> Child {
    let mut command = Command::new("sh");
    let script = "folder=$1; shift; \"$@\" </dev/null >\"$folder/log\" 2>&1 & server=$!; cat >/dev/null; \
                  kill -QUIT $server; wait $server; rm -rf \"$folder\"";
    command.args(["-c", script, "keeper"]).arg(folder);
    let server = as_nobody_special(&binary("postgres"));
    command.arg(server.get_program()).args(server.get_args()).arg("-D").arg(data);
    let port = port.to_string();
    let ours = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "log_connections=off"];
    command.args(["-p", &port]);
    for setting in ours.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell")
}

/// A command that does not run as root.
fn as_nobody_special(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

/// A program of PostgreSQL that a test needs.
fn binary(name: &str) -> PathBuf {
    let missing = format!("`{name}` is needed and is not below /usr/lib/postgresql: `.ci/run` installs it");
    installed(name).expect(&missing)
}

/// A program of the newest PostgreSQL that is installed.
fn installed(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin").join(name)))
        })
        .filter(|(_, program)| program.exists())
        .collect();
    found.sort();
    found.pop().map(|(_, program)| program)
}

fn is_root() -> bool {
    let me = Command::new("id").arg("-u").output().expect("`id` runs");
    me.stdout.trim_ascii() == b"0"
}

fn run(command: &mut Command) {
    let ran =
        command.current_dir("/").stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
