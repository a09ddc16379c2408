//! The `selfsame` program.

mod audit;
mod cli;
mod commands;
mod compose;
mod context;
mod credentials;
mod oci;
mod outcome;
mod output;
mod progress;
mod project_file;
mod release_name;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only if a provider was chosen already, and nothing before this line could have.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::main()),
        Err(error) => outcome::Failure::broken(format!("no threads can be started: {error}")).report(false),
    }
}
