//! Timestamps: somebody saw a signature at a time (RFC 3161, in CMS as of RFC 5652).

use pki_types::CertificateDer;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::{
    Certificate,
    der::{
        Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
        asn1::{AnyRef, GeneralizedTime, ObjectIdentifier},
    },
};

use super::{
    chain,
    encoding::tagged,
    key::{Message, PublicKey, Scheme},
    trust::Authority,
};

/// 1.3.6.1.5.5.7.3.8, time stamping, as it is encoded.
const TIME_STAMPING: KeyUsage = KeyUsage::required(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08]);

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TIMESTAMP: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";

/// A hash function that timestamps use.
#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A timestamp, read but not yet believed.
struct Timestamp<'a> {
    /// What it says, as it was signed.
    content: &'a [u8],
    hash: Hash,
    /// What is signed instead of the content, and has its hash in it.
    attributes: Vec<u8>,
    signature: &'a [u8],
}

/// When one of the authorities saw the signature, in seconds since the Unix epoch; `None` if none of them says so.
pub(super) fn seen_at(timestamp: &[u8], signature: &[u8], authorities: &[Authority]) -> Option<u64> {
    let timestamp = Timestamp::read(timestamp)?;
    let at = timestamp.told_of(signature)?;
    authorities.iter().any(|authority| timestamp.is_by(authority, at)).then_some(at)
}

impl<'a> Timestamp<'a> {
    fn read(response: &'a [u8]) -> Option<Self> {
        let response = inside(only(response)?, Tag::Sequence)?;
        let (status, token) = (response.first()?, response.get(1)?);
        // Granted, or granted with changes.
        let status = inside(*status, Tag::Sequence)?.first()?.decode_as::<u8>().ok();
        let [kind, data] = inside(*token, Tag::Sequence)?[..] else { return None };
        if !matches!(status, Some(0 | 1)) || oid(kind)? != SIGNED_DATA {
            return None;
        }
        let data = inside(only(explicit(data, 0)?)?, Tag::Sequence)?;
        let [kind, content] = inside(*data.get(2)?, Tag::Sequence)?[..] else { return None };
        if oid(kind)? != TIMESTAMP {
            return None;
        }
        let content = octets(only(explicit(content, 0)?)?)?;
        let [signer] = inside(*data.last()?, Tag::Set)?[..] else { return None };
        let signer = inside(signer, Tag::Sequence)?;
        let [_, _, hash, attributes, _, signature] = signer.get(..6)? else { return None };
        let attributes = explicit(*attributes, 0)?;
        let hash = Hash::of(*hash)?;
        let is_signed = attribute(attributes, CONTENT_TYPE).and_then(oid)? == TIMESTAMP
            && octets(attribute(attributes, MESSAGE_DIGEST)?)? == &*hash.digest(content);
        let signature = octets(*signature)?;
        // They are a set of their own when they are signed (RFC 5652, 5.4).
        is_signed.then(|| Self { content, hash, attributes: tagged(0x31, attributes), signature })
    }

    /// When the signature was seen, if it is the one that was seen.
    fn told_of(&self, signature: &[u8]) -> Option<u64> {
        let told = inside(only(self.content)?, Tag::Sequence)?;
        let [_, _, imprint, _, time] = told.get(..5)? else { return None };
        let [hash, digest] = inside(*imprint, Tag::Sequence)?[..] else { return None };
        let time: GeneralizedTime = time.decode_as().ok()?;
        (octets(digest)? == &*Hash::of(hash)?.digest(signature)).then(|| time.to_unix_duration().as_secs())
    }

    /// Whether it is signed by the first certificate of the authority, which was valid then. Certificates in the timestamp itself are not needed.
    fn is_by(&self, authority: &Authority, at: u64) -> bool {
        let Some((leaf, intermediates)) = authority.intermediates.split_first() else { return false };
        let Ok(certificate) = EndEntityCert::try_from(leaf) else { return false };
        authority.valid.contains(at)
            && self.signer(leaf).is_some_and(|key| key.verifies(&Message::of_bytes(&self.attributes), self.signature))
            && chain::issuer(&certificate, &authority.root, intermediates, at, TIME_STAMPING).is_some()
    }

    fn signer(&self, leaf: &CertificateDer<'_>) -> Option<PublicKey> {
        let certificate = Certificate::from_der(leaf).ok()?;
        let key = certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
        let key = PublicKey::from_der(&key).ok()?;
        match (key.scheme(), self.hash) {
            (Scheme::EcdsaP256 | Scheme::RsaPkcs1, Hash::Sha256) | (Scheme::EcdsaP384, Hash::Sha384) => Some(key),
            (Scheme::EcdsaP384, Hash::Sha256) => key.with_scheme(Scheme::EcdsaP384Sha256).ok(),
            _ => None,
        }
    }
}

impl Hash {
    /// From the identifier of an algorithm.
    fn of(algorithm: AnyRef<'_>) -> Option<Self> {
        match oid(*inside(algorithm, Tag::Sequence)?.first()?)?.as_str() {
            "2.16.840.1.101.3.4.2.1" => Some(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// All values that stand one after another.
fn all(bytes: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let mut values = Vec::new();
    while !reader.is_finished() {
        values.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(values)
}

/// The one value that the bytes are.
fn only(bytes: &[u8]) -> Option<AnyRef<'_>> {
    let [value] = all(bytes)?[..] else { return None };
    Some(value)
}

/// The values in a sequence or a set.
fn inside(value: AnyRef<'_>, tag: Tag) -> Option<Vec<AnyRef<'_>>> {
    all(value.value()).filter(|_| value.tag() == tag)
}

/// What is in a value that is tagged with a number.
fn explicit(value: AnyRef<'_>, number: u32) -> Option<&[u8]> {
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
    (value.tag() == tag).then(|| value.value())
}

fn octets(value: AnyRef<'_>) -> Option<&[u8]> {
    (value.tag() == Tag::OctetString).then(|| value.value())
}

fn oid(value: AnyRef<'_>) -> Option<String> {
    value.decode_as::<ObjectIdentifier>().ok().map(|oid| oid.to_string())
}

/// The one value of the one attribute of that kind.
fn attribute<'a>(attributes: &'a [u8], kind: &str) -> Option<AnyRef<'a>> {
    let mut found = None;
    for attribute in all(attributes)? {
        let [name, values] = inside(attribute, Tag::Sequence)?[..] else { return None };
        if oid(name)? == kind {
            let [value] = inside(values, Tag::Set)?[..] else { return None };
            if found.replace(value).is_some() {
                return None;
            }
        }
    }
    found
}
