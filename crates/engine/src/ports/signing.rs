//! [`SigningKey`]: a private key, wherever it lies.

use async_trait::async_trait;
use evidence::signed::{key::PublicKey, private::PrivateKey};

use super::Trouble;

/// A private key. It may lie in a device or with somebody else, so signing takes time and can fail.
#[async_trait]
pub trait SigningKey: Send + Sync + 'static {
    /// The public key that verifies what it signs.
    fn public(&self) -> &PublicKey;

    /// The same as PEM.
    fn public_pem(&self) -> &str;

    /// Its signature over `message`, in the form that the public key's scheme has.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Trouble>;
}

/// A key in memory.
#[async_trait]
impl SigningKey for PrivateKey {
    fn public(&self) -> &PublicKey {
        Self::public(self)
    }

    fn public_pem(&self) -> &str {
        Self::public_pem(self)
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        Ok(Self::sign(self, message))
    }
}
