//! The raw floor: the same database doing the same group commits, without us.
//!
//! One writer thread drains a queue and commits what it finds in one transaction (WAL, synchronous=FULL), as the server's writer does:
//! for each item one entry row of the size of a promotion's entry, for each transaction one row that says where the ledger ends. No HTTP,
//! no rules, no hashes, no state. Clients are threads that wait for their commit.

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

/// The size of a promotion's entry, in bytes.
const ENTRY_BYTES: usize = 900;
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
pub fn run(folder: &Path, clients: usize, seconds: f64) -> Result<Floor, Box<dyn std::error::Error>> {
    let connection = rusqlite::Connection::open(folder.join("floor.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS entries(idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT;
         INSERT OR IGNORE INTO head VALUES (0, 0);",
    )?;
    let (queue, items) = mpsc::sync_channel::<mpsc::SyncSender<()>>(1024);
    let writer = std::thread::spawn(move || write(&connection, &items));
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let before = usage_of(std::process::id())?;
    let workers: Vec<_> = (0..clients)
        .map(|_| {
            let (queue, stop) = (queue.clone(), stop.clone());
            std::thread::spawn(move || client(&queue, &stop))
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

fn client(queue: &mpsc::SyncSender<mpsc::SyncSender<()>>, stop: &AtomicBool) -> Vec<f64> {
    let (done, committed) = mpsc::sync_channel(1);
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if queue.send(done.clone()).is_err() || committed.recv().is_err() {
            break;
        }
        latencies.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    latencies
}

fn write(
    connection: &rusqlite::Connection,
    items: &mpsc::Receiver<mpsc::SyncSender<()>>,
) -> Result<(), rusqlite::Error> {
    let body = vec![b'x'; ENTRY_BYTES];
    let mut size: i64 = connection.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    while let Ok(first) = items.recv() {
        let mut batch = vec![first];
        while let (true, Ok(next)) = (batch.len() < BATCH, items.try_recv()) {
            batch.push(next);
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare_cached("INSERT INTO entries(idx, body) VALUES (?1, ?2)")?;
        for _ in &batch {
            insert.execute(rusqlite::params![size, body])?;
            size += 1;
        }
        connection.prepare_cached("UPDATE head SET size = ?1")?.execute([size])?;
        connection.execute_batch("COMMIT")?;
        for item in batch {
            let _ = item.send(());
        }
    }
    Ok(())
}
