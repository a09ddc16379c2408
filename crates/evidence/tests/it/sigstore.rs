//! Bundles that instances of Sigstore had a part in, the public one among them, and what becomes of them when somebody changes something.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evidence::signed::{
    NotVerified, Signer, Verified,
    bundle::Bundle,
    digest::Digest,
    key::{Message, PublicKey},
    statement::Statement,
    trust::{Trust, TrustedRoot},
};
use serde_json::{Value, json};

fn read(name: &str) -> Value {
    serde_json::from_slice(&file(name)).expect("JSON")
}

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sigstore");
    std::fs::read(folder.join(name)).expect("a file")
}

fn key() -> PublicKey {
    PublicKey::from_pem(str::from_utf8(&file("managed-key.pub")).expect("text")).expect("a key")
}

fn root(value: &Value) -> TrustedRoot {
    TrustedRoot::parse(value.to_string().as_bytes()).expect("a trusted root")
}

/// Who signed it, and when, whatever it is over. Of a message the bundle itself tells the digest.
fn opened(bundle: &Value, trust: Trust<'_>) -> Result<(Vec<Signer>, Vec<u64>), NotVerified> {
    fn signed<T>(verified: &Verified<T>) -> (Vec<Signer>, Vec<u64>) {
        (verified.signers().iter().cloned().collect(), verified.times().iter().copied().collect())
    }
    let message = &bundle["messageSignature"]["messageDigest"]["digest"];
    let read = Bundle::parse(bundle.to_string().as_bytes())?;
    let Some(digest) = message.as_str() else {
        return Ok(signed(&Statement::open(read.open_envelope(trust)?)?));
    };
    let digest = Digest::Sha256(STANDARD.decode(digest).expect("base64").try_into().expect("SHA-256"));
    let verified = read.open_message(&Message::of_digest(&digest), trust)?;
    assert_eq!(verified.content(), &digest);
    Ok(signed(&verified))
}

fn identity(issuer: &str, subject: &str) -> Signer {
    Signer::Identity { issuer: issuer.to_owned(), subject: subject.to_owned() }
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const PUBLIC: &str = "public-good.root.json";

#[test]
fn bundles_say_who_signed_and_when() {
    let workflow = |name: &str| identity(GITHUB, &format!("https://github.com/{name}"));
    let table = [
        ("blob.json", PUBLIC, identity("https://github.com/login/oauth", "w.vollprecht@gmail.com"), 1_764_787_003),
        (
            "attestation.json",
            PUBLIC,
            workflow("prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main"),
            1_756_728_839,
        ),
        (
            "attestation-v0.1.json",
            PUBLIC,
            workflow("sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"),
            1_692_374_735,
        ),
        (
            "wheel-v0.2.json",
            PUBLIC,
            workflow("trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2"),
            1_710_888_076,
        ),
        (
            "other-name.json",
            "scaffolding.root.json",
            identity("http://oidc.local:8080", "foo!oidc.local"),
            1_720_811_189,
        ),
        (
            "attestation-rekor2.json",
            "staging.root.json",
            identity("https://github.com/login/oauth", "jku@goto.fi"),
            1_779_781_341,
        ),
        (
            "message-rekor2.json",
            "staging.root.json",
            identity("https://github.com/login/oauth", "jku@goto.fi"),
            1_749_470_258,
        ),
        ("managed-key.json", PUBLIC, Signer::Key(key().id()), 1_766_077_479),
    ];
    let keys = [key()];
    for (name, root_name, signer, time) in table {
        let (bundle, root) = (read(name), root(&read(root_name)));
        let found = opened(&bundle, Trust::in_keys(&keys).and_root(&root));
        assert_eq!(found, Ok((vec![signer.clone()], vec![time])), "{name}");
        let without = opened(&bundle, Trust::in_keys(&keys));
        let expected = match signer {
            Signer::Key(_) => Ok((vec![signer], vec![])),
            Signer::Identity { .. } => Err(NotVerified::Unsupported { what: "a certificate" }),
        };
        assert_eq!(without, expected, "{name}: without a root nothing is known of certificates and times");
    }
}

/// What is the matter with something that is not believed.
fn problem(found: Result<(Vec<Signer>, Vec<u64>), NotVerified>) -> &'static str {
    match found {
        Ok(_) => "nothing",
        Err(NotVerified::NotLogged { .. }) => "log",
        Err(NotVerified::Certificate { .. }) => "certificate",
        Err(NotVerified::OtherBytes { .. }) => "bytes",
        Err(NotVerified::NoKnownSigner { .. }) => "signature",
        Err(NotVerified::OtherKind { .. } | NotVerified::Unsupported { .. }) => "kind",
        Err(NotVerified::Unreadable(_)) => "form",
    }
}

