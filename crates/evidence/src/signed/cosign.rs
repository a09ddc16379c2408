//! What cosign wrote before there were Sigstore bundles (sigstore/cosign: specs/SIGNATURE_SPEC.md), and still does when it is asked to.

use serde::Deserialize;

use super::{
    NotVerified, Verified,
    digest::Digest,
    dsse::Envelope,
    encoding::{self, Base64},
    key::{Message, PublicKey},
    verified,
};
use crate::Unreadable;

/// The media type of a layer that is a [`SimpleSigning`].
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A signed "this image", kept as a layer beside the image, with the signature in an annotation.
///
/// It also names a repository. Whoever copies an image copies that too, so it says nothing, and is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleSigning {
    digest: Digest,
}

/// A signature over a blob, as `cosign sign-blob --bundle` wrote it until version 3.
///
/// A certificate or public key in it is ignored: who signed is told by the keys that the caller trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobSignature {
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct WireSigning {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlob {
    base64_signature: Base64,
}

const SIGNING_KIND: &str = "simple signing payload";
const IMAGE_SIGNATURE: &str = "cosign container image signature";

impl SimpleSigning {
    /// The longest payload that is read, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Verifies a layer by the signature in its annotation `dev.cosignproject.cosign/signature`, and then reads it.
    ///
    /// # Errors
    /// [`NotVerified`] says why it counts for nothing.
    pub fn open(layer: &[u8], annotation: &str, keys: &[PublicKey]) -> Result<Verified<Self>, NotVerified> {
        crate::at_most("bytes", layer.len(), Self::MAX_BYTES)?;
        let malformed = |problem| Unreadable::Malformed { kind: "signature in an annotation", problem };
        let signature = encoding::base64(annotation).map_err(malformed)?;
        let signed = verified(keys, &Message::of_bytes(layer), [signature.as_slice()].into_iter(), layer)?;
        signed.read(Self::parse)
    }

    fn parse(layer: &[u8]) -> Result<Self, NotVerified> {
        let wire: WireSigning = encoding::document(SIGNING_KIND, layer, Self::MAX_BYTES)?;
        if wire.critical.kind != IMAGE_SIGNATURE {
            return Err(NotVerified::OtherKind { found: wire.critical.kind, expected: IMAGE_SIGNATURE });
        }
        let digest = wire.critical.image.digest.parse().map_err(|error: super::digest::InvalidDigest| {
            Unreadable::Malformed { kind: SIGNING_KIND, problem: error.to_string() }
        })?;
        Ok(Self { digest })
    }

    /// The digest of the image that was signed.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl BlobSignature {
    /// Reads a signature.
    ///
    /// # Errors
    /// [`Unreadable`], for the shape of the bytes only: nothing is verified.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        // Of an attestation the signature is a whole envelope, twice in base64.
        let wire: WireBlob = encoding::document("cosign signature of a blob", bytes, 2 * Envelope::MAX_BYTES)?;
        Ok(Self { signature: wire.base64_signature.0 })
    }

    /// The digest of the blob, if one of the keys signed it.
    ///
    /// # Errors
    /// [`NotVerified::NoKnownSigner`]; or [`NotVerified::Unsupported`] if the SHA-256 of the blob is not known.
    pub fn verify(&self, blob: &Message<'_>, keys: &[PublicKey]) -> Result<Verified<Digest>, NotVerified> {
        verified(keys, blob, [self.signature.as_slice()].into_iter(), blob.digest()?)
    }

    /// The envelope that `cosign attest-blob` wrote in place of a signature.
    ///
    /// # Errors
    /// [`Unreadable`] if there is none.
    pub fn envelope(&self) -> Result<Envelope, Unreadable> {
        Envelope::parse(&self.signature)
    }
}

#[cfg(test)]
mod tests;
