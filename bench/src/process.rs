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

    /// Debian's docker-registry on a folder, with the cache of blob descriptors that its package turns on.
    pub fn docker_registry(folder: &Path) -> io::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let config = folder.join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{cache: {{blobdescriptor: inmemory}}, filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: {address}}}\n",
            folder.join("data").display()
        );
        fs::write(&config, text)?;
        Self::start(Command::new("docker-registry").arg("serve").arg(&config), &address)
    }

    /// What the process has used so far.
    pub fn usage(&self) -> io::Result<Usage> {
        usage_of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What process `id` has used, from the kernel's own accounting.
pub fn usage_of(id: u32) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |position: usize| fields.get(position).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let mebibytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    let io = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or_default();
    // The kernel counts in hundredths of a second on every Linux that Debian ships.
    Ok(Usage { cpu: (ticks(11) + ticks(12)) / 100.0, resident: mebibytes("VmRSS"), peak: mebibytes("VmHWM"), written })
}

impl std::ops::Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { cpu: self.cpu - before.cpu, written: self.written - before.written, ..self }
    }
}
