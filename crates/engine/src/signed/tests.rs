//! What signed documents come to, and what does not count.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::{Digest, EvidenceResult, PublicKeyPem, Trust, TrustedKey};
use ed25519_dalek::{Signer as _, SigningKey};
use evidence::signed::dsse::pae;
use serde_json::{Value, json};

use super::{NotOpened, Signed, check_key, open};

const STATEMENT: &str = "application/vnd.in-toto+json";

fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(Digest::sha256(name.as_bytes()).hex().as_bytes()[..32].try_into().expect("32 bytes"))
}

/// What RFC 8410 writes around an Ed25519 key.
fn pem(name: &str) -> String {
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&prefix[..], key(name).verifying_key().as_bytes()].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der))
}

fn trust(names: &[&str]) -> Trust {
    let trusted = |name: &&str| {
        let key = PublicKeyPem::try_from(pem(name)).expect("a key");
        let attests = vec!["*".parse().expect("a type")];
        (name.parse().expect("a name"), TrustedKey { key, attests, retired: None, revoked: None })
    };
    Trust { keys: names.iter().map(trusted).collect() }
}

fn subject() -> Digest {
    Digest::sha256(b"web")
}

fn statement(predicate_type: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "web", "digest": {"sha256": subject().hex()}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

fn envelope(payload_type: &str, payload: &Value, by: &[&str]) -> Vec<u8> {
    let payload = payload.to_string();
    let signed = pae(payload_type, payload.as_bytes());
    let signature =
        |name: &&str| json!({"keyid": "any", "sig": BASE64_STANDARD.encode(key(name).sign(&signed).to_bytes())});
    let signatures: Vec<_> = by.iter().map(signature).collect();
    let payload = BASE64_STANDARD.encode(payload);
    json!({"payload": payload, "payloadType": payload_type, "signatures": signatures}).to_string().into_bytes()
}

/// A predicate type, a predicate, and what it comes to: kind, result, claims.
type Case<'a> = (&'a str, Value, &'a str, EvidenceResult, &'a [(&'a str, &'a str)]);

