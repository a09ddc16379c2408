//! Pulls, manifests and pushes, beside other registries and the floor: CPU seconds of the server's processes, which noise on the machine
//! does not change.

mod crowd;

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::Digest;

use crate::{
    http::{Body, Connection},
    peers::Peer,
    process::{Server, Usage},
    table::{self, Promise, Table},
};

const LARGE: usize = 100 << 20;
const SMALL: usize = 1 << 20;
/// Concurrent connections of the load.
const CONNECTIONS: usize = 4;

/// A server under test.
struct Side {
    server: Server,
    /// Which of the peers it is; `None` for ours.
    peer: Option<Peer>,
    folder: tempfile::TempDir,
    program: PathBuf,
    token: Option<String>,
    repository: &'static str,
}

/// One kind of request.
struct Load {
    what: &'static str,
    /// Bytes of one request's body, either way.
    bytes: usize,
    /// CPU is told per GB for large bodies, else per request.
    per_gigabyte: bool,
    /// What the ratio of CPU is at most; beside the other peers it is for information.
    promised: &'static [(Peer, f64)],
    run: fn(&Side, &Fixture, usize, Duration) -> io::Result<usize>,
}

/// What a load came to on one side, a figure for each round.
#[derive(Default)]
struct Measured {
    cost: Vec<f64>,
    rate: Vec<f64>,
}

/// What is pulled.
struct Fixture {
    large: Digest,
    small: Vec<Digest>,
}

const LOADS: [Load; 5] = [
    Load {
        what: "pull 100 MiB blobs, CPU s/GB",
        bytes: LARGE,
        per_gigabyte: true,
        promised: &[(Peer::DockerRegistry, 0.5), (Peer::Nginx, 1.3)],
        run: pull_large,
    },
    Load {
        what: "pull 1 MiB blobs, CPU ms each",
        bytes: SMALL,
        per_gigabyte: false,
        promised: &[(Peer::DockerRegistry, 0.5)],
        run: pull_small,
    },
    Load {
        what: "GET manifest by tag, CPU ms each",
        bytes: 0,
        per_gigabyte: false,
        promised: &[(Peer::DockerRegistry, 0.5)],
        run: get_manifest,
    },
    Load {
        what: "push 100 MiB blobs, CPU s/GB",
        bytes: LARGE,
        per_gigabyte: true,
        promised: &[(Peer::DockerRegistry, 1.0)],
        run: push_large,
    },
    Load {
        what: "push 1 MiB blobs, CPU ms each",
        bytes: SMALL,
        per_gigabyte: false,
        promised: &[(Peer::DockerRegistry, 0.33)],
        run: push_small,
    },
];

/// Measures every load on all sides, in turn.
pub fn run(program: &Path, table: &mut Table, rounds: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    table.heading("Transfers, beside other registries and nginx's sendfile: CPU seconds of the server's processes");
    table.note("selfsame", "syncs blobs and rows before it answers a push");
    let mut sides = vec![Side::start(None, program)?];
    for peer in Peer::ALL {
        match peer.missing() {
            Some(why) => table.note(peer.program(), why),
            None => {
                sides.push(Side::start(Some(peer), program)?);
                table.note(peer.program(), &format!("syncs {}", peer.syncs()));
            }
        }
    }
    if let Some(nginx) = sides.iter().find(|side| side.peer == Some(Peer::Nginx)) {
        let workers = nginx.server.workers();
        table.note("", &format!("nginx has {workers} workers; all its processes count, plain HTTP on both sides"));
    }
    let mut fixture = None;
    for side in &sides {
        fixture = Some(fill(side)?);
    }
    let fixture = fixture.ok_or("no server was filled")?;
    for load in LOADS {
        compare(table, &load, &sides, &fixture, rounds, seconds)?;
    }
    for side in &sides {
        let used = side.server.usage()?;
        let text = format!("{:.0} MiB now, {:.0} MiB at most", used.resident, used.peak);
        table.note(&format!("memory of {}", side.name()), &text);
    }
    crowd::run(table, &mut sides, &fixture, rounds, seconds)
}

