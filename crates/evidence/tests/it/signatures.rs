//! The vectors of Wycheproof: signatures of which it is known whether they hold, most of them made to fool a verifier.

use evidence::signed::key::{Message, PublicKey, Scheme};
use serde::Deserialize;

use super::data;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key_pem: String,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: usize,
    comment: String,
    msg: String,
    sig: String,
    result: String,
}

const FILES: &[(&str, Scheme)] = &[
    ("ecdsa_secp256r1_sha256_test.json", Scheme::EcdsaP256),
    ("ecdsa_secp256r1_sha256_p1363_test.json", Scheme::EcdsaP256Raw),
    ("ed25519_test.json", Scheme::Ed25519),
];

#[test]
#[cfg_attr(not(test_data), ignore = "the vectors are not there")]
fn signatures_hold_if_and_only_if_they_are_valid() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (file, scheme) in FILES {
        let text = std::fs::read_to_string(data::path("signatures").join(file)).expect("a readable file");
        let vectors: Vectors = serde_json::from_str(&text).expect("vectors");
        let before = compared;
        for group in vectors.test_groups {
            let key =
                PublicKey::from_pem(&group.public_key_pem).and_then(|key| key.with_scheme(*scheme)).expect("a key");
            for case in group.tests {
                let message = hex::decode(&case.msg).expect("hexadecimal digits");
                let signature = hex::decode(&case.sig).expect("hexadecimal digits");
                let expected = match case.result.as_str() {
                    "valid" => true,
                    "invalid" => false,
                    // What some may accept and others refuse would have to be decided on; there is none in these files.
                    other => panic!("{file}: {}: `{other}`", case.tc_id),
                };
                compared += 1;
                if key.verifies(&Message::of_bytes(&message), &signature) != expected {
                    wrong.push(format!("{file}: {}: {}: expected {expected}", case.tc_id, case.comment));
                }
            }
        }
        assert_eq!(compared - before, vectors.number_of_tests, "{file}");
    }
    assert!(wrong.is_empty(), "{} of {compared} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(compared, 897);
}
