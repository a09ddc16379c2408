use proptest::prelude::*;

use super::*;
use crate::signed::{
    Signer,
    encoding::to_base64,
    testing::{BLOB, envelope, p256_key, pem, replaced, sign, url_safe},
};

const TYPE: &str = "application/vnd.in-toto+json";

/// A bundle with this material, and its content.
fn bundle(material: &str, content: &str) -> String {
    format!(r#"{{"mediaType":"{}","verificationMaterial":{{{material}}},{content}}}"#, Bundle::MEDIA_TYPE)
}

const PROMISE: &str = r#""inclusionPromise":{"signedEntryTimestamp":""}"#;
const KEY: &str = r#""publicKey":{"hint":"nobody"}"#;

fn of_envelope(envelope: &Envelope) -> String {
    format!("\"dsseEnvelope\":{}", envelope.encode())
}

/// A signature by the key with this seed over the message, and the digest that the bundle states.
fn of_message(seed: u8, message: &[u8], stated: &[u8]) -> String {
    let Digest::Sha256(hash) = Digest::sha256(stated) else { unreachable!("it is SHA-256") };
    let digest = format!(r#"{{"algorithm":"SHA2_256","digest":"{}"}}"#, to_base64(&hash));
    format!(r#""messageSignature":{{"messageDigest":{digest},"signature":"{}"}}"#, to_base64(&sign(seed, message)))
}

fn open_envelope(text: &str) -> Result<Verified<Payload>, NotVerified> {
    Bundle::parse(text.as_bytes())?.open_envelope(Trust::in_keys(&[p256_key(1), p256_key(2)]))
}

fn open_message(text: &str) -> Result<Verified<Digest>, NotVerified> {
    Bundle::parse(text.as_bytes())?.open_message(&Message::of_bytes(BLOB), Trust::in_keys(&[p256_key(1), p256_key(2)]))
}

#[test]
fn a_bundle_is_believed_by_the_key_that_the_caller_gives() {
    let envelope_by = |seed| bundle(KEY, &of_envelope(&envelope(TYPE, b"{}", &[seed])));
    for seed in [1, 2] {
        let opened = open_envelope(&envelope_by(seed)).unwrap();
        assert_eq!(opened.content(), &Payload { payload_type: TYPE.to_owned(), bytes: b"{}".to_vec() });
        assert_eq!(opened.signers().iter().collect::<Vec<_>>(), [&Signer::Key(p256_key(seed).id())]);
        let opened = open_message(&bundle(KEY, &of_message(seed, BLOB, BLOB))).unwrap();
        assert_eq!(opened.content(), &Digest::sha256(BLOB));
        assert_eq!(opened.signers().iter().collect::<Vec<_>>(), [&Signer::Key(p256_key(seed).id())]);
    }
    let nobody = NotVerified::NoKnownSigner { signatures: 1, keys: 2 };
    assert_eq!(open_envelope(&envelope_by(3)), Err(nobody.clone()));
    assert_eq!(open_message(&bundle(KEY, &of_message(3, BLOB, BLOB))), Err(nobody));
}

#[test]
fn a_message_can_be_told_from_its_digest() {
    let text = bundle(KEY, &of_message(1, BLOB, BLOB));
    let by = |digest: &Digest| {
        Bundle::parse(text.as_bytes())
            .unwrap()
            .open_message(&Message::of_digest(digest), Trust::in_keys(&[p256_key(1)]))
    };
    assert!(by(&Digest::sha256(BLOB)).is_ok());
    assert_eq!(by(&Digest::sha256(b"other")), Err(NotVerified::OtherBytes { what: "the digest in the bundle" }));
    assert_eq!(by(&Digest::sha512(BLOB)), Err(NotVerified::Unsupported { what: "another hash than SHA-256" }));
}

#[test]
fn a_stated_digest_can_only_be_in_the_way() {
    let good = of_message(1, BLOB, BLOB);
    let stated = &good[good.find("{\"algorithm").unwrap()..=good.find('}').unwrap()];
    let table = [
        (good.clone(), true),
        (of_message(1, BLOB, b"other"), false),
        (of_message(1, b"other", BLOB), false),
        (replaced(&good, stated, "{}"), true),
        (replaced(&good, stated, "null"), true),
        (replaced(&good, stated, r#"{"algorithm":"SHA2_512","digest":"AAAA"}"#), true),
        (replaced(&good, stated, r#"{"algorithm":"SHA2_256","digest":"AAAA"}"#), false),
    ];
    for (content, accepted) in table {
        assert_eq!(open_message(&bundle(KEY, &content)).is_ok(), accepted, "{content}");
    }
}

#[test]
fn one_is_not_taken_for_the_other() {
    let envelope = bundle(KEY, &of_envelope(&envelope(TYPE, b"{}", &[1])));
    assert!(matches!(open_message(&envelope), Err(NotVerified::OtherKind { .. })));
    let message = bundle(KEY, &of_message(1, BLOB, BLOB));
    assert!(matches!(open_envelope(&message), Err(NotVerified::OtherKind { .. })));
    let certified = replaced(&message, KEY, r#""certificate":{"rawBytes":"AAAA"}"#);
    assert_eq!(open_message(&certified), Err(NotVerified::Unsupported { what: "a certificate" }));
}

#[test]
fn what_is_no_bundle_is_refused() {
    let content = of_envelope(&envelope(TYPE, b"{}", &[1]));
    let good = bundle(KEY, &content);
    let version = |media_type: &str| replaced(&good, Bundle::MEDIA_TYPE, media_type);
    let older = "application/vnd.dev.sigstore.bundle+json;version=0.2";
    let material = |text: &str| bundle(text, &content);
    let timestamps = |count: usize| {
        material(&format!(
            r#"{KEY},"timestampVerificationData":{{"rfc3161Timestamps":[{}]}}"#,
            vec![r#"{"signedTimestamp":""}"#; count].join(",")
        ))
    };
    let table = [
        ("as it is", good.clone(), true),
        ("version 0.1", version("application/vnd.dev.sigstore.bundle+json;version=0.1"), true),
        ("version 0.2", version(older), true),
        ("version 0.3 as it was written first", version("application/vnd.dev.sigstore.bundle+json;version=0.3"), true),
        ("version 0.4", version("application/vnd.dev.sigstore.bundle.v0.4+json"), false),
        ("no version", version("application/json"), false),
        ("no media type", replaced(&good, "mediaType", "type"), false),
        ("two signatures", bundle(KEY, &of_envelope(&envelope(TYPE, b"{}", &[1, 2]))), false),
        ("one signature twice", bundle(KEY, &of_envelope(&envelope(TYPE, b"{}", &[1, 1]))), false),
        ("no signature", bundle(KEY, &of_envelope(&envelope(TYPE, b"{}", &[]))), false),
        ("nothing signed", bundle(KEY, "\"x\":1"), false),
        ("two things signed", bundle(KEY, &format!("{content},{}", of_message(1, BLOB, BLOB))), false),
        ("one thing twice", bundle(KEY, &format!("{content},{content}")), false),
        ("the other is null", bundle(KEY, &format!("{content},\"messageSignature\":null")), true),
        ("no key", material(""), false),
        ("a key and a certificate", material(&format!(r#"{KEY},"certificate":{{"rawBytes":""}}"#)), false),
        ("a certificate", material(r#""certificate":{"rawBytes":""}"#), true),
        ("a chain", material(r#""x509CertificateChain":{"certificates":[{"rawBytes":""}]}"#), false),
        (
            "a chain, in version 0.2",
            replaced(
                &material(r#""x509CertificateChain":{"certificates":[{"rawBytes":""}]}"#),
                Bundle::MEDIA_TYPE,
                older,
            ),
            true,
        ),
        ("the most timestamps", timestamps(Bundle::MAX_ENTRIES), true),
        ("more timestamps", timestamps(Bundle::MAX_ENTRIES + 1), false),
        ("what is not known", replaced(&good, KEY, &format!("{KEY},\"x\":[]")), true),
        ("followed by more", good.clone() + "{}", false),
        ("too long", " ".repeat(Bundle::MAX_BYTES + 1 - good.len()) + &good, false),
    ];
    for (what, text, readable) in table {
        let found = Bundle::parse(text.as_bytes());
        assert_eq!(found.is_ok(), readable, "{what}: {:?}", found.err());
    }
}

/// A bundle over an envelope, or over a message, with one log entry.
fn logged(kind: &str, version: &str, body: &str, content: &str) -> String {
    let entry = format!(
        r#"{{"kindVersion":{{"kind":"{kind}","version":"{version}"}},"inclusionProof":{{"hashes":[]}},"canonicalizedBody":"{}"}}"#,
        to_base64(body.as_bytes())
    );
    bundle(&format!(r#"{KEY},"tlogEntries":[{entry}]"#), content)
}

/// What logs have about a signature: their kind and version, and their body.
fn bodies(signature: &[u8], hash: &Digest, seed: u8) -> [(&'static str, &'static str, String); 4] {
    let Digest::Sha256(raw) = hash else { unreachable!("it is SHA-256") };
    let hex = &hash.to_string()[7..];
    let (key, signature_text) = (to_base64(pem(seed).as_bytes()), to_base64(signature));
    let der = pem(seed).lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let v1 = format!(
        r#"{{"data":{{"hash":{{"algorithm":"sha256","value":"{hex}"}}}},"signature":{{"content":"{signature_text}","publicKey":{{"content":"{key}"}}}}}}"#
    );
    let v2 = format!(
        r#"{{"hashedRekordV002":{{"data":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":{{"content":"{signature_text}","verifier":{{"publicKey":{{"rawBytes":"{der}"}}}}}}}}}}"#,
        to_base64(raw)
    );
    let dsse = format!(
        r#"{{"payloadHash":{{"algorithm":"sha256","value":"{hex}"}},"signatures":[{{"signature":"{signature_text}","verifier":"{key}"}}]}}"#
    );
    let twice = to_base64(signature_text.as_bytes());
    let intoto = format!(
        r#"{{"content":{{"envelope":{{"signatures":[{{"sig":"{twice}","publicKey":"{key}"}}]}},"payloadHash":{{"algorithm":"sha256","value":"{hex}"}}}}}}"#
    );
    let body =
        |kind, version, spec| (kind, version, format!(r#"{{"apiVersion":"{version}","kind":"{kind}","spec":{spec}}}"#));
    [
        body("hashedrekord", "0.0.1", v1),
        body("hashedrekord", "0.0.2", v2),
        body("dsse", "0.0.1", dsse),
        body("intoto", "0.0.2", intoto),
    ]
}

#[test]
fn a_log_entry_is_about_this_signature_by_this_key_over_these_bytes() {
    let signed = envelope(TYPE, b"{}", &[1]);
    let signature = &signed.signatures()[0].bytes;
    let other = sign(1, b"other");
    let whole = Digest::sha256(&pae(TYPE, b"{}"));
    for place in 0..4 {
        let hash = if place < 2 { whole } else { Digest::sha256(b"{}") };
        let wrong = if place < 2 { Digest::sha256(b"{}") } else { whole };
        let table = [
            (bodies(signature, &hash, 1), None),
            (bodies(&other, &hash, 1), Some("the signature in a log entry")),
            (bodies(signature, &wrong, 1), Some("the digest in a log entry")),
            (bodies(signature, &hash, 2), Some("the key in a log entry")),
        ];
        for (bodies, differs) in table {
            let (kind, version, body) = &bodies[place];
            let found = open_envelope(&logged(kind, version, body, &of_envelope(&signed)));
            assert_eq!(found.err(), differs.map(|what| NotVerified::OtherBytes { what }), "{kind} {version}");
        }
    }
}

#[test]
fn a_message_is_logged_by_its_hash() {
    let content = of_message(1, BLOB, BLOB);
    let table = [
        (bodies(&sign(1, BLOB), &Digest::sha256(BLOB), 1), true),
        (bodies(&sign(1, BLOB), &Digest::sha256(b"other"), 1), false),
        (bodies(&sign(1, b"other"), &Digest::sha256(BLOB), 1), false),
        (bodies(&sign(1, BLOB), &Digest::sha256(BLOB), 2), false),
    ];
    for (bodies, accepted) in table {
        for (kind, version, body) in bodies {
            // Entries for envelopes say nothing about messages.
            let accepted = accepted && kind == "hashedrekord";
            assert_eq!(open_message(&logged(kind, version, &body, &content)).is_ok(), accepted, "{kind} {version}");
        }
    }
}

#[test]
fn a_log_entry_that_cannot_be_understood_is_not_passed_over() {
    let signed = envelope(TYPE, b"{}", &[1]);
    let content = of_envelope(&signed);
    let [(kind, version, body), _, (_, _, dsse), _] =
        bodies(&signed.signatures()[0].bytes, &Digest::sha256(&pae(TYPE, b"{}")), 1);
    let good = logged(kind, version, &body, &content);
    let signatures = &dsse[dsse.find("[{").unwrap()..=dsse.find("}]").unwrap() + 1];
    let proof = r#""inclusionProof":{"hashes":[]}"#;
    let hashes = |count: usize| {
        format!(r#""inclusionProof":{{"hashes":[{}]}}"#, vec![format!("\"{}\"", to_base64(&[0; 32])); count].join(","))
    };
    let v01 = replaced(&good, Bundle::MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.1");
    let v02 = replaced(&good, Bundle::MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.2");
    let table = [
        ("as it is", good.clone(), true),
        ("of another kind", logged("rekord", version, &body, &content), false),
        ("of another version", logged(kind, "0.0.3", &body, &content), false),
        ("of a kind that its body is not", logged("dsse", "0.0.1", &body, &content), false),
        ("of a version that its body is not", logged(kind, "0.0.2", &body, &content), false),
        ("with no body", logged(kind, version, "", &content), false),
        ("with two signatures", logged("dsse", "0.0.1", &replaced(&dsse, signatures, "[]"), &content), false),
        ("with MD5", logged(kind, version, &replaced(&body, "\"sha256\"", "\"md5\""), &content), false),
        ("without a proof", replaced(&good, proof, "\"x\":1"), false),
        ("with the longest proof", replaced(&good, proof, &hashes(Bundle::MAX_PROOF_HASHES)), true),
        ("with a longer proof", replaced(&good, proof, &hashes(Bundle::MAX_PROOF_HASHES + 1)), false),
        ("without a proof, in version 0.2", replaced(&v02, proof, PROMISE), false),
        ("with a promise, in version 0.1", replaced(&v01, proof, PROMISE), true),
        ("with neither, in version 0.1", replaced(&v01, proof, "\"x\":1"), false),
    ];
    for (what, text, accepted) in table {
        assert_eq!(open_envelope(&text).is_ok(), accepted, "{what}: {:?}", open_envelope(&text).err());
    }
    let entry = &good[good.find("[{\"kindVersion").unwrap() + 1..good.find("}]").unwrap() + 1];
    let entries = |count: usize| replaced(&good, entry, &vec![entry; count].join(","));
    assert!(open_envelope(&entries(Bundle::MAX_ENTRIES)).is_ok());
    assert!(open_envelope(&entries(Bundle::MAX_ENTRIES + 1)).is_err());
    let last_is_wrong = replaced(&good, entry, &format!("{entry},{}", replaced(entry, "\"0.0.1\"", "\"0.0.9\"")));
    assert!(open_envelope(&last_is_wrong).is_err());
}

#[test]
fn base64_is_read_as_protocol_buffers_write_it() {
    let signed = envelope(TYPE, b"\xfb\xff{}", &[1]);
    let text = bundle(KEY, &of_envelope(&signed));
    let text = replaced(&text, &to_base64(b"\xfb\xff{}"), &url_safe(b"\xfb\xff{}"));
    assert!(open_envelope(&text).is_ok());
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes: Vec<u8>) {
        let _ = Bundle::parse(&bytes);
    }
}

#[test]
fn what_is_signed_here_is_believed_with_the_key_and_with_no_other() {
    use crate::signed::{private::PrivateKey, statement};
    let key = PrivateKey::from_secret(&[7; 32]).unwrap();
    let subject = Digest::sha256(b"an artifact");
    let said = statement::encode(&[("web".into(), subject)], "https://example.com/p", &serde_json::json!({"a": 1}));
    let payload = Payload { payload_type: statement::PAYLOAD_TYPE.into(), bytes: said.unwrap() };
    let signature = key.sign(&pae(&payload.payload_type, &payload.bytes));
    let envelope = Envelope::signed(payload, signature).unwrap();
    let written = Bundle::encode(envelope, key.public().id()).unwrap();
    let open = |keys: &[PublicKey]| Bundle::parse(written.as_bytes()).unwrap().open_envelope(Trust::in_keys(keys));
    let opened = statement::Statement::open(open(&[key.public().clone()]).unwrap()).unwrap();
    assert!(opened.content().is_about(&subject));
    assert_eq!(
        (opened.content().predicate_type(), opened.content().predicate()),
        ("https://example.com/p", r#"{"a":1}"#)
    );
    let other = PrivateKey::from_secret(&[8; 32]).unwrap();
    assert!(matches!(open(&[other.public().clone()]), Err(NotVerified::NoKnownSigner { .. })));
}
