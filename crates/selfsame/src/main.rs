//! The `selfsame` program.

mod audit;
mod cli;
mod commands;
mod compose;
mod context;
mod credentials;
mod deliveries;
mod elsewhere;
mod keys;
mod mirrors;
mod oci;
mod outcome;
mod output;
mod pack;
mod progress;
mod project_file;
mod release_name;
mod scrub;
mod supervisor;

use std::{io, process::ExitCode, thread};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only if a provider was chosen already, and nothing before this line could have.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match runtime() {
        Ok(runtime) => runtime.block_on(cli::main()),
        Err(error) => outcome::Failure::broken(format!("no threads can be started: {error}")).report(false),
    }
}

/// One thread more than the machine has cores: one of them may be waiting for the disk that the ledger is on.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(cores + 1).enable_all().build()
}
