//! Server processes, and what the kernel says about them.

use std::{
    fs, io,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server process that ends with its handle.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time, in seconds.
    pub cpu: f64,
    /// Resident memory now, in MiB.
    pub resident: f64,
    /// The most resident memory so far, in MiB.
    pub peak: f64,
    /// Bytes sent to the disk.
    pub written: u64,
}

/// Builds the program in release mode and answers with its path.
pub fn build() -> io::Result<PathBuf> {
    let done = Command::new("cargo").args(["build", "--release", "-p", "selfsame"]).status()?;
    if !done.success() {
        return Err(io::Error::other("`cargo build --release -p selfsame` failed"));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    fs::canonicalize(target.join("release/selfsame"))
}

/// A free port on this machine.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts `command`, which listens at `address`, and waits until it accepts connections.
    pub fn start(command: &mut Command, address: &str) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child, address: address.to_owned() };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > Duration::from_secs(60) || server.child.try_wait()?.is_some() {
                return Err(io::Error::other(format!("{command:?} does not listen at {address}")));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }

    /// Our server on a data directory.
    pub fn selfsame(program: &Path, data: &Path) -> io::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        Self::start(Command::new(program).arg("serve").arg("--data").arg(data).args(["--listen", &address]), &address)
    }

    /// One of several equal servers of ours: they share a data directory, and the database at `url`.
    pub fn replica(program: &Path, data: &Path, url: &str) -> io::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data).args(["--listen", &address]).env("SELFSAME_DATABASE", url);
        Self::start(&mut command, &address)
    }

    /// What it has used so far, with all processes that it has started.
    pub fn usage(&self) -> io::Result<Usage> {
        usage_of_all(self.child.id())
    }

    /// How many processes it has started.
    pub fn workers(&self) -> usize {
        started_by(self.child.id()).len()
    }

    /// Ends it at once, with what it has started.
    pub fn end(&mut self) {
        let workers = started_by(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for worker in workers {
            let _ = Command::new("kill").args(["-KILL", &worker.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where `program` is, if it is installed: on the `PATH`, or where Debian keeps what only root runs.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.into_iter().map(|folder| folder.join(program)).find(|found| found.is_file())
}

/// What process `id` and all that it has started, and they, have used; processes that have ended count once their parent has heard of it.
pub fn usage_of_all(id: u32) -> io::Result<Usage> {
    let mut all = usage_of(id)?;
    all.cpu += ended_children(id)?;
    for child in started_by(id) {
        // One that ends meanwhile is its parent's from now on.
        let Ok(used) = usage_of_all(child) else { continue };
        all.cpu += used.cpu;
        all.resident += used.resident;
        all.peak += used.peak;
        all.written += used.written;
    }
    Ok(all)
}

/// CPU seconds of the processes that this one has started and heard the end of.
pub fn usage_of_children() -> io::Result<f64> {
    ended_children(std::process::id())
}

/// The processes that `id` has started and that have not ended.
fn started_by(id: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    children.flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

/// What process `id` has used, from the kernel's own accounting.
pub fn usage_of(id: u32) -> io::Result<Usage> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let mebibytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    let io = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or_default();
    Ok(Usage { cpu: seconds(id, 11)?, resident: mebibytes("VmRSS"), peak: mebibytes("VmHWM"), written })
}

/// The seconds that the ended children of process `id` have used.
fn ended_children(id: u32) -> io::Result<f64> {
    seconds(id, 13)
}

/// User and system time, which stand next to each other in `/proc/ID/stat`, counted behind the name.
fn seconds(id: u32, position: usize) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(position).take(2).filter_map(|field| field.parse::<f64>().ok());
    // The kernel counts in hundredths of a second on every Linux that Debian ships.
    Ok(ticks.sum::<f64>() / 100.0)
}

impl std::ops::Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { cpu: self.cpu - before.cpu, written: self.written - before.written, ..self }
    }
}
