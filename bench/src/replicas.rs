//! Durable promotions of equal servers on one PostgreSQL, beside `pgbench` doing the same statements without us.

mod pgbench;

use std::{error::Error, fs, io, path::Path};

use services::Postgres;

use crate::{
    process::{Server, usage_of_all},
    promotions::{self, Reached},
    table::{self, Promise, Table},
    world::World,
};
use pgbench::{Pgbench, Script};

const CLIENTS: usize = 64;
const REPLICAS: usize = 3;
/// What the measurement needs of PostgreSQL.
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "psql", "pgbench"];

/// What one round came to.
struct Round {
    one: Reached,
    three: Reached,
    same: f64,
    alone: f64,
    /// CPU time of the database for one promotion or transaction, in microseconds: one replica, three, `pgbench`.
    database: [f64; 3],
    /// CPU time of `pgbench` itself for one transaction, in microseconds.
    client: f64,
}

/// Measures one and three replicas, and `pgbench` between them.
pub fn run(program: &Path, table: &mut Table, rounds: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    table.heading("Durable promotions of replicas on one PostgreSQL, beside pgbench doing the same statements");
    if let Some(program) = PROGRAMS.into_iter().find(|program| !Postgres::has(program)) {
        table.note("PostgreSQL", &format!("not measured: `{program}` is missing: install Debian's `postgresql`"));
        return Ok(());
    }
    let (postgres, folder) = (Postgres::start(&[]), tempfile::tempdir()?);
    let (base, data) = (postgres.base(), folder.path().join("data"));
    let url = postgres.url(&base);
    let first = Server::replica(program, &data, &url)?;
    let world = World::new(program, folder.path(), &data, &first.address)?;
    world.apply_project()?;
    let mut releases = Vec::new();
    for name in ["one", "two"] {
        fs::write(folder.path().join(name), format!("build {name}"))?;
        releases.push(world.release(name)?.0);
    }
    // Each stage has had both, so that rows have the size that they keep.
    promotions::promote(&[&first], &world.token, &releases, CLIENTS, seconds)?;
    let pgbench = Pgbench::prepare(program, &postgres, &base, folder.path(), CLIENTS)?;
    let settings = "SELECT current_setting('fsync'), current_setting('synchronous_commit'), version()";
    table.note("PostgreSQL: fsync|sync. commit", &postgres.run(&base, settings));
    table.note("what is synced", "both sides: each transaction, before it is answered");
    table.note("pgbench", &pgbench.describe());
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push(round(program, &postgres, &pgbench, (&first, &data, &url), (&world.token, &releases), seconds)?);
    }
    print(table, &measured);
    table.figure("memory of the first replica", first.usage()?.resident, "MiB", Promise::None);
    Ok(())
}

fn round(
    program: &Path,
    postgres: &Postgres,
    pgbench: &Pgbench,
    (first, data, url): (&Server, &Path, &str),
    (token, releases): (&str, &[String]),
    seconds: f64,
) -> Result<Round, Box<dyn Error>> {
    let database = || usage_of_all(postgres.process()).map(|usage| usage.cpu);
    let before = database()?;
    let one = promotions::promote(&[first], token, releases, CLIENTS, seconds)?;
    let after_one = database()?;
    let same = pgbench.run(postgres, Script::Same, seconds)?;
    let after_same = database()?;
    let alone = pgbench.run(postgres, Script::Alone, seconds)?;
    let others = (1..REPLICAS).map(|_| Server::replica(program, data, url)).collect::<io::Result<Vec<_>>>()?;
    let all: Vec<&Server> = [first].into_iter().chain(&others).collect();
    let before_three = database()?;
    let three = promotions::promote(&all, token, releases, CLIENTS, seconds)?;
    let after_three = database()?;
    let each = |used: f64, count: f64| used / count * 1e6;
    let database = [
        each(after_one - before, one.count),
        each(after_three - before_three, three.count),
        each(after_same - after_one, same.count),
    ];
    Ok(Round { database, client: same.cpu, same: same.per_second, alone: alone.per_second, one, three })
}

fn print(table: &mut Table, rounds: &[Round]) {
    let mid = |of: &dyn Fn(&Round) -> f64| table::median(&mut rounds.iter().map(of).collect::<Vec<_>>());
    let rate = |of: &dyn Fn(&Round) -> f64| format!("{:.0}/s", mid(of));
    let one = |round: &Round| round.one.per_second;
    let three = |round: &Round| round.three.per_second;
    for (what, ours) in [("1 replica, 64 clients", &one as &dyn Fn(&Round) -> f64), ("3 replicas, 64 clients", &three)]
    {
        let ratio = mid(&|round| ours(round) / round.same);
        table.ratio(what, &rate(ours), &rate(&|round| round.same), ratio, Promise::AtLeast(1.0));
        let ratio = mid(&|round| ours(round) / round.alone);
        let text =
            format!("ratio {ratio:.2} to {} of entry, stage and request alone, without", rate(&|round| round.alone));
        table.note("  beside the rows of one client", &format!("{text} what all clients share"));
    }
    let ratio = mid(&|round| three(round) / one(round));
    table.ratio("3 replicas beside 1", &rate(&three), &rate(&one), ratio, Promise::AtLeast(0.95));
    let [one, three, same] = [0, 1, 2].map(|which| mid(&|round| round.database[which]));
    let text =
        format!("database {one:.0} us, {three:.0} us; pgbench {same:.0} us and {:.0} us itself", mid(&|r| r.client));
    table.note("  CPU of one: 1 and 3 replicas", &text);
    let cpu = |of: fn(&Round) -> &Reached| (mid(&|round| of(round).server_cpu), mid(&|round| of(round).client_cpu));
    let latency = |of: fn(&Round) -> &Reached| (mid(&|round| of(round).p50) / 1e3, mid(&|round| of(round).p99) / 1e3);
    for (what, of) in
        [("1 replica", (|round| &round.one) as fn(&Round) -> &Reached), ("3 replicas", |round| &round.three)]
    {
        let ((server, client), (p50, p99)) = (cpu(of), latency(of));
        let busy: u64 = rounds.iter().map(|round| of(round).busy).sum();
        let text = format!(
            "servers {server:.0} us, clients {client:.0} us; p50 / p99 {p50:.1} / {p99:.1} ms; {busy} told to come back"
        );
        table.note(&format!("  {what}"), &text);
    }
}