#[track_caller]
fn check(cases: &[Case<'_>]) {
    for (predicate_type, predicate, kind, result, claims) in cases {
        let document = envelope(STATEMENT, &statement(predicate_type, predicate), &["ci"]);
        let opened = open(&trust(&["ci"]), &subject(), &Signed::Document(document.into()))
            .unwrap_or_else(|error| panic!("{predicate}: {error}"));
        assert_eq!((opened.kind.as_str(), opened.result), (*kind, *result), "{predicate}");
        let claimed = |(claim, value): &(&str, &str)| ((*claim).to_owned(), (*value).to_owned());
        let expected: BTreeMap<_, _> = claims.iter().map(claimed).collect();
        assert_eq!(opened.statement.claims, expected, "{predicate}");
        assert_eq!(opened.statement.predicate.as_str(), *predicate_type);
    }
}

#[test]
fn what_is_known_of_a_build_is_claimed() {
    const V1: &str = "https://slsa.dev/provenance/v1";
    let build = json!({
        "buildDefinition": {
            "buildType": "https://builds.example/make",
            "externalParameters": {"workflow": {"repository": "https://git.example/web", "ref": "refs/heads/main"}},
        },
        "runDetails": {"builder": {"id": "https://ci.example"}},
    });
    let from_materials = json!({
        "buildDefinition": {"externalParameters": {}, "resolvedDependencies": [{"uri": "git+https://git.example/web"}]},
        "runDetails": {"builder": {"id": "https://ci.example"}},
    });
    let old = json!({
        "builder": {"id": "https://ci.example"},
        "buildType": "make",
        "invocation": {"configSource": {"uri": "git+https://git.example/web"}},
    });
    let all = [
        ("build-type", "https://builds.example/make"),
        ("builder", "https://ci.example"),
        ("ref", "refs/heads/main"),
        ("source", "https://git.example/web"),
    ];
    let materials = [("builder", "https://ci.example"), ("source", "git+https://git.example/web")];
    let of_old = [("build-type", "make"), materials[0], materials[1]];
    let odd = json!({"runDetails": {"builder": {"id": 7}}});
    let long = json!({"runDetails": {"builder": {"id": "b".repeat(500)}}});
    check(&[
        (V1, build, "provenance", EvidenceResult::Passed, &all),
        (V1, from_materials, "provenance", EvidenceResult::Passed, &materials),
        ("https://slsa.dev/provenance/v0.2", old, "provenance", EvidenceResult::Passed, &of_old),
        (V1, odd, "provenance", EvidenceResult::Passed, &[]),
        (V1, long, "provenance", EvidenceResult::Passed, &[]),
    ]);
}

#[test]
fn what_says_good_or_bad_is_good_or_bad() {
    use EvidenceResult::{Failed, Passed, Warned};
    const TESTS: &str = "https://in-toto.io/attestation/test-result/v0.1";
    const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
    let tests = |result: &str, failed: &[&str]| json!({"result": result, "configuration": [{"name": "unit"}], "failedTests": failed});
    let summary = |result: &str| {
        let verifier = json!({"id": "https://verifier.example"});
        json!({"verifier": verifier, "resourceUri": "r", "verificationResult": result})
    };
    let by = [("resource", "r"), ("verifier", "https://verifier.example")];
    check(&[
        (TESTS, tests("PASSED", &[]), "tests", Passed, &[("failed", "0"), ("suite", "unit")]),
        (TESTS, tests("WARNED", &[]), "tests", Warned, &[("failed", "0"), ("suite", "unit")]),
        (TESTS, tests("FAILED", &["a"]), "tests", Failed, &[("failed", "1"), ("suite", "unit")]),
        (SUMMARY, summary("PASSED"), "vsa", Passed, &by),
        (SUMMARY, summary("FAILED"), "vsa", Failed, &by),
        (SUMMARY, summary("passed"), "vsa", Failed, &by),
    ]);
}

#[test]
fn a_scan_is_as_bad_as_the_worst_that_it_found() {
    const SCAN: &str = "https://in-toto.io/attestation/vulns/v0.2";
    let scan = |scores: &[&str]| {
        let found = |score: &&str| json!({"id": "CVE-1", "severity": [{"method": "nvd", "score": score}]});
        let scanner = json!({"uri": "pkg:s", "db": {}, "result": scores.iter().map(found).collect::<Vec<_>>()});
        let at = "2026-01-01T00:00:00Z";
        json!({"scanner": scanner, "metadata": {"scanStartedOn": at, "scanFinishedOn": at}})
    };
    let counted = |critical, medium| {
        [
            ("critical", critical),
            ("high", "0"),
            ("low", "0"),
            ("medium", medium),
            ("scanner", "pkg:s"),
            ("unknown", "0"),
        ]
    };
    check(&[
        (SCAN, scan(&[]), "scan", EvidenceResult::Passed, &counted("0", "0")),
        (SCAN, scan(&["5.0"]), "scan", EvidenceResult::Warned, &counted("0", "1")),
        (SCAN, scan(&["9.8", "5.0"]), "scan", EvidenceResult::Failed, &counted("1", "1")),
    ]);
}

#[test]
fn what_only_says_something_says_so() {
    let cases = [
        ("https://sigstore.dev/cosign/sign/v1", "signature"),
        ("https://openvex.dev/ns", "vex"),
        ("https://openvex.dev/ns/v0.2.0", "vex"),
        ("https://openvex.dev/nsfw", "attestation"),
        ("https://types.example/anything", "attestation"),
    ];
    check(&cases.map(|(predicate_type, kind)| (predicate_type, json!({}), kind, EvidenceResult::Passed, &[][..])));
    let bill =
        json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "p"}]});
    let claims = [("components", "1"), ("format", "CycloneDX 1.6")];
    check(&[("https://cyclonedx.org/bom", bill, "sbom", EvidenceResult::Passed, &claims)]);
}

#[test]
fn of_several_signers_those_whom_the_project_knows_are_kept() {
    let document =
        envelope(STATEMENT, &statement("https://types.example/a", &json!({})), &["ci", "mallory", "lab", "ci"]);
    let known = trust(&["ci", "lab", "other"]);
    let signers = open(&known, &subject(), &Signed::Document(document.into())).expect("it is opened").statement.signers;
    let expected = ["ci", "lab"].map(|name| known.keys[&name.parse().expect("a name")].key.id().clone());
    assert_eq!(signers, expected.into());
}

