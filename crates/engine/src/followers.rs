//! Followers: each a name, a cursor in the ledger, and idempotent work on the entries after it.

mod publish;
mod views;

use std::sync::Arc;

use tlog::SignerKey;

use crate::{Error, shared::Shared};

pub(crate) use views::view_change;

/// Starts every follower. Each ends when the engine's last handle, and with it the writer, is gone.
pub(crate) async fn start(shared: &Arc<Shared>, signer: SignerKey) -> Result<(), Error> {
    let views = views::Follower::open(shared.clone()).await?;
    let publisher = publish::Publisher::open(shared.clone(), signer).await?;
    tokio::spawn(views.run());
    tokio::spawn(publisher.run());
    Ok(())
}
