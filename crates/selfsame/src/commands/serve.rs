//! `selfsame serve`: the server.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use connect::{Client, Credentials, Host, Limits, Registries};
use domain::Span;
use engine::{
    Collector, Deliverer, Engine, Turn,
    ports::{Blobs, Courier, Upstream},
    receipts::First,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::storage::{KeysFolder, StorageArgs};
use crate::{
    compose::Composed,
    mirrors,
    outcome::{Failure, Outcome},
    scrub::{ScrubOptions, Scrubber},
    supervisor,
};

/// How old an upload that nobody touches becomes before it is discarded.
const UPLOAD_AGE: Duration = Duration::from_secs(24 * 3600);
/// How often such uploads are looked for.
const UPLOAD_ROUND: Duration = Duration::from_secs(3600);
/// How long what retention takes stays in the trash, unless somebody says otherwise.
pub const TRASH: Span = Span::from_days(7);
/// How long the last entries have to be published once the server stops.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(10);

/// Run the server.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  selfsame serve --data /var/lib/selfsame --listen 127.0.0.1:8420")]
pub struct ServeArgs {
    #[command(flatten)]
    pub storage: StorageArgs,
    #[command(flatten)]
    pub keys: KeysFolder,
    /// The address to listen on.
    #[arg(long, env = "SELFSAME_LISTEN", default_value = "127.0.0.1:8420", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The name of the ledger, which its checkpoints bear for ever; used when the ledger begins.
    #[arg(long, env = "SELFSAME_ORIGIN", default_value = "selfsame.invalid/ledger", value_name = "NAME")]
    pub origin: String,
    /// The file that says which repositories are mirrors of other registries; see `selfsame mirror check`.
    #[arg(long, env = "SELFSAME_MIRRORS", value_name = "FILE")]
    pub mirrors: Option<PathBuf>,
    /// A registry that stages may deliver to, as in a project's file without its path; once for each. Any registry without it.
    #[arg(long = "deliver-to", value_name = "HOST")]
    pub deliver_to: Vec<Host>,
    /// How long retention keeps in the trash what it takes, before it is gone for good.
    #[arg(long, env = "SELFSAME_TRASH", default_value = "7d", value_name = "TIME")]
    pub trash: Span,
    /// How log lines are written.
    #[arg(long, env = "SELFSAME_LOG", value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
    #[command(flatten)]
    pub scrub: ScrubOptions,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// A server that runs in this process.
pub struct Serving {
    address: SocketAddr,
    engine: Engine,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
    scrubbing: JoinHandle<()>,
}

impl ServeArgs {
    /// A server on `data` that listens where its caller says.
    pub fn quiet(data: PathBuf) -> Self {
        let origin = "selfsame.invalid/ledger".to_owned();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (storage, scrub) = (StorageArgs::embedded(data), ScrubOptions::off());
        Self {
            storage,
            keys: KeysFolder::default(),
            listen,
            origin,
            mirrors: None,
            deliver_to: Vec::new(),
            trash: TRASH,
            log: LogFormat::Text,
            scrub,
        }
    }
}

/// Runs the server until it is told to stop.
pub async fn run(args: ServeArgs) -> Outcome {
    log(args.log);
    // Listening comes last: whoever can connect is answered.
    let upstream = args.mirrors.as_deref().map(mirrors::open).transpose()?;
    let composed = compose(&args).await?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| Failure::broken(format!("cannot listen on {}: {error}", args.listen)))?;
    let serving = start(composed, listener, upstream, &args)?;
    eprintln!("selfsame serves {} from {}", serving.url(), args.storage.data.display());
    supervisor::tell("READY=1");
    serving.until_stopped().await;
    Ok(())
}

/// Opens the data directory and starts an engine on it.
pub async fn compose(args: &ServeArgs) -> Result<Composed, Failure> {
    let folder = args.storage.folder()?.with_keys(args.keys.keys.clone());
    let composed = folder.compose(&args.origin).await;
    composed.map_err(|unusable| Failure::broken(unusable.to_string()))
}

/// Starts a server on a listener.
pub fn start(
    composed: Composed,
    listener: TcpListener,
    upstream: Option<Arc<dyn Upstream>>,
    args: &ServeArgs,
) -> Result<Serving, Failure> {
    let address = listener.local_addr().map_err(|error| Failure::broken(format!("cannot listen: {error}")))?;
    let scrubber = Scrubber::new(composed.engine.clone(), args.storage.data.clone(), args.scrub.clone())?;
    let app = server::App::new(composed.engine.clone(), &composed.verifier);
    let deliverer = Deliverer::new(composed.engine.clone(), courier(&composed, args)?);
    let app = app.mirroring(upstream).with_scrub(scrubber.watch()).delivering(deliverer.watch());
    let app = app.with_receipts(composed.receipts.clone());
    let router = server::router(app);
    let (stop, mut stopped) = watch::channel(false);
    let scrubbing = tokio::spawn(scrubber.run(stopped.clone()));
    let blobs = composed.storage.ports.blobs.clone();
    tokio::spawn(collect_uploads(blobs, stopped.clone()));
    let (collector, turn) =
        (Collector::new(composed.engine.clone(), args.trash), Turn::at(&composed.engine, "retention"));
    tokio::spawn(until(stopped.clone(), async move { collector.run(&turn).await }));
    tokio::spawn(until(stopped.clone(), deliverer.run()));
    if let Some(receipts) = composed.receipts.clone() {
        let turn = Turn::at(&composed.engine, "receipts");
        tokio::spawn(until(stopped.clone(), async move { receipts.run(&turn).await }));
    }
    let task = tokio::spawn(server::serve(listener, router, async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    Ok(Serving { address, engine: composed.engine, stop, task, scrubbing })
}

/// Who delivers to other registries: there it is whoever the tools of the server's user are logged in as.
fn registries(engine: Engine, args: &ServeArgs) -> Result<Registries, Failure> {
    // Another attempt is made soon anyway, and meanwhile people see why the last one did not succeed.
    let limits = Limits { attempts: 2, ..Limits::default() };
    let client = Client::new(Credentials::of_this_machine(), limits)?;
    let plans = args.storage.data.join("deliveries");
    Ok(Registries::new(engine, client, plans, args.deliver_to.iter().cloned().collect()))
}

/// Who delivers: first what proves the promotion is attached, where a stage asks for that, and then all of it goes.
fn courier(composed: &Composed, args: &ServeArgs) -> Result<Arc<dyn Courier>, Failure> {
    let registries = Arc::new(registries(composed.engine.clone(), args)?);
    Ok(match &composed.receipts {
        Some(receipts) => Arc::new(First::new(receipts.clone(), registries)),
        None => registries,
    })
}

/// Works until the server stops.
async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn collect_uploads(blobs: Arc<dyn Blobs>, mut stopped: watch::Receiver<bool>) {
    loop {
        match blobs.collect_uploads(UPLOAD_AGE).await {
            Ok(0) => {}
            Ok(discarded) => tracing::info!(discarded, "Discarded uploads that nobody had touched for a day"),
            Err(error) => tracing::warn!(%error, "Stale uploads cannot be looked for"),
        }
        let ended = tokio::time::timeout(UPLOAD_ROUND, stopped.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

impl Serving {
    /// The server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until a signal says to stop.
    pub async fn until_stopped(self) {
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
            () = supervisor::keep_telling() => {}
        }
        supervisor::tell("STOPPING=1");
        self.stop().await;
    }

    /// Lets requests on their way end, publishes what is not published yet, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "The server ended with an error"),
            Err(error) => tracing::error!(%error, "The server broke off"),
        }
        if let Err(error) = self.scrubbing.await {
            tracing::error!(%error, "The scrub broke off");
        }
        self.engine.wait_published(self.engine.size(), PUBLISH_PATIENCE).await;
    }
}

fn log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
