//! The servers that ours is measured beside, each as its package configures it, where that matters.

use std::{fs, io, path::Path, process::Command};

use crate::process::{Server, free_port, installed};

/// A server of other people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Debian's docker-registry, with the cache of blob descriptors that its package turns on.
    DockerRegistry,
    /// The floor of any pull: nginx that sends files as they are, with `sendfile` and `tcp_nopush` as Debian configures it.
    Nginx,
    /// zot, with nothing set but where it keeps its data and where it listens.
    Zot,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DockerRegistry, Self::Nginx, Self::Zot];

    /// Its program, which is also what it is called.
    pub fn program(self) -> &'static str {
        match self {
            Self::DockerRegistry => "docker-registry",
            Self::Nginx => "nginx",
            Self::Zot => "zot",
        }
    }

    /// What it has brought to the disk when it answers a push. Seen with `strace -f -e trace=fsync,fdatasync,sync_file_range`.
    pub fn syncs(self) -> &'static str {
        match self {
            Self::DockerRegistry => "the bytes of each file, not the folders that it makes and renames them in",
            Self::Nginx => "nothing: it takes no pushes",
            Self::Zot => "its cache's database; no blob and no manifest, unless `commit` is set",
        }
    }

    /// Why it is not there, for whoever misses it; `None` if it is.
    pub fn missing(self) -> Option<&'static str> {
        let how = match self {
            Self::DockerRegistry => "not measured: install Debian's `docker-registry`",
            Self::Nginx => "not measured: install Debian's `nginx-light`",
            Self::Zot => "not measured: `zot` is not on the PATH",
        };
        installed(self.program()).is_none().then_some(how)
    }

    /// Starts it on a folder.
    pub fn start(self, folder: &Path) -> io::Result<Server> {
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let program = installed(self.program())
            .ok_or_else(|| io::Error::other(format!("`{}` is not installed", self.program())))?;
        let mut command = Command::new(program);
        match self {
            Self::DockerRegistry => {
                let text = format!(
                    "version: 0.1\nlog: {{level: error}}\nstorage: {{cache: {{blobdescriptor: inmemory}}, \
                     filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: {address}}}\n",
                    folder.join("data").display()
                );
                command.arg("serve").arg(written(folder, "config.yml", &text)?);
            }
            Self::Nginx => {
                command.arg("-c").arg(written(folder, "nginx.conf", &nginx(folder, &address))?);
            }
            Self::Zot => {
                let text = serde_json::json!({
                    "distSpecVersion": "1.1.1",
                    "storage": {"rootDirectory": folder.join("data")},
                    "http": {"address": "127.0.0.1", "port": port.to_string()},
                    "log": {"level": "error"},
                });
                command.arg("serve").arg(written(folder, "config.json", &text.to_string())?);
            }
        }
        Server::start(&mut command, &address)
    }
}

/// What it serves lies in the folder `www`, under the path that it is asked for.
fn nginx(folder: &Path, address: &str) -> String {
    let folder = folder.display();
    // Its workers become another user if root starts it, and that user cannot look into our folder.
    format!(
        "daemon off; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;\nuser root;\n\
         events {{ worker_connections 768; }}\n\
         http {{ sendfile on; tcp_nopush on; access_log off; default_type application/octet-stream; keepalive_requests 1000000;\n\
         client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
         server {{ listen {address}; root {folder}/www; }} }}\n"
    )
}

fn written(folder: &Path, name: &str, text: &str) -> io::Result<std::path::PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}
