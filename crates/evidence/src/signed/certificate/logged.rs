//! Promises of logs of certificates that they have a certificate, which stand in the certificate itself (RFC 6962, 3.2 and 3.3).

use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate, Version,
    der::{Decode as _, Encode as _, asn1::OctetString},
    ext::Extension,
};

use super::refused;
use crate::signed::{NotVerified, encoding::tagged, key::Message, trust::Log};

/// Where the promises stand.
const PROMISES: &str = "1.3.6.1.4.1.11129.2.4.2";

/// One promise.
struct Promise<'a> {
    log: &'a [u8],
    /// In milliseconds since the Unix epoch.
    timestamp: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

/// Refuses a certificate that none of the logs has promised to have, if there are logs that could.
pub(super) fn is_logged(certificate: &Certificate, issuer: &[u8], logs: Option<&[Log]>) -> Result<(), NotVerified> {
    let Some(logs) = logs else { return Ok(()) };
    let extensions = certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
    let mut found = extensions.iter().filter(|extension| holds_promises(extension));
    let (Some(extension), None) = (found.next(), found.next()) else {
        return Err(refused("it does not say that it was logged"));
    };
    let before =
        before_it_was_logged(certificate).ok_or_else(|| refused("it cannot be written without its promises"))?;
    let list = OctetString::from_der(extension.extn_value.as_bytes()).map_err(|_| unreadable())?;
    for promise in promises(list.as_bytes()).ok_or_else(unreadable)? {
        let signed = promise.signed(issuer, &before).ok_or_else(unreadable)?;
        let is_kept = |log: &&Log| {
            log.id == promise.log
                && log.valid.contains(promise.timestamp / 1000)
                && log.key.verifies(&Message::of_bytes(&signed), promise.signature)
        };
        if logs.iter().any(|log| is_kept(&log)) {
            return Ok(());
        }
    }
    Err(refused("no log of the trusted root has it"))
}

fn unreadable() -> NotVerified {
    refused("what it says about logs cannot be read")
}

fn holds_promises(extension: &Extension) -> bool {
    extension.extn_id.to_string() == PROMISES
}

/// The promises of a list in the form of TLS; `None` if it is none. Promises in a form that came later are passed over.
fn promises(mut list: &[u8]) -> Option<Vec<Promise<'_>>> {
    let mut list = sized(&mut list).filter(|_| list.is_empty())?;
    let mut promises = Vec::new();
    while !list.is_empty() {
        let one = sized(&mut list)?;
        if one.first() == Some(&0) {
            promises.push(Promise::read(&one[1..])?);
        }
    }
    Some(promises)
}

/// Takes bytes with their length in front.
fn sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(*bytes.split_off(..2)?.first_chunk()?);
    bytes.split_off(..usize::from(length))
}

impl<'a> Promise<'a> {
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let log = bytes.split_off(..32)?;
        let timestamp = u64::from_be_bytes(*bytes.split_off(..8)?.first_chunk()?);
        let extensions = sized(&mut bytes)?;
        // Which algorithm it says to be does not matter: that of the log's key is known.
        bytes.split_off(..2)?;
        let signature = sized(&mut bytes)?;
        bytes.is_empty().then_some(Self { log, timestamp, extensions, signature })
    }

    /// What the log signed: version 1, a timestamp of a certificate, of one that was not issued yet.
    fn signed(&self, issuer: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(certificate.len()).ok().filter(|length| *length < 1 << 24)?;
        let mut signed = vec![0, 0];
        signed.extend(self.timestamp.to_be_bytes());
        signed.extend([0, 1]);
        signed.extend(Sha256::digest(issuer));
        signed.extend(&length.to_be_bytes()[1..]);
        signed.extend(certificate);
        signed.extend(u16::try_from(self.extensions.len()).ok()?.to_be_bytes());
        signed.extend(self.extensions);
        Some(signed)
    }
}

/// What a certificate says but for the promises: it was logged so, and then the promises were put in.
fn before_it_was_logged(certificate: &Certificate) -> Option<Vec<u8>> {
    let whole = certificate.tbs_certificate();
    if whole.version() != Version::V3 || whole.issuer_unique_id().is_some() || whole.subject_unique_id().is_some() {
        return None;
    }
    let mut body = vec![0xa0, 3, 2, 1, 2];
    whole.serial_number().encode_to_vec(&mut body).ok()?;
    whole.signature().encode_to_vec(&mut body).ok()?;
    whole.issuer().encode_to_vec(&mut body).ok()?;
    whole.validity().encode_to_vec(&mut body).ok()?;
    whole.subject().encode_to_vec(&mut body).ok()?;
    whole.subject_public_key_info().encode_to_vec(&mut body).ok()?;
    let mut kept = Vec::new();
    for extension in whole.extensions()?.iter().filter(|extension| !holds_promises(extension)) {
        extension.encode_to_vec(&mut kept).ok()?;
    }
    body.extend(tagged(0xa3, &tagged(0x30, &kept)));
    Some(tagged(0x30, &body))
}
