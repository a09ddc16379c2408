//! Benchmarks: us, and a peer or a raw floor, interleaved in one run.
//!
//! Machines are shared and noisy, so what counts is the ratio within one run: each round measures both sides one right after the other,
//! and the median of the rounds' ratios is printed, with the CPU seconds and the memory of each side's server process.

mod catalog;
mod floor;
mod gate;
mod http;
mod peers;
mod process;
mod promotions;
mod replicas;
mod startup;
mod table;
mod transfers;
mod world;

use clap::Parser;

/// Measures Selfsame beside its peers and prints ratios.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which parts to run; all of them unless some are named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Rounds of each comparison.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement under load.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Artifacts of the part `catalog`.
    #[arg(long, default_value_t = 1_000_000)]
    artifacts: usize,
    /// The program to measure; built from this workspace unless it says otherwise.
    #[arg(long)]
    program: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Durable promotions per second over HTTP, beside the same database doing the same group commits without us.
    Promotions,
    /// Promotion of a large image, beside copying it between two repositories.
    Copy,
    /// Pulls and pushes, beside docker-registry, zot, and nginx's sendfile.
    Transfers,
    /// Durable promotions of one and of three replicas on PostgreSQL, beside pgbench.
    Replicas,
    /// Lists and searches with 1,000,000 artifacts.
    Catalog,
    /// A gate with 100 pieces of evidence.
    Gate,
    /// Start-up with 1,000,000 entries, and memory.
    Startup,
}

fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let program = match arguments.program {
        Some(program) => std::fs::canonicalize(program)?,
        None => process::build()?,
    };
    let wanted = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let mut table = table::Table::default();
    if wanted(Part::Gate) {
        gate::run(&program, &mut table)?;
    }
    if wanted(Part::Promotions) {
        promotions::run(&program, &mut table, arguments.rounds, arguments.seconds)?;
    }
    if wanted(Part::Copy) {
        promotions::beside_copy(&program, &mut table, arguments.rounds)?;
    }
    if wanted(Part::Transfers) {
        transfers::run(&program, &mut table, arguments.rounds, arguments.seconds)?;
    }
    if wanted(Part::Replicas) {
        replicas::run(&program, &mut table, arguments.rounds, arguments.seconds)?;
    }
    if wanted(Part::Catalog) {
        catalog::run(&program, &mut table, arguments.artifacts)?;
    }
    if wanted(Part::Startup) {
        startup::run(&program, &mut table)?;
    }
    if table.broken() == 0 {
        return Ok(std::process::ExitCode::SUCCESS);
    }
    println!("\n{} promises are not kept", table.broken());
    Ok(std::process::ExitCode::FAILURE)
}
