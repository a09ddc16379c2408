use super::*;
use crate::signed::testing::{envelope, p256_key, replaced};

const SHA256: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

fn statement() -> String {
    let digest = format!(r#"{{"sha256":"{SHA256}"}}"#);
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"blob","digest":{digest}}}],"predicateType":"https://example.com/p","predicate":{{"b":1.0, "a":[]}}}}"#
    )
}

fn open_as(payload_type: &str, text: &str) -> Result<Verified<Statement>, NotVerified> {
    Statement::open(envelope(payload_type, text.as_bytes(), &[1]).verify(&[p256_key(1)]).unwrap())
}

fn open(text: &str) -> Result<Statement, NotVerified> {
    open_as(PAYLOAD_TYPE, text).map(Verified::into_content)
}

#[test]
fn a_statement_says_what_was_signed_byte_by_byte() {
    let verified = open_as(PAYLOAD_TYPE, &statement()).unwrap();
    assert_eq!(verified.signers().len(), 1);
    let statement = verified.into_content();
    assert_eq!(statement.predicate_type(), "https://example.com/p");
    assert_eq!(statement.predicate(), r#"{"b":1.0, "a":[]}"#);
    assert_eq!(statement.subjects()[0].name.as_deref(), Some("blob"));
    assert!(statement.is_about(&Digest::sha256(b"hello\n")));
    assert!(!statement.is_about(&Digest::sha256(b"hello")));
    assert!(!statement.is_about(&Digest::sha512(b"hello\n")));
}

#[test]
fn the_type_of_the_payload_is_the_one_that_was_signed() {
    for other in ["application/json", "application/vnd.in-toto.test+json", "Application/vnd.in-toto+json", ""] {
        let expected = NotVerified::OtherKind { found: other.to_owned(), expected: PAYLOAD_TYPE };
        assert_eq!(open_as(other, &statement()), Err(expected));
    }
}

#[test]
fn what_a_statement_may_be() {
    let good = statement();
    let digest = format!("\"digest\":{{\"sha256\":\"{SHA256}\"}}");
    let subject = &good[good.find("[{").unwrap()..=good.find("}]").unwrap() + 1];
    let subjects =
        |count: usize| replaced(&good, subject, &format!("[{}]", vec![format!("{{{digest}}}"); count].join(",")));
    let digests = |count: usize| {
        let all: Vec<_> = (0..count).map(|place| format!("\"x{place}\":\"\"")).collect();
        replaced(&good, &digest, &format!("\"digest\":{{{}}}", all.join(",")))
    };
    let predicate = |text: &str| replaced(&good, r#"{"b":1.0, "a":[]}"#, text);
    let nested = |depth: usize| predicate(&format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)));
    let table = [
        ("as it is", good.clone(), true),
        ("of the older version", replaced(&good, "Statement/v1", "Statement/v0.1"), true),
        ("of no version", replaced(&good, "Statement/v1", "Statement/v2"), false),
        ("without a type", replaced(&good, "_type", "type"), false),
        ("without subjects", replaced(&good, "\"subject\"", "\"subjects\""), false),
        ("without a predicate type", replaced(&good, "predicateType", "predicate_type"), false),
        (
            "with a predicate type twice",
            replaced(&good, "\"predicateType\":", "\"predicateType\":\"\",\"predicateType\":"),
            false,
        ),
        ("with members that are not known", replaced(&good, "\"subject\"", "\"x\":1,\"subject\""), true),
        ("with the most subjects", subjects(Statement::MAX_SUBJECTS), true),
        ("with more subjects", subjects(Statement::MAX_SUBJECTS + 1), false),
        ("with the most digests", digests(Statement::MAX_DIGESTS), true),
        ("with more digests", digests(Statement::MAX_DIGESTS + 1), false),
        ("by name only", replaced(&good, &format!(",{digest}"), ""), false),
        ("with no digests", digests(0), false),
        ("with a digest that is no text", replaced(&good, &format!("\"{SHA256}\""), "1"), false),
        ("in upper case", replaced(&good, SHA256, &SHA256.to_uppercase()), false),
        ("cut", replaced(&good, SHA256, &SHA256[..62]), false),
        ("without a name", replaced(&good, "\"name\":\"blob\",", ""), true),
        ("with a predicate that is a list", predicate("[]"), false),
        ("with a predicate that is null", predicate("null"), true),
        ("with something twice in the predicate", predicate(r#"{"a":{"b":1,"b":1}}"#), false),
        ("nested as deep as may be", nested(encoding::DEPTH_MAX - 2), true),
        ("nested deeper", nested(encoding::DEPTH_MAX - 1), false),
        ("followed by more", good.clone() + "{}", false),
    ];
    for (what, text, readable) in table {
        assert_eq!(open(&text).is_ok(), readable, "{what}: {:?}", open(&text).err());
    }
}

#[test]
fn an_absent_predicate_is_an_empty_one() {
    let absent = replaced(&statement(), r#","predicate":{"b":1.0, "a":[]}"#, "");
    assert_eq!(open(&absent).unwrap().predicate(), "{}");
}

#[test]
fn only_digests_that_count_say_what_it_is_about() {
    let (sha512, other) = (Digest::sha512(b"hello\n"), Digest::sha256(b"other"));
    let table = [
        (format!(r#"{{"sha256":"{SHA256}"}}"#), true),
        (format!(r#"{{"sha1":"x","sha256":"{SHA256}"}}"#), true),
        (format!(r#"{{"sha512":"{}"}}"#, &sha512.to_string()[7..]), false),
        (r#"{"md5":"b1946ac92492d2347c6235b4d2611184"}"#.to_owned(), false),
        (format!(r#"{{"SHA256":"{SHA256}"}}"#), false),
        (format!(r#"{{"gitBlob":"{SHA256}"}}"#), false),
        (format!(r#"{{"sha256":"{}"}}"#, &other.to_string()[7..]), false),
    ];
    for (digest, is_about) in table {
        let text = replaced(&statement(), &format!(r#"{{"sha256":"{SHA256}"}}"#), &digest);
        assert_eq!(open(&text).unwrap().is_about(&Digest::sha256(b"hello\n")), is_about, "{digest}");
    }
}
