//! Durable promotions, beside the raw floor; and promotion of a large image, beside copying it.

use std::{
    error::Error,
    fs, io,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    floor::{self, Rows, Sizes},
    http::{Body, Connection},
    peers::Peer,
    process::{Server, installed, usage_of},
    table::{self, Promise, Table},
    world::World,
};

/// Clients, and what share of the floor is promised for them.
const LOADS: [(usize, f64); 3] = [(1, 0.5), (8, 0.5), (64, 0.25)];

/// What clients reached.
pub struct Reached {
    /// Durable promotions per second.
    pub per_second: f64,
    /// Half of the promotions took at most this long, in microseconds.
    pub p50: f64,
    /// 99 in 100 promotions took at most this long, in microseconds.
    pub p99: f64,
    /// CPU time of the servers for one promotion, in microseconds.
    pub server_cpu: f64,
    /// CPU time of the clients for one promotion, in microseconds.
    pub client_cpu: f64,
    /// How many promotions there were.
    pub count: f64,
    /// How many answers said to come back, and were asked again.
    pub busy: u64,
}

/// Measures promotions per second at 1, 8 and 64 clients.
pub fn run(program: &Path, table: &mut Table, rounds: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    table.heading("Durable promotions over HTTP, beside the same database doing the same group commits without us");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    let world = World::new(program, folder.path(), &data, &server.address)?;
    world.apply_project()?;
    let mut releases = Vec::new();
    for name in ["one", "two"] {
        fs::write(folder.path().join(name), format!("build {name}"))?;
        releases.push(world.release(name)?.0);
    }
    for (clients, promised) in LOADS {
        let (mut ratios, mut ours, mut floors, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let reached = promote(&[&server], &world.token, &releases, clients, seconds)?;
            let sizes = Sizes::of(&data.join("selfsame.db"))?;
            let floor = floor::run(folder.path(), Rows::Same(sizes), clients, seconds)?;
            bare.push(reached.per_second / floor::run(folder.path(), Rows::Bare(sizes), clients, seconds)?.per_second);
            ratios.push(reached.per_second / floor.per_second);
            ours.push(reached);
            floors.push(floor);
        }
        let mid = |of: fn(&Reached) -> f64| table::median(&mut ours.iter().map(of).collect::<Vec<_>>());
        let floor = |of: fn(&floor::Floor) -> f64| table::median(&mut floors.iter().map(of).collect::<Vec<_>>());
        table.ratio(
            &format!("promotions/s, {clients} clients"),
            &format!("{:.0}/s", mid(|r| r.per_second)),
            &format!("{:.0}/s", floor(|f| f.per_second)),
            table::median(&mut ratios),
            Promise::AtLeast(promised),
        );
        table.note(
            "  beside an entry alone",
            &format!("ratio {:.2} to a floor without the other rows", table::median(&mut bare)),
        );
        table.note(
            "  latency p50 / p99",
            &format!(
                "{:.0} / {:.0} us; floor {:.0} / {:.0} us",
                mid(|r| r.p50),
                mid(|r| r.p99),
                floor(|f| f.p50),
                floor(|f| f.p99),
            ),
        );
        table.note(
            "  CPU of one promotion",
            &format!(
                "server {:.0} us, client {:.0} us; floor {:.0} us, client and writer together",
                mid(|r| r.server_cpu),
                mid(|r| r.client_cpu),
                floor(|f| f.cpu),
            ),
        );
    }
    table.note(
        "  what the rest goes into",
        "HTTP on both ends, the look-up of the key, the decision, JSON and hashes, threads that wake each other, views, tiles",
    );
    table.figure("memory of the server", server.usage()?.resident, "MiB", Promise::None);
    Ok(())
}

/// Has `clients` promote for `seconds`, each into a stage of its own; they are spread over the servers.
pub fn promote(
    servers: &[&Server],
    token: &str,
    releases: &[String],
    clients: usize,
    seconds: f64,
) -> Result<Reached, Box<dyn Error>> {
    let used = || servers.iter().map(|server| server.usage().map(|usage| usage.cpu)).sum::<io::Result<f64>>();
    let (stop, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (before, own) = (used()?, usage_of(std::process::id())?);
    let begun = Instant::now();
    let workers: Vec<_> = (0..clients)
        .map(|number| {
            let (address, token) = (servers[number % servers.len()].address.clone(), token.to_owned());
            let (releases, stop, busy) = (releases.to_vec(), stop.clone(), busy.clone());
            std::thread::spawn(move || client(&address, &token, number, &releases, &stop, &busy))
        })
        .collect();
    std::thread::sleep(Duration::from_secs_f64(seconds));
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.join().map_err(|_| "a client panicked")??);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let count = latencies.len() as f64;
    Ok(Reached {
        per_second: count / elapsed,
        p50: table::percentile(&mut latencies, 0.5),
        p99: table::percentile(&mut latencies, 0.99),
        server_cpu: (used()? - before) / count * 1e6,
        client_cpu: (usage_of(std::process::id())? - own).cpu / count * 1e6,
        count,
        busy: busy.load(Ordering::Relaxed),
    })
}

/// Numbers of idempotency keys; each promotion has one of its own, as the command line gives it.
static KEYS: AtomicU64 = AtomicU64::new(0);

