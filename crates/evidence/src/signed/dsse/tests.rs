use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::signed::{
    Signer,
    key::Scheme,
    testing::{ed25519_key, envelope, p256_key, replaced, sign, url_safe},
};

/// The example of protocol.md: P-256, r and s, nonces of RFC 6979.
const EXAMPLE: &str = r#"{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#;
const EXAMPLE_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMr
CrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA==
-----END PUBLIC KEY-----
";

const TYPE: &str = "application/vnd.example+json";

/// What the envelope's payload is, and which of the keys with these seeds signed it.
fn open(text: &str, seeds: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let keys: Vec<_> = seeds.iter().map(|seed| p256_key(*seed)).collect();
    let verified = Envelope::parse(text.as_bytes()).ok()?.verify(&keys).ok()?;
    let is_signer = |seed: &&u8| verified.signers().contains(&Signer::Key(p256_key(**seed).id()));
    let signers = seeds.iter().filter(is_signer).copied().collect();
    Some((verified.into_content().bytes, signers))
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key = PublicKey::from_pem(EXAMPLE_KEY).unwrap();
    let envelope = Envelope::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(
        envelope.clone().verify(std::slice::from_ref(&key)),
        Err(NotVerified::NoKnownSigner { signatures: 1, keys: 1 }),
        "the form of signatures is configured, not guessed"
    );
    let key = key.with_scheme(Scheme::EcdsaP256Raw).unwrap();
    let verified = envelope.verify(std::slice::from_ref(&key)).unwrap();
    assert_eq!(verified.signers(), &BTreeSet::from([Signer::Key(key.id())]));
    assert_eq!(verified.content().bytes, b"hello world");
    assert_eq!(verified.content().payload_type, "http://example.com/HelloWorld");
}

#[test]
fn lengths_are_those_of_bytes() {
    assert_eq!(pae("é", "ü!".as_bytes()), "DSSEv1 2 é 3 ü!".as_bytes());
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
}

#[test]
fn keys_count_and_signatures_do_not() {
    let table: [(&[u8], &[u8], &[u8]); 8] = [
        (&[1], &[1], &[1]),
        (&[1, 1], &[1], &[1]),
        (&[1, 1], &[1, 2], &[1]),
        (&[1, 2], &[1, 2, 3], &[1, 2]),
        (&[1, 2], &[2], &[2]),
        (&[1, 2], &[3], &[]),
        (&[], &[1], &[]),
        (&[1], &[], &[]),
    ];
    for (signed_by, known, signers) in table {
        let found = open(&envelope(TYPE, b"{}", signed_by).encode(), known).map(|(_, signers)| signers);
        assert_eq!(found.unwrap_or_default(), signers, "{signed_by:?} {known:?}");
    }
}

#[test]
fn one_key_given_twice_is_one_signer() {
    let keys = [p256_key(1), p256_key(1), ed25519_key(1)];
    assert_eq!(envelope(TYPE, b"{}", &[1]).verify(&keys).unwrap().signers().len(), 1);
}

#[test]
fn what_is_not_signed_decides_nothing_and_what_is_signed_cannot_change() {
    let good = envelope(TYPE, b"{\"a\":1}", &[1, 2]).encode();
    let (first, second) = (sign(1, &pae(TYPE, b"{\"a\":1}")), sign(2, &pae(TYPE, b"{\"a\":1}")));
    let sig = |bytes: &[u8]| format!("\"sig\":\"{}\"", encoding::to_base64(bytes));
    let payload = encoding::to_base64(b"{\"a\":1}");
    let lying = format!("\"keyid\":\"{}\",", p256_key(2).id());
    let table: Vec<(&str, String, &[u8])> = vec![
        ("as it is", good.clone(), &[1, 2]),
        ("with an id that lies", replaced(&good, &sig(&first), &(lying + &sig(&first))), &[1, 2]),
        (
            "with an id of nobody",
            replaced(&good, &sig(&first), &("\"keyid\":\"\",".to_owned() + &sig(&first))),
            &[1, 2],
        ),
        ("with signatures swapped", replaced(&good, &sig(&first), &sig(&second)), &[2]),
        ("with one cut", replaced(&good, &sig(&first), &sig(&first[..9])), &[2]),
        ("as another type", replaced(&good, TYPE, "application/vnd.other+json"), &[]),
        ("with another payload", replaced(&good, &payload, &encoding::to_base64(b"{\"a\":2}")), &[]),
        ("with a space in the payload", replaced(&good, &payload, &encoding::to_base64(b"{\"a\":1} ")), &[]),
        ("for URLs", replaced(&good, &payload, &url_safe(b"{\"a\":1}")), &[1, 2]),
        ("with a signature for URLs", replaced(&good, &encoding::to_base64(&first), &url_safe(&first)), &[1, 2]),
        ("with more in it", replaced(&good, "\"payload\":", "\"more\":[{}],\"payload\":"), &[1, 2]),
    ];
    for (what, text, signers) in table {
        let found = open(&text, &[1, 2, 3]).map(|(_, signers)| signers).unwrap_or_default();
        assert_eq!(found, signers, "{what}");
    }
}

