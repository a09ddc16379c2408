//! `pgbench`, with what our servers send for one promotion.
//!
//! It works in a database of its own with our tables and indices. A transaction is sent as ours is: all of it at once, in a pipeline of
//! prepared statements. What our server computes (hashes, checksums, the tree) it is spared, and the index of an entry comes from a sequence.

use std::{error::Error, fs, io, path::Path};

use services::{Base, Postgres};

use crate::process::{Server, usage_of_children};

/// One promotion, as a server commits it when nobody else waits.
const SAME: &str = r"\startpipeline
BEGIN ISOLATION LEVEL READ COMMITTED;
INSERT INTO entries(idx, leaf, seal, body) SELECT * FROM unnest(ARRAY[nextval('bench_idx')], ARRAY[decode(md5(:client_id::text) || md5('leaf'), 'hex')], ARRAY[1::bigint], ARRAY[convert_to(repeat('x', ENTRY), 'UTF8')]);
INSERT INTO head(id, frontier, at, seal) SELECT 1, CASE WHEN EXISTS(SELECT 1 FROM head WHERE id = 1 AND at >= 0) THEN convert_to(repeat('x', FRONTIER), 'UTF8') END, 1, 1 ON CONFLICT(id) DO UPDATE SET frontier = excluded.frontier, at = excluded.at, seal = excluded.seal;
INSERT INTO state(key, value, seal) SELECT * FROM unnest(ARRAY['release/bench/0', 'release/bench/1', 'stage/bench/s' || :client_id::text], ARRAY[convert_to(repeat('x', RELEASE), 'UTF8'), convert_to(repeat('x', RELEASE), 'UTF8'), convert_to(repeat('x', STAGE), 'UTF8')], ARRAY[1, 1, 1]::bigint[]) ON CONFLICT(key) DO UPDATE SET value = excluded.value, seal = excluded.seal;
INSERT INTO requests(key, command, idx, entries, seal) SELECT * FROM unnest(ARRAY[md5(:client_id::text || clock_timestamp()::text) || md5('key')], ARRAY['sha256:' || md5('a') || md5('b')], ARRAY[1::bigint], ARRAY[1::bigint], ARRAY[1::bigint]);
SELECT pg_notify('bench', '1000000');
COMMIT;
\endpipeline
";

/// The same without what all clients share: the head, the two releases, the notification.
const ALONE: &str = r"\startpipeline
BEGIN ISOLATION LEVEL READ COMMITTED;
INSERT INTO entries(idx, leaf, seal, body) SELECT * FROM unnest(ARRAY[nextval('bench_idx')], ARRAY[decode(md5(:client_id::text) || md5('leaf'), 'hex')], ARRAY[1::bigint], ARRAY[convert_to(repeat('x', ENTRY), 'UTF8')]);
INSERT INTO state(key, value, seal) SELECT * FROM unnest(ARRAY['stage/bench/s' || :client_id::text], ARRAY[convert_to(repeat('x', STAGE), 'UTF8')], ARRAY[1]::bigint[]) ON CONFLICT(key) DO UPDATE SET value = excluded.value, seal = excluded.seal;
INSERT INTO requests(key, command, idx, entries, seal) SELECT * FROM unnest(ARRAY[md5(:client_id::text || clock_timestamp()::text) || md5('key')], ARRAY['sha256:' || md5('a') || md5('b')], ARRAY[1::bigint], ARRAY[1::bigint], ARRAY[1::bigint]);
COMMIT;
\endpipeline
";

/// What to send.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// All that one promotion is.
    Same,
    /// Without what all clients share.
    Alone,
}

/// `pgbench`, its database and its scripts.
pub struct Pgbench {
    base: Base,
    scripts: [std::path::PathBuf; 2],
    sizes: Vec<(&'static str, usize)>,
    clients: usize,
    threads: usize,
}

/// What it reached.
pub struct Ran {
    /// Transactions per second.
    pub per_second: f64,
    /// How many there were.
    pub count: f64,
    /// CPU time of `pgbench` for one of them, in microseconds.
    pub cpu: f64,
}

impl Pgbench {
    /// Makes the database, and scripts with rows as large as those in `ours`.
    pub fn prepare(
        program: &Path,
        postgres: &Postgres,
        ours: &Base,
        folder: &Path,
        clients: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let mean = |query: &str| postgres.run(ours, &format!("SELECT avg(length({query}")).parse::<f64>();
        let mut sizes = Vec::new();
        for (name, query) in [
            ("ENTRY", "body))::bigint FROM (SELECT body FROM entries ORDER BY idx DESC LIMIT 1000) AS newest"),
            ("FRONTIER", "frontier))::bigint FROM head"),
            ("RELEASE", "value))::bigint FROM state WHERE key LIKE 'release/%'"),
            ("STAGE", "value))::bigint FROM state WHERE key LIKE 'stage/%'"),
        ] {
            sizes.push((name, mean(query)? as usize));
        }
        let base = postgres.base();
        // A server of ours makes the tables.
        drop(Server::replica(program, &folder.join("pgbench-data"), &postgres.url(&base))?);
        postgres.run(&base, "CREATE SEQUENCE bench_idx START 1000000");
        let write = |name: &str, text: &str| {
            let text = sizes.iter().fold(text.to_owned(), |text, (word, size)| text.replace(word, &size.to_string()));
            fs::write(folder.join(name), text).map(|()| folder.join(name))
        };
        let scripts = [write("same.sql", SAME)?, write("alone.sql", ALONE)?];
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { base, scripts, sizes, clients, threads })
    }

    /// How it runs, and how large its rows are.
    pub fn describe(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(name, size)| format!("{} {size}", name.to_lowercase())).collect();
        let sizes = sizes.join(", ");
        format!("prepared, pipelined, {} clients, {} threads; bytes of rows: {sizes}", self.clients, self.threads)
    }

    /// Runs a script.
    pub fn run(&self, postgres: &Postgres, script: Script, seconds: f64) -> io::Result<Ran> {
        let mut command = postgres.program("pgbench", &self.base);
        command.args(["--no-vacuum", "--protocol", "prepared", "--file"]).arg(&self.scripts[script as usize]);
        command.args(["--client", &self.clients.to_string(), "--jobs", &self.threads.to_string()]);
        command.args(["--time", &(seconds.ceil() as u64).to_string()]);
        let before = usage_of_children()?;
        let output = command.output()?;
        let used = usage_of_children()? - before;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |beginning: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(beginning));
            line.and_then(|rest| rest.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?.parse::<f64>().ok())
        };
        match (output.status.success(), number("tps = "), number("number of transactions actually processed: ")) {
            (true, Some(per_second), Some(count)) => Ok(Ran { per_second, count, cpu: used / count * 1e6 }),
            _ => Err(io::Error::other(format!("`pgbench`: {text}{}", String::from_utf8_lossy(&output.stderr)))),
        }
    }
}
