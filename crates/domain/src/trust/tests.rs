//! What is a public key, and what is wrong with whom a project trusts.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::PublicKeyPem;
use crate::testing::config;

#[test]
fn a_key_has_one_id_however_it_is_wrapped() {
    let der: Vec<u8> = (0..91).collect();
    let digits = BASE64_STANDARD.encode(&der);
    let wrapped = digits.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    let wrapped = wrapped.collect::<Vec<_>>().join("\n");
    let pem = |inner: &str| format!("-----BEGIN PUBLIC KEY-----\n{inner}\n-----END PUBLIC KEY-----");
    let id = |text: String| PublicKeyPem::try_from(text).map(|key| key.id().to_string());
    let first = id(pem(&digits)).expect("a key");
    assert_eq!(first, format!("key:{}", crate::Digest::sha256(&der).hex()));
    for same in [pem(&wrapped), format!("\n{}\n\n", pem(&wrapped)), pem(&wrapped).replace('\n', "\r\n")] {
        assert_eq!(id(same.clone()), Ok(first.clone()), "{same}");
    }
    let long = BASE64_STANDARD.encode(vec![0; 2049]);
    for (what, text) in [
        ("nothing", String::new()),
        ("no PEM", digits.clone()),
        ("a private key", pem(&digits).replace("PUBLIC", "PRIVATE")),
        ("no end", pem(&digits).replace("-----END PUBLIC KEY-----", "")),
        ("no bytes", pem("")),
        ("no Base64", pem("*")),
        ("two keys", format!("{}\n{}", pem(&digits), pem(&digits))),
        ("too long", pem(&long)),
    ] {
        assert!(PublicKeyPem::try_from(text).is_err(), "{what}");
    }
}

#[test]
fn what_nobody_could_mean_is_refused() {
    let cases = [
        ("trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {}}", Ok(())),
        (
            "trust: {keys: {ci: {key: pem/ci, attests: []}}}, stages: {dev: {}}",
            Err("trust.keys.ci.attests: `attests` has 1 to 50 predicate types; `\"*\"` is for all of them"),
        ),
        (
            "trust: {keys: {a: {key: pem/ci, attests: ['*']}, b: {key: pem/ci, attests: ['*']}}}, stages: {dev: {}}",
            Err("trust.keys.b.key: it is the same key as `a`, and would count as two signers"),
        ),
        (
            "trust: {keys: {ci: {key: pem/ci, attests: [type/build]}}}, stages: {dev: {gate: [{attestation: {type: type/test}}]}}",
            Err(
                "stages.dev.gate.0: `threshold` is 1, and 0 of the keys may attest `https://types.example/test`: see `trust`",
            ),
        ),
        (
            "trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test, threshold: 2}}]}}",
            Err(
                "stages.dev.gate.0: `threshold` is 2, and 1 of the keys may attest `https://types.example/test`: see `trust`",
            ),
        ),
        (
            "trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: type/test, by: [lab]}}]}}",
            Err("stages.dev.gate.0: unknown key `lab`; the keys under `trust` are: ci"),
        ),
        (
            "trust: {keys: {ci: {key: pem/ci, attests: ['*']}}}, stages: {dev: {gate: [{attestation: {type: '*'}}]}}",
            Err("stages.dev.gate.0: `type` is one predicate type: which one has to be said"),
        ),
    ];
    for (text, expected) in cases {
        let found = config(&format!("{{{text}}}")).map(drop);
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }
}
