//! The published ledger, as C2SP tlog-tiles lays it out.

use bytes::Bytes;

use super::{Client, ClientError};

impl Client {
    /// The ledger's public key as a verifier key (C2SP signed-note). Take it from a place that you trust more than the server, where you can.
    pub async fn ledger_key(&self) -> Result<String, ClientError> {
        let bytes = self.ledger_bytes("key").await?;
        let text =
            String::from_utf8(bytes.into()).map_err(|_| ClientError::Broken("the ledger's key is no text".into()))?;
        Ok(text.trim().to_owned())
    }

    /// The newest signed checkpoint.
    pub async fn checkpoint(&self) -> Result<Bytes, ClientError> {
        self.ledger_bytes("checkpoint").await
    }

    /// A tile or an entry bundle by its path, for example `tile/0/000.p/5`; `None` if the server has none.
    pub async fn ledger_file(&self, path: &str) -> Result<Option<Bytes>, ClientError> {
        match self.ledger_bytes(path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ledger_bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        let segments: Vec<&str> = ["ledger"].into_iter().chain(path.split('/')).collect();
        self.get_bytes(&segments).await
    }
}