fn compare(
    table: &mut Table,
    load: &Load,
    sides: &[Side],
    fixture: &Fixture,
    rounds: usize,
    seconds: f64,
) -> io::Result<()> {
    let is_push = load.what.starts_with("push");
    let able: Vec<&Side> = sides.iter().filter(|side| side.can(load)).collect();
    let mut all: Vec<Measured> = able.iter().map(|_| Measured::default()).collect();
    for round in 0..rounds {
        for (side, measured) in able.iter().zip(&mut all) {
            let before = side.server.usage()?;
            let begun = Instant::now();
            let requests = (load.run)(side, fixture, round, Duration::from_secs_f64(seconds))? as f64;
            let used: Usage = side.server.usage()? - before;
            let unit = if load.per_gigabyte { requests * load.bytes as f64 / 1e9 } else { requests / 1e3 };
            measured.rate.push(requests / begun.elapsed().as_secs_f64());
            measured.cost.push(used.cpu / unit);
        }
    }
    let told = |of: &Measured| {
        let (cost, rate) = (table::median(&mut of.cost.clone()), table::median(&mut of.rate.clone()));
        format!("{cost:.3} ({rate:.0}/s)")
    };
    let Some((ours, theirs)) = all.split_first() else { return Ok(()) };
    table.note(load.what, "");
    for (side, peer) in able[1..].iter().zip(theirs) {
        let promised = load.promised.iter().find(|(beside, _)| side.peer == Some(*beside));
        let promise = promised.map_or(Promise::None, |(_, most)| Promise::AtMost(*most));
        let ratio = ratio(&ours.cost, &peer.cost);
        table.ratio(&format!("  beside {}", side.name()), &told(ours), &told(peer), ratio, promise);
        if is_push && side.peer == Some(Peer::DockerRegistry) {
            let per_second = |of: &Measured| format!("{:.0}/s", table::median(&mut of.rate.clone()));
            let promise = if load.bytes == SMALL { Promise::AtLeast(1.0) } else { Promise::None };
            table.ratio(
                "    pushes a second",
                &per_second(ours),
                &per_second(peer),
                self::ratio(&ours.rate, &peer.rate),
                promise,
            );
        }
    }
    if load.bytes == 0 {
        table.figure("  by itself", table::median(&mut ours.cost.clone()) * 1e3, "us of CPU", Promise::AtMost(80.0));
    }
    Ok(())
}

/// The median of the rounds' ratios.
fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    table::median(&mut ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

impl Side {
    /// Starts ours, or a peer, on a new folder.
    fn start(peer: Option<Peer>, program: &Path) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = match peer {
            Some(peer) => peer.start(folder.path())?,
            None => Server::selfsame(program, &folder.path().join("data"))?,
        };
        let token = match peer {
            Some(_) => None,
            None => Some(fs::read_to_string(folder.path().join("data/keys/admin.token"))?.trim().to_owned()),
        };
        Ok(Self { server, peer, folder, program: program.to_owned(), token, repository: "bench/app" })
    }

    /// Ends it and starts it again on what it has.
    fn restart(&mut self) -> io::Result<()> {
        self.server.end();
        self.server = match self.peer {
            Some(peer) => peer.start(self.folder.path())?,
            None => Server::selfsame(&self.program, &self.folder.path().join("data"))?,
        };
        Ok(())
    }

    fn name(&self) -> &'static str {
        self.peer.map_or("selfsame", Peer::program)
    }

    /// Whether it knows what the load asks for: nginx has blobs, and takes nothing.
    fn can(&self, load: &Load) -> bool {
        self.peer != Some(Peer::Nginx) || load.what.starts_with("pull")
    }

    fn connect(&self) -> io::Result<Connection> {
        Connection::open(&self.server.address, self.token.as_deref())
    }

    /// Sends requests over several connections until `time` is over; answers with how many.
    fn load(
        &self,
        time: Duration,
        request: impl Fn(&mut Connection, usize) -> io::Result<()> + Sync,
    ) -> io::Result<usize> {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..CONNECTIONS)
                .map(|worker| {
                    let request = &request;
                    scope.spawn(move || {
                        let mut connection = self.connect()?;
                        let mut count = 0;
                        while begun.elapsed() < time {
                            request(&mut connection, worker + count * CONNECTIONS)?;
                            count += 1;
                        }
                        Ok::<_, io::Error>(count)
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().map_err(|_| io::Error::other("a client panicked"))?).sum()
        })
    }

    fn blob(&self, digest: &Digest) -> String {
        format!("/v2/{}/blobs/{digest}", self.repository)
    }
}

