//! The raw floor of durable commits: SQLite as the store uses it (WAL, `synchronous=FULL`, one writer that groups), without the store.
//!
//! `floor CLIENTS SECONDS FOLDER [raw|store]` prints one line of JSON. Each of the clients appends one entry of about 900 bytes at a time and waits until
//! it is durable. `raw` inserts the entry's row and updates the head's row for each item, and does nothing else; `store` commits the same groups
//! through the `Ledger` port: the same load, with leaf hashes, frontier and seals.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use engine::ports::Ledger;

/// The size of an entry, in bytes.
const ENTRY_BYTES: usize = 900;
/// How many items are committed together at most.
const TOGETHER: usize = 256;

type Failure = Box<dyn Error + Send + Sync>;
/// What a client waits on.
type Item = mpsc::SyncSender<()>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: floor CLIENTS SECONDS FOLDER [raw|store]";
    let [clients, seconds, folder, mode @ ..] = &arguments[..] else { return Err(usage.into()) };
    let (clients, seconds): (usize, f64) = (clients.parse()?, seconds.parse()?);
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    let writer = match mode.first().map(String::as_str) {
        None | Some("raw") => raw,
        Some("store") => store,
        Some(_) => return Err(usage.into()),
    };
    let (queue, items) = mpsc::sync_channel(1024);
    let writer = thread::spawn(move || writer(&folder, &items));
    let stop = Arc::new(AtomicBool::new(false));
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    let clients: Vec<_> = (0..clients).map(|_| client(queue.clone(), stop.clone())).collect();
    drop(queue);
    thread::sleep(Duration::from_secs_f64(seconds));
    stop.store(true, Ordering::Relaxed);
    let mut latencies: Vec<Duration> = Vec::new();
    for client in clients {
        latencies.extend(client.join().map_err(|_| "a client panicked")?);
    }
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    writer.join().map_err(|_| "the writer panicked")??;
    latencies.sort();
    let at = |part: f64| latencies.get((latencies.len() as f64 * part) as usize).map_or(0, Duration::as_micros);
    println!(
        r#"{{"events_per_second": {:.0}, "p50_us": {}, "p99_us": {}, "cpu_seconds": {cpu:.2}, "events": {}}}"#,
        latencies.len() as f64 / elapsed,
        at(0.5),
        at(0.99),
        latencies.len()
    );
    Ok(())
}

fn client(queue: mpsc::SyncSender<Item>, stop: Arc<AtomicBool>) -> thread::JoinHandle<Vec<Duration>> {
    thread::spawn(move || {
        let (done, committed) = mpsc::sync_channel(1);
        let mut latencies = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            if queue.send(done.clone()).is_err() || committed.recv().is_err() {
                break;
            }
            latencies.push(begun.elapsed());
        }
        latencies
    })
}

/// What waits, at least one item; none once the clients are gone.
fn group(items: &mpsc::Receiver<Item>) -> Vec<Item> {
    let first = items.recv().ok();
    first.into_iter().flat_map(|first| [first].into_iter().chain(items.try_iter())).take(TOGETHER).collect()
}

fn answer(group: Vec<Item>) {
    for item in group {
        // The client may have been told to stop.
        let _ = item.send(());
    }
}

fn raw(folder: &Path, items: &mpsc::Receiver<Item>) -> Result<(), Failure> {
    let connection = rusqlite::Connection::open(folder.join("floor.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS entries(idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT;
         INSERT INTO head(id, size) VALUES (1, 0) ON CONFLICT DO NOTHING;",
    )?;
    let body = vec![b'x'; ENTRY_BYTES];
    let mut size: i64 = connection.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    let mut group = group(items);
    while !group.is_empty() {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in &group {
            connection.prepare_cached("INSERT INTO entries(idx, body) VALUES (?1, ?2)")?.execute((size, &body))?;
            size += 1;
            connection.prepare_cached("UPDATE head SET size = ?1 WHERE id = 1")?.execute([size])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        answer(group);
        group = self::group(items);
    }
    Ok(())
}

fn store(folder: &Path, items: &mpsc::Receiver<Item>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let database = store::open(folder)?.database;
    let body = vec![b'x'; ENTRY_BYTES];
    let mut head = runtime.block_on(database.head())?;
    let mut group = group(items);
    while !group.is_empty() {
        let batch = store::conformance::batch(&head, group.iter().map(|_| &body));
        head = batch.next.clone();
        runtime.block_on(database.commit(batch))?;
        answer(group);
        group = self::group(items);
    }
    Ok(())
}

/// What this process has used of the processors, user and system.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold anything; behind it, the 12th and 13th fields are times in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<f64>().ok()).ok_or("no CPU times");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
