//! Lists and searches with very many artifacts: how long an answer takes over HTTP, and how much memory the server has for it.

mod fill;

use std::{
    error::Error,
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    http::{Body, Connection},
    process::Server,
    table::{self, Promise, Table},
    world::World,
};
use fill::Filled;

/// How often each question is asked, each time about something else.
const QUESTIONS: usize = 400;
/// Milliseconds that 99 in 100 answers take at most.
const PROMISED: f64 = 50.0;
/// How much memory is promised, in MiB.
const MEMORY: f64 = 150.0;

/// A question: what it is, and its path for each time that it is asked.
type Question<'a> = (&'static str, Box<dyn Fn(usize) -> String + 'a>);

/// Fills, starts a server on that, and asks.
pub fn run(program: &Path, table: &mut Table, artifacts: usize) -> Result<(), Box<dyn Error>> {
    let filled = Filled::of(artifacts);
    table.heading(&format!("Lists and searches with {} artifacts", filled.artifacts));
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::selfsame(program, &data)?;
    let world = World::new(program, folder.path(), &data, &server.address)?;
    world.apply_project()?;
    let release = world.release_of(&["app"])?.0;
    drop(server);
    let begun = Instant::now();
    fill::fill(&data, &filled)?;
    let rate = filled.artifacts as f64 / begun.elapsed().as_secs_f64();
    let text = format!(
        "{} tags and {} referrers in one repository, {} more repositories; {rate:.0} artifacts a second; database {} MiB",
        filled.tags,
        filled.referrers,
        filled.repositories,
        fs::metadata(data.join("selfsame.db"))?.len() >> 20,
    );
    table.note("filled without HTTP and blobs", &text);
    let begun = Instant::now();
    let server = Server::selfsame(program, &data)?;
    table.figure("start", begun.elapsed().as_secs_f64() * 1e3, "ms", Promise::None);
    let mut connection = Connection::open(&server.address, Some(&world.token))?;
    for (what, path) in lists(&filled).into_iter().chain(searches(&filled, &release)) {
        let mut times = Vec::with_capacity(QUESTIONS);
        let mut bytes = 0;
        for number in 0..QUESTIONS {
            let path = path(number);
            let begun = Instant::now();
            let answer = connection.send("GET", &path, &[], b"", Body::Keep)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            bytes = bytes.max(answer.body.len());
            if answer.status != 200 || answer.body.len() < 40 {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("{path}: {} {text}", answer.status).into());
            }
        }
        let half = table::percentile(&mut times, 0.5);
        let what = format!("{what}: p50 {half:.2} ms, p99");
        table.precise(&what, table::percentile(&mut times, 0.99), "ms", Promise::AtMost(PROMISED));
    }
    let used = server.usage()?;
    table.figure("memory at most, all questions asked", used.peak, "MiB", Promise::AtMost(MEMORY));
    let together = crowd(&server, &world, &filled)?;
    table.note("16 at once, pages of 1000 tags", &format!("{together:.0} a second"));
    table.figure("memory at most, afterwards", server.usage()?.peak, "MiB", Promise::AtMost(MEMORY));
    Ok(())
}

/// Somewhere below `of`: somewhere else each time, and the same places in each run.
fn spread(number: usize, of: usize) -> usize {
    number.wrapping_mul(2_654_435_761) % of.max(1)
}