/// Pushes what will be pulled; to nginx it is given as files.
fn fill(side: &Side) -> io::Result<Fixture> {
    let large = noise(LARGE, 1);
    let small: Vec<_> = (0..16).map(|number| noise(SMALL, 100 + number)).collect();
    let fixture =
        Fixture { large: Digest::sha256(&large), small: small.iter().map(|blob| Digest::sha256(blob)).collect() };
    if side.peer == Some(Peer::Nginx) {
        for blob in small.iter().chain([&large]) {
            let path = side.folder.path().join("www").join(&side.blob(&Digest::sha256(blob))[1..]);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, blob)?;
        }
        return Ok(fixture);
    }
    let mut connection = side.connect()?;
    let config = b"{}".to_vec();
    for blob in small.iter().chain([&large, &config]) {
        push(&mut connection, side, blob)?;
    }
    let layers: Vec<_> = small.iter().map(|blob| descriptor("application/octet-stream", blob)).collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": layers,
    });
    let path = format!("/v2/{}/manifests/latest", side.repository);
    let headers = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")];
    expect(201, &connection.send("PUT", &path, &headers, manifest.to_string().as_bytes(), Body::Keep)?)?;
    Ok(fixture)
}

fn descriptor(media_type: &str, blob: &[u8]) -> serde_json::Value {
    serde_json::json!({"mediaType": media_type, "digest": Digest::sha256(blob), "size": blob.len()})
}

/// Pushes a blob as docker does: POST, then PUT of the whole.
fn push(connection: &mut Connection, side: &Side, blob: &[u8]) -> io::Result<()> {
    let begun = connection.send("POST", &format!("/v2/{}/blobs/uploads/", side.repository), &[], b"", Body::Keep)?;
    expect(202, &begun)?;
    let location = begun.location.ok_or_else(|| io::Error::other("an upload without a location"))?;
    let location =
        location.strip_prefix("http://").map_or(location.as_str(), |rest| rest.find('/').map_or("/", |at| &rest[at..]));
    let separator = if location.contains('?') { '&' } else { '?' };
    let path = format!("{location}{separator}digest={}", Digest::sha256(blob));
    expect(201, &connection.send("PUT", &path, &[("Content-Type", "application/octet-stream")], blob, Body::Keep)?)
}

fn expect(status: u16, answer: &crate::http::Answer) -> io::Result<()> {
    if answer.status == status {
        return Ok(());
    }
    Err(io::Error::other(format!("{} instead of {status}: {}", answer.status, String::from_utf8_lossy(&answer.body))))
}

fn pull_large(side: &Side, fixture: &Fixture, _: usize, time: Duration) -> io::Result<usize> {
    let path = side.blob(&fixture.large);
    side.load(time, |connection, _| expect(200, &connection.send("GET", &path, &[], b"", Body::Drop)?))
}

fn pull_small(side: &Side, fixture: &Fixture, _: usize, time: Duration) -> io::Result<usize> {
    let paths: Vec<_> = fixture.small.iter().map(|digest| side.blob(digest)).collect();
    side.load(time, |connection, number| {
        expect(200, &connection.send("GET", &paths[number % paths.len()], &[], b"", Body::Drop)?)
    })
}

fn get_manifest(side: &Side, _: &Fixture, _: usize, time: Duration) -> io::Result<usize> {
    let path = format!("/v2/{}/manifests/latest", side.repository);
    let headers = [("Accept", "application/vnd.oci.image.manifest.v1+json")];
    side.load(time, |connection, _| expect(200, &connection.send("GET", &path, &headers, b"", Body::Keep)?))
}

fn push_large(side: &Side, _: &Fixture, round: usize, time: Duration) -> io::Result<usize> {
    push_unique(side, LARGE, round, time)
}

fn push_small(side: &Side, _: &Fixture, round: usize, time: Duration) -> io::Result<usize> {
    push_unique(side, SMALL, round, time)
}

/// Each blob is new: the same noise, with another number at its beginning.
fn push_unique(side: &Side, bytes: usize, round: usize, time: Duration) -> io::Result<usize> {
    let template = noise(bytes, 7);
    side.load(time, |connection, number| {
        let mut blob = template.clone();
        let mark = (round as u64) << 32 | number as u64;
        blob[..8].copy_from_slice(&mark.to_le_bytes());
        push(connection, side, &blob)
    })
}

fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed + 1);
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(bytes / 8).flatten().collect()
}