#[test]
fn bundles_that_are_wrong_are_not_believed() {
    let table = [
        ("cve-2022-36056.json", "staging.root.json", "bytes"),
        ("no-checkpoint-v0.2.json", "staging.root.json", "log"),
        ("no-signed-time.json", PUBLIC, "log"),
        ("blob.json", "staging.root.json", "log"),
    ];
    for (name, root_name, expected) in table {
        let root = root(&read(root_name));
        assert_eq!(problem(opened(&read(name), Trust::default().and_root(&root))), expected, "{name}");
    }
}

/// With one member changed. It has to be there, or else nothing would be tested.
fn changed(value: &Value, pointer: &str, to: Value) -> Value {
    let mut changed = value.clone();
    let member = changed.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no `{pointer}`"));
    assert_ne!(*member, to, "{pointer}");
    *member = to;
    changed
}

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

#[test]
fn everything_in_a_bundle_has_to_fit() {
    let (blob, other, root) = (read("blob.json"), read("wheel-v0.2.json"), root(&read(PUBLIC)));
    let of_other = |pointer: &str| other.pointer(pointer).expect("a member").clone();
    let of_entry = |member: &str| of_other(&format!("{ENTRY}/{member}"));
    let certificate = "/verificationMaterial/certificate/rawBytes";
    let checkpoint = blob.pointer(&format!("{ENTRY}/inclusionProof/checkpoint/envelope")).expect("a member");
    let text = checkpoint.as_str().expect("text");
    let (origin, rest) = text.split_once('\n').expect("a line");
    let table = [
        ("/verificationMaterial/timestampVerificationData", Value::Null, "nothing"),
        ("ENTRY/inclusionProof/treeSize", json!("1"), "nothing"),
        ("ENTRY/inclusionProof/rootHash", json!("AAAA"), "nothing"),
        ("ENTRY/integratedTime", json!("1764787004"), "log"),
        ("ENTRY/logIndex", json!("1"), "log"),
        ("ENTRY/logIndex", json!("-1"), "form"),
        ("ENTRY/logId/keyId", json!("AAAA"), "log"),
        ("ENTRY/inclusionPromise", Value::Null, "log"),
        ("ENTRY/inclusionPromise", of_entry("inclusionPromise"), "log"),
        ("ENTRY/inclusionProof", Value::Null, "form"),
        ("ENTRY/inclusionProof", of_entry("inclusionProof"), "log"),
        ("ENTRY/inclusionProof/logIndex", json!("1"), "log"),
        ("ENTRY/inclusionProof/hashes/0", json!(STANDARD.encode([0; 32])), "log"),
        ("ENTRY/inclusionProof/hashes", json!([]), "log"),
        ("ENTRY/inclusionProof/checkpoint", Value::Null, "log"),
        ("ENTRY/inclusionProof/checkpoint/envelope", json!(format!("{origin}x\n{rest}")), "log"),
        ("ENTRY/inclusionProof/checkpoint/envelope", json!(format!("{origin}\n1{rest}")), "log"),
        ("ENTRY/canonicalizedBody", of_entry("canonicalizedBody"), "log"),
        ("ENTRY/kindVersion/version", json!("0.0.2"), "log"),
        ("ENTRY", of_other(ENTRY), "certificate"),
        ("/verificationMaterial/tlogEntries", json!([]), "log"),
        (certificate, json!("AAAA"), "certificate"),
        (certificate, of_other("/verificationMaterial/x509CertificateChain/certificates/0/rawBytes"), "certificate"),
        ("/messageSignature/signature", of_other("/messageSignature/signature"), "signature"),
        ("/messageSignature/messageDigest/digest", of_other("/messageSignature/messageDigest/digest"), "signature"),
        ("/mediaType", json!("application/vnd.dev.sigstore.bundle+json;version=0.2"), "nothing"),
    ];
    for (pointer, to, expected) in table {
        let pointer = pointer.replace("ENTRY", ENTRY);
        let found = opened(&changed(&blob, &pointer, to.clone()), Trust::default().and_root(&root));
        assert_eq!(problem(found.clone()), expected, "{pointer} {to}: {found:?}");
    }
}