/// One client promotes two releases in turn into a stage of its own.
fn client(
    address: &str,
    token: &str,
    number: usize,
    releases: &[String],
    stop: &AtomicBool,
    busy: &AtomicU64,
) -> io::Result<Vec<f64>> {
    let mut connection = Connection::open(address, Some(token))?;
    let path = format!("/v1/projects/bench/stages/s{number}/promotions");
    let mut latencies = Vec::new();
    for release in releases.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let body = format!("{{\"release\":\"{release}\"}}");
        let key = format!("bench-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key.as_str())];
        let begun = Instant::now();
        let answer = loop {
            let answer = connection.send("POST", &path, &headers, body.as_bytes(), Body::Keep)?;
            if answer.status != 503 {
                break answer;
            }
            busy.fetch_add(1, Ordering::Relaxed);
        };
        match answer.status {
            201 => latencies.push(begun.elapsed().as_secs_f64() * 1e6),
            // The stage has this one from the round before: the other one is next.
            409 if latencies.is_empty() => {}
            status => return Err(io::Error::other(format!("{status}: {}", String::from_utf8_lossy(&answer.body)))),
        }
    }
    Ok(latencies)
}

/// Promotes an image of 1 GiB, beside `skopeo copy` of it between two repositories of docker-registry.
pub fn beside_copy(program: &Path, table: &mut Table, rounds: usize) -> Result<(), Box<dyn Error>> {
    table.heading("Promotion of a 1 GiB image, beside `skopeo copy` between two repositories of docker-registry");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    let world = World::new(program, folder.path(), &data, &server.address)?;
    world.apply_project()?;
    write_noise(&folder.path().join("image"), 1 << 30)?;
    fs::write(folder.path().join("other"), "another build")?;
    let (release, artifact) = world.release("image")?;
    let (other, _) = world.release("other")?;
    let copier = Copier::start(table, folder.path(), &world, &artifact)?;
    let (mut ratios, mut ours, mut theirs, mut written) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut connection = Connection::open(&server.address, Some(&world.token))?;
    for round in 0..rounds {
        let path = format!("/v1/projects/bench/stages/s{round}/promotions");
        for id in [&other, &release] {
            let body = format!("{{\"release\":\"{id}\"}}");
            let before = server.usage()?;
            let begun = Instant::now();
            let answer =
                connection.send("POST", &path, &[("Content-Type", "application/json")], body.as_bytes(), Body::Keep)?;
            if answer.status != 201 {
                return Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)).into());
            }
            if *id == release {
                ours.push(begun.elapsed().as_secs_f64());
                written = written.max((server.usage()? - before).written);
            }
        }
        if let Some(copier) = &copier {
            theirs.push(copier.copy(round)?);
            ratios.push(theirs[round] / ours[round]);
        }
    }
    let (what, milliseconds) = ("1 GiB image to the next stage", table::median(&mut ours) * 1e3);
    if copier.is_some() {
        let theirs = format!("{:.0} ms", table::median(&mut theirs) * 1e3);
        let ratio = table::median(&mut ratios);
        table.ratio(what, &format!("{milliseconds:.2} ms"), &theirs, ratio, Promise::AtLeast(100.0));
    } else {
        table.precise(what, milliseconds, "ms", Promise::None);
    }
    // An entry and the pages of a few rows; the least part of the image would be more.
    table.figure("bytes written for it, at most", written as f64 / 1024.0, "KiB", Promise::AtMost(256.0));
    Ok(())
}

/// docker-registry with the image in it, and `skopeo`, which copies it.
struct Copier {
    peer: Server,
    _folder: tempfile::TempDir,
}

impl Copier {
    /// Fills it with an artifact of component `app`. `None` where one of the two is not installed: the table says which.
    fn start(table: &Table, folder: &Path, world: &World, artifact: &str) -> Result<Option<Self>, Box<dyn Error>> {
        let skopeo_missing = installed("skopeo").is_none().then_some("not measured: install Debian's `skopeo`");
        let peer = Peer::DockerRegistry;
        let absent = [(peer.program(), peer.missing()), ("skopeo", skopeo_missing)];
        for (name, why) in absent {
            why.into_iter().for_each(|why| table.note(name, why));
        }
        if absent.iter().any(|(_, why)| why.is_some()) {
            return Ok(None);
        }
        let peer_folder = tempfile::tempdir()?;
        let copier = Self { peer: peer.start(peer_folder.path())?, _folder: peer_folder };
        let layout = format!("oci:{}:1", folder.join("layout").display());
        let image = format!("docker://{}/bench/app@{artifact}", world.address());
        skopeo(&["--src-creds", &format!("selfsame:{}", world.token), &image, &layout])?;
        skopeo(&[&layout, &copier.image("dev")])?;
        Ok(Some(copier))
    }

    fn image(&self, repository: &str) -> String {
        format!("docker://{}/{repository}/app:1", self.peer.address)
    }

    /// Copies it to another repository; the seconds that took.
    fn copy(&self, round: usize) -> io::Result<f64> {
        let begun = Instant::now();
        skopeo(&[&self.image("dev"), &self.image(&format!("prod-{round}"))])?;
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn skopeo(arguments: &[&str]) -> io::Result<()> {
    let done = Command::new("skopeo")
        .args(["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"])
        .args(arguments)
        .output()?;
    if done.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))
    }
}

/// Writes `bytes` that no registry can make smaller.
pub fn write_noise(path: &Path, bytes: usize) -> io::Result<()> {
    use io::Write;
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ bytes as u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()
}
