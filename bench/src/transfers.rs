//! Pulls, manifests and pushes, beside docker-registry: CPU seconds of the server process, which noise on the machine does not change.

use std::{
    error::Error,
    io,
    path::Path,
    time::{Duration, Instant},
};

use domain::Digest;

use crate::{
    http::{Body, Connection},
    process::{Server, Usage},
    table::{self, Promise, Table},
};

const LARGE: usize = 100 << 20;
const SMALL: usize = 1 << 20;
/// Concurrent connections of the load.
const CONNECTIONS: usize = 4;

/// A registry under test.
struct Side {
    server: Server,
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
    /// What the ratio is at most.
    promised: f64,
    run: fn(&Side, &Fixture, usize, Duration) -> io::Result<usize>,
}

/// What is pulled.
struct Fixture {
    large: Digest,
    small: Vec<Digest>,
}

/// Measures every load on both sides, in turn.
pub fn run(program: &Path, table: &mut Table, rounds: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    table.heading("Transfers, beside docker-registry: CPU seconds of the server");
    let (ours_folder, theirs_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let data = ours_folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    let token = std::fs::read_to_string(data.join("keys/admin.token"))?.trim().to_owned();
    let ours = Side { server, token: Some(token), repository: "bench/app" };
    let theirs = Side { server: Server::docker_registry(theirs_folder.path())?, token: None, repository: "bench/app" };
    let fixture = fill(&ours)?;
    fill(&theirs)?;
    let loads = [
        Load { what: "pull 100 MiB blobs, CPU s/GB", bytes: LARGE, per_gigabyte: true, promised: 0.5, run: pull_large },
        Load {
            what: "pull 1 MiB blobs, CPU ms each",
            bytes: SMALL,
            per_gigabyte: false,
            promised: 0.5,
            run: pull_small,
        },
        Load {
            what: "GET manifest by tag, CPU ms each",
            bytes: 0,
            per_gigabyte: false,
            promised: 0.5,
            run: get_manifest,
        },
        Load { what: "push 100 MiB blobs, CPU s/GB", bytes: LARGE, per_gigabyte: true, promised: 1.0, run: push_large },
        Load {
            what: "push 1 MiB blobs, CPU ms each",
            bytes: SMALL,
            per_gigabyte: false,
            promised: 1.0,
            run: push_small,
        },
    ];
    for load in loads {
        compare(table, &load, (&ours, &theirs), &fixture, rounds, seconds)?;
    }
    let (mine, peer) = (ours.server.usage()?, theirs.server.usage()?);
    let now = mine.resident / peer.resident;
    table.ratio("memory now", &mebibytes(mine.resident), &mebibytes(peer.resident), now, Promise::None);
    let peak = mine.peak / peer.peak;
    table.ratio("memory at most", &mebibytes(mine.peak), &mebibytes(peer.peak), peak, Promise::None);
    table.note("what is synced", "Selfsame: blobs and rows before it answers a push; docker-registry 2.8: nothing");
    Ok(())
}

fn compare(
    table: &mut Table,
    load: &Load,
    (ours, theirs): (&Side, &Side),
    fixture: &Fixture,
    rounds: usize,
    seconds: f64,
) -> io::Result<()> {
    let (mut mine, mut peer, mut ratios, mut rates) = (Vec::new(), Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for round in 0..rounds {
        let mut costs = [0.0; 2];
        for (position, side) in [ours, theirs].into_iter().enumerate() {
            let before = side.server.usage()?;
            let begun = Instant::now();
            let requests = (load.run)(side, fixture, round, Duration::from_secs_f64(seconds))? as f64;
            let used: Usage = side.server.usage()? - before;
            rates[position].push(requests / begun.elapsed().as_secs_f64());
            let unit = if load.per_gigabyte { requests * load.bytes as f64 / 1e9 } else { requests / 1e3 };
            costs[position] = used.cpu / unit;
        }
        mine.push(costs[0]);
        peer.push(costs[1]);
        ratios.push(costs[0] / costs[1]);
    }
    let ratio = table::median(&mut ratios);
    let [our_rate, their_rate] = rates.map(|mut rate| table::median(&mut rate));
    table.ratio(
        load.what,
        &format!("{:.3} ({our_rate:.0}/s)", table::median(&mut mine)),
        &format!("{:.3} ({their_rate:.0}/s)", table::median(&mut peer)),
        ratio,
        Promise::AtMost(load.promised),
    );
    Ok(())
}

fn mebibytes(value: f64) -> String {
    format!("{value:.0} MiB")
}

impl Side {
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

/// Pushes what will be pulled.
fn fill(side: &Side) -> io::Result<Fixture> {
    let mut connection = side.connect()?;
    let large = noise(LARGE, 1);
    let small: Vec<_> = (0..16).map(|number| noise(SMALL, 100 + number)).collect();
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
    Ok(Fixture { large: Digest::sha256(&large), small: small.iter().map(|blob| Digest::sha256(blob)).collect() })
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