#[test]
fn what_is_no_envelope_is_refused() {
    let good = envelope(TYPE, b"{}", &[1]).encode();
    let signature = &good[good.find("[{").unwrap()..good.len() - 1];
    let many = |count: usize| replaced(&good, signature, &format!("[{}]", vec![r#"{"sig":""}"#; count].join(",")));
    let table = [
        ("as it is", good.clone(), true),
        ("nothing", String::new(), false),
        ("null", "null".to_owned(), false),
        ("followed by more", format!("{good}{{}}"), false),
        ("without a payload", replaced(&good, "\"payload\"", "\"paylaod\""), false),
        ("without a type", replaced(&good, "payloadType", "payloadtype"), false),
        ("without signatures", replaced(&good, "signatures", "signature"), false),
        ("without a sig", replaced(&good, "\"sig\"", "\"sign\""), false),
        ("with no signatures", replaced(&good, signature, "null"), false),
        ("with an empty list", many(0), true),
        ("with 32 signatures", many(32), true),
        ("with 33 signatures", many(33), false),
        ("with a long type", replaced(&good, TYPE, &"x".repeat(Envelope::MAX_TYPE_BYTES)), true),
        ("with a longer type", replaced(&good, TYPE, &"x".repeat(Envelope::MAX_TYPE_BYTES + 1)), false),
        ("with two payloads", replaced(&good, "\"payload\":", "\"payload\":\"e30=\",\"payload\":"), false),
        ("with something else twice", replaced(&good, "\"payload\":", "\"x\":1,\"x\":1,\"payload\":"), false),
        ("with a payload that is no base64", replaced(&good, "e30=", "e30!"), false),
        ("with spaces in front", format!(" {good}"), true),
        ("with a limit of spaces", " ".repeat(Envelope::MAX_BYTES - good.len()) + &good, true),
        ("with more spaces", " ".repeat(Envelope::MAX_BYTES + 1 - good.len()) + &good, false),
    ];
    for (what, text, readable) in table {
        assert_eq!(Envelope::parse(text.as_bytes()).is_ok(), readable, "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn envelopes_round_trip(payload_type: String, bytes: Vec<u8>, signatures: [(Option<String>, Vec<u8>); 3]) {
        let signature = |(keyid, bytes): (Option<String>, _)| Signature { keyid: keyid.filter(|id| !id.is_empty()), bytes };
        let payload = Payload { payload_type, bytes };
        let envelope = Envelope::new(payload, signatures.into_iter().map(signature).collect()).unwrap();
        prop_assert_eq!(Envelope::parse(envelope.encode().as_bytes()), Ok(envelope));
    }

    #[test]
    fn what_is_signed_is_told_apart(one: (String, Vec<u8>), other: (String, Vec<u8>)) {
        prop_assert_eq!(pae(&one.0, &one.1) == pae(&other.0, &other.1), one == other);
    }

    #[test]
    fn a_changed_byte_is_no_longer_signed(bytes in proptest::collection::vec(any::<u8>(), 1..40), at: prop::sample::Index, bit in 0..8) {
        let signed = envelope(TYPE, &bytes, &[1]);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1u8 << bit;
        let payload = Payload { payload_type: TYPE.to_owned(), bytes: changed };
        let changed = Envelope::new(payload, signed.signatures().to_vec()).unwrap();
        prop_assert!(signed.verify(&[p256_key(1)]).is_ok());
        prop_assert!(changed.verify(&[p256_key(1)]).is_err());
    }

    #[test]
    fn parsing_never_panics(bytes: Vec<u8>) {
        let _ = Envelope::parse(&bytes);
    }
}