#[test]
fn what_does_not_count_says_why() {
    let good = statement("https://types.example/a", &json!({}));
    let mut other = good.clone();
    other["subject"][0]["digest"]["sha256"] = Digest::sha256(b"other").hex().into();
    let mut weak = good.clone();
    weak["subject"][0]["digest"] = json!({"sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709"});
    let by_ci = envelope(STATEMENT, &good, &["ci"]);
    let mut changed: Value = serde_json::from_slice(&by_ci).expect("JSON");
    changed["payload"] = BASE64_STANDARD.encode(other.to_string()).into();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        (
            "signed by a stranger",
            envelope(STATEMENT, &good, &["mallory"]),
            "none of its 1 signatures is by one of the 1 keys",
        ),
        ("changed afterwards", changed.to_string().into_bytes(), "none of its 1 signatures"),
        (
            "about something else",
            envelope(STATEMENT, &other, &["ci"]),
            "it is about `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`, and not about",
        ),
        ("about a weak digest", envelope(STATEMENT, &weak, &["ci"]), "nothing with a digest that counts"),
        ("another payload type", envelope("text/plain", &good, &["ci"]), "it is signed as `text/plain`"),
        ("no JSON", b"hello".to_vec(), "neither a DSSE envelope nor a Sigstore bundle"),
        ("no such form", b"{}".to_vec(), "either `payloadType` or `mediaType`"),
        (
            "a predicate that is not what it says",
            envelope(
                STATEMENT,
                &statement("https://in-toto.io/attestation/test-result/v0.1", &json!({"result": "FINE"})),
                &["ci"],
            ),
            "its predicate is no `https://in-toto.io/attestation/test-result/v0.1`",
        ),
        (
            "a type that is no URI",
            envelope(STATEMENT, &statement("anything", &json!({})), &["ci"]),
            "`anything` is no predicate type",
        ),
    ];
    for (what, document, says) in cases {
        let problem =
            open(&trust(&["ci"]), &subject(), &Signed::Document(document.into())).expect_err(what).to_string();
        assert!(problem.contains(says), "{what}: {problem}");
    }
    let nobody = open(&Trust::default(), &subject(), &Signed::Document(by_ci.into()));
    assert!(matches!(nobody, Err(NotOpened::NotVerified(_))), "{nobody:?}");
}

#[test]
fn keys_are_checked_before_they_are_trusted() {
    assert_eq!(check_key(&pem("ci")).map_err(|error| error.to_string()), Ok(()));
    let hollow = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", BASE64_STANDARD.encode("ci"));
    assert!(check_key(&hollow).is_err());
}

/// What was signed is the same word, whatever it comes wrapped in.
#[test]
fn a_statement_is_known_by_what_was_signed() {
    let said = statement("https://types.example/a", &json!({}));
    let known = trust(&["ci", "lab"]);
    let digest = |document: &[u8]| {
        open(&known, &subject(), &Signed::Document(Bytes::copy_from_slice(document)))
            .expect("it is opened")
            .statement
            .digest
    };
    let first = digest(&envelope(STATEMENT, &said, &["ci"]));
    assert_eq!(digest(&envelope(STATEMENT, &said, &["lab", "ci"])), first, "signed once more");
    let parsed: Value = serde_json::from_slice(&envelope(STATEMENT, &said, &["ci"])).expect("JSON");
    assert_eq!(digest(format!("{parsed:#}\n").as_bytes()), first, "spelled otherwise");
    let key = json!({"publicKey": {"hint": "any"}});
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": key,
        "dsseEnvelope": parsed,
    });
    assert_eq!(digest(bundle.to_string().as_bytes()), first, "in a bundle");
    let other = statement("https://types.example/a", &json!({"at": "another time"}));
    assert_ne!(digest(&envelope(STATEMENT, &other, &["ci"])), first);
}

#[test]
fn an_image_that_is_signed_in_the_old_way_is_signed() {
    let payload = |digest: &Digest| {
        let image = json!({"docker-manifest-digest": digest.as_str()});
        let identity = json!({"docker-reference": "elsewhere.example/anything"});
        json!({"critical": {"identity": identity, "image": image, "type": "cosign container image signature"}, "optional": null})
            .to_string()
    };
    let signature = |payload: &str, by: &str| BASE64_STANDARD.encode(key(by).sign(payload.as_bytes()).to_bytes());
    let opens = |payload: &str, by: &str| {
        open(
            &trust(&["ci"]),
            &subject(),
            &Signed::Image(Bytes::copy_from_slice(payload.as_bytes()), signature(payload, by)),
        )
    };
    let (good, other) = (payload(&subject()), payload(&Digest::sha256(b"other")));
    let opened = opens(&good, "ci").expect("it is opened");
    assert_eq!(
        (opened.kind.as_str(), opened.statement.predicate.as_str()),
        ("signature", "https://sigstore.dev/cosign/sign/v1")
    );
    assert!(matches!(opens(&good, "mallory"), Err(NotOpened::NotVerified(_))));
    assert!(matches!(opens(&other, "ci"), Err(NotOpened::OtherSubject { .. })));
}
