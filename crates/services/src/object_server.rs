//! [`ObjectServer`]: a real S3-compatible server (SeaweedFS) for tests.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const ACCESS_KEY: &str = "tests";
const SECRET_KEY: &str = "only-for-tests";
const BUCKET: &str = "selfsame";
/// How long the server has to come up.
const PATIENCE: Duration = Duration::from_secs(40);
/// Its identities: one that may do everything.
const IDENTITIES: &str = r#"{"identities": [{"name": "tests", "credentials": [{"accessKey": "tests", "secretKey": "only-for-tests"}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}"#;
/// Ends the server and removes its folder once nobody holds the other end of the shell's input any more: whatever becomes of the tests' process.
const SUPERVISOR: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!; cat >/dev/null; kill -9 "$server"; wait; rm -rf "$folder""#;

/// A running server with an empty bucket. It ends with this handle, or with the process.
pub struct ObjectServer {
    folder: PathBuf,
    ports: Ports,
    supervisor: Option<Child>,
}

/// Where it listens. Each of its parts has a second port, 10,000 further on.
#[derive(Clone, Copy)]
struct Ports {
    master: u16,
    volume: u16,
    filer: u16,
    s3: u16,
}

impl ObjectServer {
    /// The one that all tests of this process share.
    ///
    /// # Panics
    /// When it does not start: no test of object storage can go on then.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ObjectServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of a test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("selfsame-objects-{}-{number}", std::process::id()));
        let mut server = Self { folder, ports: Ports::free(), supervisor: None };
        server.restart();
        server
    }

    /// Starts it again, on the same ports and with the same objects.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        fs::create_dir_all(self.folder.join("data")).expect("a folder for the objects");
        fs::write(self.folder.join("s3.json"), IDENTITIES).expect("a file of identities");
        let Ports { master, volume, filer, s3 } = self.ports;
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "sh"]).arg(&self.folder).args(["weed", "-logtostderr=true", "server"]);
        command.arg(format!("-dir={}", self.folder.join("data").display()));
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-s3"]);
        command.arg(format!("-s3.config={}", self.folder.join("s3.json").display()));
        command.args(["-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
        command.args(["-master.volumeSizeLimitMB=256", "-volume.max=50"]);
        command.arg(format!("-master.port={master}")).arg(format!("-volume.port={volume}"));
        command.arg(format!("-filer.port={filer}")).arg(format!("-s3.port={s3}"));
        // A signal to the tests is none to the server: it ends by itself.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.supervisor = Some(command.spawn().expect("a shell"));
        self.wait_until_up();
    }

    /// Ends it, as a power cut would as far as a process can see; its objects stay.
    ///
    /// # Panics
    /// When the folder cannot be kept.
    pub fn kill(&mut self) {
        let Some(mut supervisor) = self.supervisor.take() else { return };
        let aside = self.folder.with_extension("aside");
        fs::rename(&self.folder, &aside).expect("the folder can be kept");
        drop(supervisor.stdin.take());
        supervisor.wait().expect("the server ends");
        let _ = fs::remove_dir_all(&self.folder);
        fs::rename(&aside, &self.folder).expect("the folder can be put back");
    }

    /// A place in the bucket that nobody else has, as `s3://BUCKET/PREFIX`.
    pub fn new_place(&self) -> String {
        static PLACES: AtomicU64 = AtomicU64::new(0);
        self.place(&format!("{}/{}", std::process::id(), PLACES.fetch_add(1, Ordering::Relaxed)))
    }

    /// The place in the bucket below `prefix`.
    pub fn place(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// Changes an object of a place by the way of the storage's own, as something might that nobody asked.
    ///
    /// # Panics
    /// When the storage does not take it.
    pub fn overwrite(&self, place: &str, name: &str, bytes: &[u8]) {
        let path = format!("/buckets/{}/{name}", place.trim_start_matches("s3://"));
        assert!(self.makes(&path, bytes), "`{path}` is not written");
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.s3)
    }

    /// Who may do everything, as a program's environment has it.
    pub fn environment() -> [(&'static str, &'static str); 2] {
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)]
    }

    fn wait_until_up(&mut self) {
        let begun = Instant::now();
        while !(self.makes("/buckets/selfsame/ready", b"ready") && self.is_healthy()) {
            let ended = self.supervisor.as_mut().expect("it was started").try_wait().expect("it can be asked");
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the object storage ended at once: {}", last_of(&log()));
            assert!(begun.elapsed() < PATIENCE, "the object storage does not come up: {}", last_of(&log()));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes a file, and the bucket with it, by the way of the storage's own, which asks for no signature.
    fn makes(&self, path: &str, bytes: &[u8]) -> bool {
        let head = "Host: x\r\nContent-Type: text/plain\r\nConnection: close";
        let head = format!("PUT {path} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n", bytes.len());
        let request = [head.as_bytes(), bytes].concat();
        status(self.ports.filer, &request).is_ok_and(|status| (200..300).contains(&status))
    }

    fn is_healthy(&self) -> bool {
        let head = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        status(self.ports.s3, head.as_bytes()).is_ok_and(|status| status == 200)
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Ports {
    /// Ports on which nothing listens. They lie below those that the system gives away by itself.
    fn free() -> Self {
        let mut random = [0; 2];
        getrandom::fill(&mut random).expect("random bytes");
        let first = 10_000 + u16::from_be_bytes(random) % 10_000;
        let mut free = (first..20_000).chain(10_000..first).filter(|port| is_free(*port) && is_free(port + 10_000));
        let mut next = || free.next().expect("a free port");
        Self { master: next(), volume: next(), filer: next(), s3: next() }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// The status of an answer.
fn status(port: u16, request: &[u8]) -> io::Result<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request)?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let digits = std::str::from_utf8(&answer[9..]).map_err(io::Error::other)?;
    digits.parse().map_err(io::Error::other)
}

fn last_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
