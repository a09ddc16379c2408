//! Certificates that say who signed: issued for minutes by an authority that saw a token of an identity provider (sigstore/fulcio: docs/oid-info.md).

mod logged;

use std::collections::BTreeSet;

use pki_types::CertificateDer;
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::{
    Certificate,
    der::{Decode as _, Encode as _, asn1::Utf8StringRef},
    ext::{
        Extension,
        pkix::{SubjectAltName, name::GeneralName},
    },
};

use super::{
    NotVerified, Signer, chain,
    key::PublicKey,
    trust::{Authority, TrustedRoot},
};

/// What a certificate says, once it is believed.
pub(super) struct Certified {
    pub(super) signer: Signer,
    pub(super) key: PublicKey,
}

/// The longest certificate that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// 1.3.6.1.5.5.7.3.3, code signing, as it is encoded.
const CODE_SIGNING: KeyUsage = KeyUsage::required(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03]);

/// The identity provider that vouched for the subject, as UTF8String; and where older certificates have it, not encoded at all.
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
const ISSUER_RAW: &str = "1.3.6.1.4.1.57264.1.1";
/// A subject that is neither a URI nor an address.
const OTHER_NAME: &str = "1.3.6.1.4.1.57264.1.7";

/// Believes a certificate that was valid at each of these times, was issued by an authority of the root, and is in a log of certificates.
pub(super) fn certified(der: &[u8], root: &TrustedRoot, times: &BTreeSet<u64>) -> Result<Certified, NotVerified> {
    if der.len() > MAX_BYTES {
        return Err(refused("it is too long"));
    }
    let certificate = Certificate::from_der(der).map_err(|_| refused("it cannot be read"))?;
    let der = CertificateDer::from(der);
    let leaf = EndEntityCert::try_from(&der).map_err(|_| refused("it cannot be read"))?;
    let issuer = issuer(&leaf, root, times)?;
    logged::is_logged(&certificate, &issuer, root.certificate_logs.as_deref())?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der();
    let key = key.ok().and_then(|der| PublicKey::from_der(&der).ok());
    Ok(Certified { signer: signer(&certificate)?, key: key.ok_or_else(|| refused("its key cannot be used"))? })
}

/// The key, as SubjectPublicKeyInfo, of whoever issued it.
fn issuer(leaf: &EndEntityCert<'_>, root: &TrustedRoot, times: &BTreeSet<u64>) -> Result<Vec<u8>, NotVerified> {
    let Some(first) = times.first() else { return Err(refused("nothing tells when it was used")) };
    let issued_at = |authority: &Authority, at: u64| {
        let at = Some(at).filter(|at| authority.valid.contains(*at))?;
        chain::issuer(leaf, &authority.root, &authority.intermediates, at, CODE_SIGNING)
    };
    let issued_by = |authority: &Authority| {
        let always = times.iter().all(|at| issued_at(authority, *at).is_some());
        always.then(|| issued_at(authority, *first)).flatten()
    };
    root.authorities.iter().find_map(issued_by).ok_or_else(|| {
        refused("no authority of the trusted root issued it for code signing at the time that it was used")
    })
}

fn signer(certificate: &Certificate) -> Result<Signer, NotVerified> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let names = names.ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let [name] = names.as_slice() else { return Err(refused("it does not name one subject")) };
    let subject = match name {
        GeneralName::UniformResourceIdentifier(text) | GeneralName::Rfc822Name(text) => Some(text.as_str().to_owned()),
        GeneralName::OtherName(other) if other.type_id.to_string() == OTHER_NAME => {
            other.value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned())
        }
        _ => None,
    };
    let subject = subject.filter(|subject| !subject.is_empty());
    let issuer = vouched_by(certificate.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default());
    match (subject, issuer) {
        (Some(subject), Some(issuer)) => Ok(Signer::Identity { issuer, subject }),
        _ => Err(refused("it does not say who its subject is, or who vouched for that")),
    }
}

fn vouched_by(extensions: &[Extension]) -> Option<String> {
    let value = |oid: &str| {
        let mut found = extensions.iter().filter(|extension| extension.extn_id.to_string() == oid);
        found.next().filter(|_| found.next().is_none()).map(|extension| extension.extn_value.as_bytes())
    };
    let issuer = match (value(ISSUER), value(ISSUER_RAW)) {
        (Some(der), _) => Utf8StringRef::from_der(der).ok().map(|text| text.as_str().to_owned()),
        (None, Some(raw)) => String::from_utf8(raw.to_vec()).ok(),
        (None, None) => None,
    };
    issuer.filter(|issuer| !issuer.is_empty())
}

fn refused(problem: &'static str) -> NotVerified {
    NotVerified::Certificate { problem }
}
