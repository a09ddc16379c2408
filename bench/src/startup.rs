//! Start-up with a long ledger, and memory: idle on an empty ledger, and after starting on a long one.

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    http::{Body, Connection},
    process::Server,
    table::{self, Promise, Table},
    world::World,
};

/// How many entries the long ledger has at least.
const ENTRIES: u64 = 1_000_000;
/// Connections that fill it.
const FILLERS: usize = 64;

/// Fills a ledger through the API, restarts the server on it, and measures.
pub fn run(program: &Path, table: &mut Table) -> Result<(), Box<dyn Error>> {
    table.heading("Start-up and memory");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    std::thread::sleep(Duration::from_secs(2));
    table.figure("memory, idle, empty ledger", server.usage()?.resident, "MiB", Promise::AtMost(40.0));
    let world = World::new(program, folder.path(), &data, &server.address)?;
    world.apply_project()?;
    let begun = Instant::now();
    let size = fill(&server, &world)?;
    let rate = size as f64 / begun.elapsed().as_secs_f64();
    table.note("entries written through the API", &format!("{size}, {rate:.0} per second over {FILLERS} connections"));
    wait_until_published(&server, &world, size)?;
    drop(server);
    let mut times = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let server = Server::selfsame(program, &data)?;
        let mut connection = Connection::open(&server.address, Some(&world.token))?;
        let answer = connection.send("GET", "/v1/projects/bench/board", &[], b"", Body::Keep)?;
        if answer.status != 200 {
            return Err(format!("the board: {}", answer.status).into());
        }
        times.push(begun.elapsed().as_secs_f64());
        std::thread::sleep(Duration::from_secs(1));
        resident.push(server.usage()?.peak);
    }
    table.figure("start until it answers", table::median(&mut times) * 1e3, "ms", Promise::AtMost(1000.0));
    table.figure("memory at most, long ledger", table::median(&mut resident), "MiB", Promise::AtMost(150.0));
    Ok(())
}

/// Records evidence about ever new digests over many connections, so that the ledger and the state both grow.
fn fill(server: &Server, world: &World) -> Result<u64, Box<dyn Error>> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..FILLERS)
            .map(|worker| {
                scope.spawn(move || {
                    let mut connection = Connection::open(&server.address, Some(&world.token))?;
                    for number in 0..ENTRIES / FILLERS as u64 {
                        let subject = domain::Digest::sha256(format!("{worker} {number}").as_bytes());
                        let body = format!(
                            "{{\"subject\":\"{subject}\",\"kind\":\"tests\",\"name\":\"unit\",\"result\":\"passed\"}}"
                        );
                        let headers = [("Content-Type", "application/json")];
                        let answer = connection.send(
                            "POST",
                            "/v1/projects/bench/evidence",
                            &headers,
                            body.as_bytes(),
                            Body::Keep,
                        )?;
                        if answer.status != 201 {
                            return Err(std::io::Error::other(format!(
                                "{}: {}",
                                answer.status,
                                String::from_utf8_lossy(&answer.body)
                            )));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| "a client panicked")??;
        }
        Ok(ENTRIES)
    })
}

/// Waits until the signed checkpoint covers all: a server that is stopped before would publish the rest when it starts again.
fn wait_until_published(server: &Server, world: &World, size: u64) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::open(&server.address, Some(&world.token))?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(300) {
        let answer = connection.send("GET", "/ledger/checkpoint", &[], b"", Body::Keep)?;
        let note = String::from_utf8(answer.body)?;
        if note.lines().nth(1).and_then(|line| line.parse::<u64>().ok()).is_some_and(|published| published >= size) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err("the ledger is not published within five minutes".into())
}
