//! [`Listener`]: hears from PostgreSQL that another replica has written.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_postgres::AsyncMessage;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Address, Problem};

/// The channel on which each commit says how many entries there are.
pub(in crate::sql) const CHANNEL: &str = "selfsame_head";
/// How long to wait before connecting again.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection of its own that listens. What it hears is a hint: notifications can be lost with a connection, so whoever relies on news asks, too.
pub(in crate::sql) struct Listener {
    heard: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Listener {
    pub(super) fn start(address: Address, tls: MakeRustlsConnect) -> Self {
        let (hear, heard) = watch::channel(0);
        let task = tokio::spawn(async move {
            loop {
                if let Err(problem) = listen(&address, &tls, &hear).await {
                    tracing::debug!(%problem, "The database's notifications are not heard");
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
        Self { heard, task }
    }

    /// Returns once somebody has said that there are more than `size` entries, and after `most` at the latest.
    pub async fn more_than(&self, size: u64, most: Duration) {
        let mut heard = self.heard.clone();
        let _ = timeout(most, heard.wait_for(|heard| *heard > size)).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(address: &Address, tls: &MakeRustlsConnect, hear: &watch::Sender<u64>) -> Result<(), Problem> {
    let (client, mut connection) = address.config().connect(tls.clone()).await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let begin = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        // Held, since the connection ends with its client.
        std::future::pending::<Result<(), tokio_postgres::Error>>().await
    };
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(said) = message?
                && let Ok(size) = said.payload().parse()
            {
                hear.send_replace(size);
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = begin => Ok(ended?),
        ended = hearing => ended,
    }
}