/// Rekor 2 promises nothing: that it has an entry is proved, and somebody else tells when.
#[test]
fn a_timestamp_is_by_an_authority_over_this_signature() {
    let (bundle, other, staging) =
        (read("message-rekor2.json"), read("attestation-rekor2.json"), read("staging.root.json"));
    let timestamps = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let timestamp = format!("{timestamps}/0/signedTimestamp");
    let of_other = other.pointer(&timestamp).expect("a timestamp").clone();
    let table = [
        (timestamps.to_owned(), json!([]), "log"),
        (timestamp.clone(), of_other, "log"),
        (timestamp.clone(), json!(""), "log"),
        (timestamp.clone(), json!("MAA="), "log"),
        (format!("{ENTRY}/logIndex"), json!("1"), "log"),
        (format!("{ENTRY}/inclusionProof/logIndex"), json!("1"), "nothing"),
        (format!("{ENTRY}/inclusionProof/hashes"), json!([]), "log"),
    ];
    for (pointer, to, expected) in table {
        let found = opened(&changed(&bundle, &pointer, to.clone()), Trust::default().and_root(&root(&staging)));
        assert_eq!(problem(found.clone()), expected, "{pointer} {to}: {found:?}");
    }
    let authorities = read(PUBLIC)["timestampAuthorities"].clone();
    let early = json!({"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"});
    let table = [
        ("/timestampAuthorities", json!([]), "log"),
        ("/timestampAuthorities", authorities, "log"),
        ("/timestampAuthorities/0/validFor", early.clone(), "log"),
        // A log that was out of use when the authority saw the signature.
        ("/tlogs/1/publicKey/validFor", early, "log"),
    ];
    for (pointer, to, expected) in table {
        let found = opened(&bundle, Trust::default().and_root(&root(&changed(&staging, pointer, to))));
        assert_eq!(problem(found.clone()), expected, "{pointer}: {found:?}");
    }
}

/// Whatever is changed in a timestamp or a certificate, it never says anything else.
#[test]
fn a_changed_byte_is_not_believed() {
    let (bundle, root) = (read("message-rekor2.json"), root(&read("staging.root.json")));
    let told = opened(&bundle, Trust::default().and_root(&root));
    assert!(told.is_ok(), "{told:?}");
    let timestamp = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
    for (pointer, may_stay) in [(timestamp, true), ("/verificationMaterial/certificate/rawBytes", false)] {
        let bytes = STANDARD.decode(bundle.pointer(pointer).and_then(Value::as_str).expect("text")).expect("base64");
        let mut refused = 0;
        for at in (0..bytes.len()).step_by(23) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let found =
                opened(&changed(&bundle, pointer, json!(STANDARD.encode(bytes))), Trust::default().and_root(&root));
            refused += usize::from(found.is_err());
            assert!(found.is_err() || (may_stay && found == told), "{pointer}: byte {at}: {found:?}");
        }
        assert!(refused > 10, "{pointer}: {refused} were refused");
    }
}

