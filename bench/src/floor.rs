//! The raw floor: the same database doing the same group commits, without us.
//!
//! One writer thread drains a queue and commits what it finds in one transaction (WAL, synchronous=FULL), as the server's writer does. No
//! HTTP, no rules, no hashes, no followers. Clients are threads that wait for their commit. There are two of them: [`Rows::Same`] writes the rows that
//! a promotion writes, as large as the server's own are; [`Rows::Bare`] writes only an entry, to tell what the other rows cost.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use crate::process::usage_of;

/// What a transaction writes: for each item an entry, and for all of them where the ledger ends.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// Nothing more.
    Bare(Sizes),
    /// For each item also the row of its stage and its request, and for all of them the rows of two releases.
    Same(Sizes),
}

/// How large the server's own rows are, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    entry: usize,
    stage: usize,
    release: usize,
}

impl Sizes {
    /// Looks into the database of the server at work.
    pub fn of(database: &Path) -> Result<Self, rusqlite::Error> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = rusqlite::Connection::open_with_flags(database, flags)?;
        let mean = |query: &str| connection.query_row(query, [], |row| row.get::<_, f64>(0)).map(|mean| mean as usize);
        Ok(Self {
            entry: mean("SELECT avg(length(body)) FROM (SELECT body FROM entries ORDER BY idx DESC LIMIT 1000)")?,
            stage: mean("SELECT avg(length(value)) FROM state WHERE key LIKE 'stage/%'")?,
            release: mean("SELECT avg(length(value)) FROM state WHERE key LIKE 'release/%'")?,
        })
    }
}
/// How many items one transaction takes at most.
const BATCH: usize = 256;

/// What the floor reached.
pub struct Floor {
    /// Durable commits of single items per second.
    pub per_second: f64,
    /// Half of the items took at most this long, in microseconds.
    pub p50: f64,
    /// 99 in 100 items took at most this long, in microseconds.
    pub p99: f64,
    /// CPU time of one item, client and writer together, in microseconds.
    pub cpu: f64,
}

/// Runs `clients` for `seconds` on a new database in `folder`.
pub fn run(folder: &Path, rows: Rows, clients: usize, seconds: f64) -> Result<Floor, Box<dyn std::error::Error>> {
    let name = if matches!(rows, Rows::Bare(_)) { "bare.db" } else { "same.db" };
    let connection = rusqlite::Connection::open(folder.join(name))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS entries(idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value BLOB NOT NULL, seal INTEGER NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS requests(
             key TEXT PRIMARY KEY, command TEXT NOT NULL, idx INTEGER NOT NULL, entries INTEGER NOT NULL,
             seal INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         INSERT OR IGNORE INTO head VALUES (0, 0);",
    )?;
    let (queue, items) = mpsc::sync_channel::<Item>(1024);
    let writer = std::thread::spawn(move || write(&connection, rows, &items));
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let before = usage_of(std::process::id())?;
    let workers: Vec<_> = (0..clients)
        .map(|number| {
            let (queue, stop) = (queue.clone(), stop.clone());
            std::thread::spawn(move || client(number, &queue, &stop))
        })
        .collect();
    drop(queue);
    std::thread::sleep(Duration::from_secs_f64(seconds));
    stop.store(true, Ordering::Relaxed);
    let mut latencies: Vec<f64> = Vec::new();
    for worker in workers {
        latencies.extend(worker.join().map_err(|_| "a client of the floor panicked")?);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    writer.join().map_err(|_| "the writer of the floor panicked")??;
    Ok(Floor {
        per_second: latencies.len() as f64 / elapsed,
        p50: crate::table::percentile(&mut latencies, 0.5),
        p99: crate::table::percentile(&mut latencies, 0.99),
        cpu: (usage_of(std::process::id())? - before).cpu / latencies.len() as f64 * 1e6,
    })
}

/// Who waits for a commit: a client's number, and how to tell it.
type Item = (usize, mpsc::SyncSender<()>);

fn client(number: usize, queue: &mpsc::SyncSender<Item>, stop: &AtomicBool) -> Vec<f64> {
    let (done, committed) = mpsc::sync_channel(1);
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if queue.send((number, done.clone())).is_err() || committed.recv().is_err() {
            break;
        }
        latencies.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    latencies
}

fn write(connection: &rusqlite::Connection, rows: Rows, items: &mpsc::Receiver<Item>) -> Result<(), rusqlite::Error> {
    let mut size: i64 = connection.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    while let Ok(first) = items.recv() {
        let mut batch = vec![first];
        while let (true, Ok(next)) = (batch.len() < BATCH, items.try_recv()) {
            batch.push(next);
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        match rows {
            Rows::Bare(sizes) => entries(connection, sizes, &mut size, &batch)?,
            Rows::Same(sizes) => {
                more_rows(connection, sizes, size, &batch)?;
                entries(connection, sizes, &mut size, &batch)?;
            }
        }
        connection.prepare_cached("UPDATE head SET size = ?1")?.execute([size])?;
        connection.execute_batch("COMMIT")?;
        for (_, item) in batch {
            let _ = item.send(());
        }
    }
    Ok(())
}

fn entries(
    connection: &rusqlite::Connection,
    sizes: Sizes,
    size: &mut i64,
    batch: &[Item],
) -> Result<(), rusqlite::Error> {
    let body = vec![b'x'; sizes.entry];
    let mut insert = connection.prepare_cached("INSERT INTO entries(idx, body) VALUES (?1, ?2)")?;
    for _ in batch {
        insert.execute(rusqlite::params![*size, body])?;
        *size += 1;
    }
    Ok(())
}

fn more_rows(
    connection: &rusqlite::Connection,
    sizes: Sizes,
    first: i64,
    batch: &[Item],
) -> Result<(), rusqlite::Error> {
    let upsert = "INSERT INTO state(key, value, seal) VALUES (?1, ?2, ?3) \
                  ON CONFLICT(key) DO UPDATE SET value = excluded.value, seal = excluded.seal";
    let mut upsert = connection.prepare_cached(upsert)?;
    let (stage, release) = (vec![b'x'; sizes.stage], vec![b'x'; sizes.release]);
    for number in 0..2 {
        upsert.execute(rusqlite::params![format!("release/bench/{number}"), release, first])?;
    }
    let mut insert = connection.prepare_cached("INSERT INTO requests VALUES (?1, ?2, ?3, 1, ?4)")?;
    for (index, (client, _)) in (first..).zip(batch) {
        upsert.execute(rusqlite::params![format!("stage/bench/s{client}"), stage, index])?;
        let key = domain::Digest::sha256(&index.to_le_bytes());
        insert.execute(rusqlite::params![key.hex(), key.as_str(), index, index])?;
    }
    Ok(())
}