/// The registry's lists, at the beginning, in the middle and at the end of what there is.
fn lists(filled: &Filled) -> Vec<Question<'_>> {
    let tags = move |from: usize| {
        move |number: usize| format!("/v2/bench/many/tags/list?n=1000&last={}", filled.tag(from + number % 100))
    };
    let repositories = filled.repositories;
    let first = filled.digest(0);
    let about = first.clone();
    vec![
        ("catalog, 1000, beginning", Box::new(|_| "/v2/_catalog?n=1000".into())),
        ("catalog, 1000, anywhere", {
            Box::new(move |number| {
                format!(
                    "/v2/_catalog?n=1000&last={}",
                    filled.repository(spread(number, repositories.saturating_sub(1000)))
                )
            })
        }),
        ("catalog, 100, end", {
            Box::new(move |_| {
                format!("/v2/_catalog?n=100&last={}", filled.repository(repositories.saturating_sub(100)))
            })
        }),
        ("tags, 1000, beginning", Box::new(|_| "/v2/bench/many/tags/list?n=1000".into())),
        ("tags, 1000, middle", Box::new(tags(filled.tags / 2))),
        ("tags, 1000, end", Box::new(tags(filled.tags.saturating_sub(1100)))),
        ("tags, 100, anywhere", {
            Box::new(move |number| {
                format!("/v2/bench/many/tags/list?n=100&last={}", filled.tag(spread(number, filled.tags)))
            })
        }),
        ("tags of a small repository", {
            Box::new(move |number| format!("/v2/{}/tags/list", filled.repository(spread(number, repositories))))
        }),
        ("referrers, 1000 of many", Box::new(move |_| format!("/v2/bench/many/referrers/{first}?n=1000"))),
        ("referrers, 100, one type", {
            Box::new(move |number| {
                let kind = number % 4;
                format!("/v2/bench/many/referrers/{about}?n=100&artifactType=application/vnd.bench.kind-{kind}")
            })
        }),
        ("referrers, of none", {
            Box::new(move |number| {
                format!("/v2/bench/many/referrers/{}", filled.digest(1 + spread(number, filled.tags - 1)))
            })
        }),
    ]
}

/// The searches of `/v1`.
fn searches<'a>(filled: &'a Filled, release: &'a str) -> Vec<Question<'a>> {
    let first = filled.digest(0);
    vec![
        ("trace of a digest", {
            Box::new(move |number| format!("/v1/trace/{}", filled.digest(1 + spread(number, filled.artifacts - 1))))
        }),
        ("trace of what many refer to", Box::new(move |_| format!("/v1/trace/{first}"))),
        ("evidence about a digest", {
            Box::new(move |number| {
                let digest = filled.digest(spread(number, filled.artifacts));
                format!("/v1/projects/bench/evidence?subject={digest}")
            })
        }),
        ("release by its beginning", {
            let beginning = &release[..release.len().min("sha256:".len() + 12)];
            let beginning = beginning.trim_start_matches("sha256:");
            Box::new(move |_| format!("/v1/projects/bench/releases/{beginning}"))
        }),
        ("releases of a project", Box::new(|_| "/v1/projects/bench/releases".into())),
        ("events of a project, anywhere", {
            Box::new(move |number| {
                format!("/v1/events?project=bench&after={}&limit=100", spread(number, filled.artifacts - 200))
            })
        }),
        ("state, 1000 rows, anywhere", {
            Box::new(move |number| {
                format!("/v1/state?limit=1000&after=subject/bench/{}", filled.digest(spread(number, filled.artifacts)))
            })
        }),
        ("an entry", Box::new(move |number| format!("/v1/ledger/entries/{}", spread(number, filled.artifacts)))),
    ]
}

/// Several ask for large pages at once; answers per second.
fn crowd(server: &Server, world: &World, filled: &Filled) -> io::Result<f64> {
    let (begun, time) = (Instant::now(), Duration::from_secs(3));
    let asked = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|client| {
                scope.spawn(move || {
                    let mut connection = Connection::open(&server.address, Some(&world.token))?;
                    let mut asked = 0;
                    while begun.elapsed() < time {
                        let last = filled.tag((client * filled.tags / 16 + asked) % filled.tags);
                        let path = format!("/v2/bench/many/tags/list?n=1000&last={last}");
                        connection.send("GET", &path, &[], b"", Body::Keep)?;
                        asked += 1;
                    }
                    Ok::<_, io::Error>(asked)
                })
            })
            .collect();
        let joined =
            clients.into_iter().map(|client| client.join().map_err(|_| io::Error::other("a client panicked"))?);
        joined.sum::<io::Result<usize>>()
    })?;
    Ok(asked as f64 / begun.elapsed().as_secs_f64())
}
