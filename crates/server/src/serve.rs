//! Accepting connections, with limits on all of it.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{from_fn, map_request},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{patient::Patient, unread::read_rest};

/// What a server does not go beyond.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are open at most; more wait to be accepted.
    pub connections: usize,
    /// How long a client may take to send a request's head.
    pub head: Duration,
    /// How long a client may send nothing of a request's body.
    pub silence: Duration,
    /// How long requests on their way have to end once the server is told to stop.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 4096, head: seconds(30), silence: seconds(60), stop: seconds(20) }
    }
}

/// Serves `router` on `listener` until `stop` is ready, and then lets requests on their way end.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) -> io::Result<()> {
    serve_within(Limits::default(), listener, router, stop).await
}

/// As [`serve`], within other limits.
pub async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let patient =
        move |request: Request| async move { request.map(|body| Body::new(Patient::new(body, limits.silence))) };
    let router = router.layer(from_fn(read_rest)).layer(map_request(patient));
    let permits = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            () = &mut stop => break,
            (permit, accepted) = next => match accepted {
                Ok((stream, _)) => (permit, stream),
                Err(error) => {
                    // Out of file descriptors, or a client that went away: neither is a reason to end.
                    tracing::warn!(%error, "A connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(512 * 1024);
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "A connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.stop, graceful.shutdown()).await.is_err() {
        tracing::warn!("Some requests did not end in time and are cut off");
    }
    Ok(())
}
