//! `selfsame quickstart`: the main job on real input, in one command.
//!
//! Starts a server on an embedded store and then does what a team does in a week, by running this very program with the commands that it
//! prints. The artifact that it promotes is this very program too.

mod narrator;
mod story;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::serve::{self, ServeArgs};
use crate::outcome::{Failure, Outcome};

/// Walk the main job: build once, test, promote, roll back, prove.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  selfsame quickstart --exit")]
pub struct QuickstartArgs {
    /// Where to keep the data. A second run goes on in the same place, with a new project.
    #[arg(long, default_value = "selfsame-quickstart", value_name = "DIR")]
    pub data: PathBuf,
    /// The address to listen on; another free port is taken if this one is in use.
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Stop at the end of the story instead of staying up.
    #[arg(long)]
    pub exit: bool,
}

/// Runs the story.
pub async fn run(args: QuickstartArgs) -> Outcome {
    let listener = match tokio::net::TcpListener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(_) => tokio::net::TcpListener::bind(SocketAddr::new(args.listen.ip(), 0))
            .await
            .map_err(|error| Failure::broken(format!("cannot listen on {}: {error}", args.listen.ip())))?,
    };
    let quiet = ServeArgs::quiet(args.data.clone());
    let serving = serve::start(serve::compose(&quiet).await?, listener, None, &quiet)?;
    let url = serving.url();
    let told = tokio::task::spawn_blocking({
        let (data, url) = (args.data.clone(), url.clone());
        move || story::tell(&data, &url)
    })
    .await
    .map_err(|error| Failure::broken(format!("the story broke off: {error}")))?;
    if let Err(failure) = told {
        serving.stop().await;
        return Err(failure);
    }
    if args.exit {
        serving.stop().await;
    } else {
        narrator::stay(&url, &args.data);
        serving.until_stopped().await;
    }
    Ok(())
}