/// The entry is in the log, and everything about it is right; but it is about something else.
#[test]
fn an_entry_about_something_else_is_worse_than_none() {
    let (managed, blob, root) = (read("managed-key.json"), read("blob.json"), root(&read(PUBLIC)));
    let entry = blob.pointer(ENTRY).expect("an entry").clone();
    let keys = [key()];
    for trust in [Trust::in_keys(&keys), Trust::in_keys(&keys).and_root(&root)] {
        assert_eq!(problem(opened(&changed(&managed, ENTRY, entry.clone()), trust)), "bytes");
        let none = changed(&managed, "/verificationMaterial/tlogEntries", json!([]));
        assert_eq!(opened(&none, trust), Ok((vec![Signer::Key(key().id())], vec![])));
    }
}

#[test]
fn what_is_believed_comes_from_the_root() {
    let (blob, public) = (read("blob.json"), read(PUBLIC));
    let (early, late) = (
        json!({"start": "2020-01-01T00:00:00Z", "end": "2022-01-01T00:00:00Z"}),
        json!({"start": "2026-01-01T00:00:00Z"}),
    );
    let staging = read("staging.root.json");
    let unusable = changed(&public["ctlogs"][1], "/publicKey/keyDetails", json!("PKIX_ECDSA_P521_SHA_512"));
    let table = [
        ("/timestampAuthorities", json!([]), "nothing"),
        ("/tlogs", json!([]), "log"),
        ("/tlogs", staging["tlogs"].clone(), "log"),
        ("/tlogs/0/publicKey/rawBytes", staging["tlogs"][0]["publicKey"]["rawBytes"].clone(), "log"),
        ("/tlogs/0/publicKey/validFor", early.clone(), "log"),
        ("/tlogs/0/publicKey/validFor", late.clone(), "log"),
        ("/tlogs/0/publicKey/keyDetails", json!("PKIX_ECDSA_P521_SHA_512"), "log"),
        ("/certificateAuthorities", json!([]), "certificate"),
        ("/certificateAuthorities", staging["certificateAuthorities"].clone(), "certificate"),
        ("/certificateAuthorities/1/validFor", early.clone(), "certificate"),
        ("/certificateAuthorities/1/validFor", late.clone(), "certificate"),
        ("/ctlogs", staging["ctlogs"].clone(), "certificate"),
        ("/ctlogs/1/publicKey/validFor", early, "certificate"),
        ("/ctlogs/1/publicKey/validFor", late, "certificate"),
        ("/ctlogs", json!([unusable]), "certificate"),
        // Whoever runs no log of certificates cannot ask for it.
        ("/ctlogs", json!([]), "nothing"),
    ];
    for (pointer, to, expected) in table {
        let root = root(&changed(&public, pointer, to.clone()));
        let found = opened(&blob, Trust::default().and_root(&root));
        assert_eq!(problem(found.clone()), expected, "{pointer} {to}: {found:?}");
    }
}

#[test]
fn what_is_no_trusted_root_is_refused() {
    let public = read(PUBLIC);
    let many = vec![public["tlogs"][0].clone(); TrustedRoot::MAX_SERVICES + 1];
    let table = [
        ("/mediaType", json!("application/json")),
        ("/tlogs", json!(many.clone())),
        ("/ctlogs", json!(many)),
        ("/tlogs/0/publicKey/rawBytes", json!("AAAA")),
        ("/tlogs/0/publicKey/keyDetails", json!("PKIX_ED25519")),
        ("/tlogs/0/publicKey/validFor/start", json!("yesterday")),
        ("/certificateAuthorities/0/certChain/certificates", json!([])),
        ("/certificateAuthorities/0/certChain/certificates/0/rawBytes", json!("AAAA")),
    ];
    for (pointer, to) in table {
        let text = changed(&public, pointer, to).to_string();
        assert!(TrustedRoot::parse(text.as_bytes()).is_err(), "{pointer}");
    }
    assert!(TrustedRoot::parse(format!("{public}{public}").as_bytes()).is_err());
    assert!(TrustedRoot::parse(b"{}").is_err());
}
