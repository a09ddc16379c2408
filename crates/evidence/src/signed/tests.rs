use proptest::prelude::*;

use super::{
    digest::Digest,
    encoding::{self, DEPTH_MAX},
    testing::url_safe,
};
use crate::Unreadable;

/// Reads JSON that nobody is to misread.
fn read(text: &str) -> Result<serde_json::Value, Unreadable> {
    encoding::document("thing", text.as_bytes(), 1000)
}

#[test]
fn json_that_can_be_read_in_two_ways_is_refused() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let table = [
        (r#"{"a":1,"b":[{"a":null}]}"#.to_owned(), true),
        (r#"{"a":1,"a":1}"#.to_owned(), false),
        (r#"{"a":1,"\u0061":1}"#.to_owned(), false),
        (r#"{"b":[{"a":1,"c":2,"a":3}]}"#.to_owned(), false),
        (r#"{"a":1} {"a":2}"#.to_owned(), false),
        (r#"{"a":1}x"#.to_owned(), false),
        (r#"{"a":1,}"#.to_owned(), false),
        ("{\"a\":1}\n".to_owned(), true),
        (nested(DEPTH_MAX), true),
        (nested(DEPTH_MAX + 1), false),
        (format!("\"{}\"", "x".repeat(998)), true),
        (format!("\"{}\"", "x".repeat(999)), false),
    ];
    for (text, readable) in table {
        assert_eq!(read(&text).is_ok(), readable, "{text}");
    }
}

#[test]
fn base64_is_read_in_both_alphabets_and_never_loosely() {
    let table = [
        ("", Some(&b""[..])),
        ("++8=", Some(&[0xfb, 0xef])),
        ("--8=", Some(&[0xfb, 0xef])),
        ("++8", Some(&[0xfb, 0xef])),
        ("--8", Some(&[0xfb, 0xef])),
        ("+-8=", None),
        ("++9=", None),
        ("++8==", None),
        ("+ +8=", None),
        ("++8=\n", None),
    ];
    for (text, expected) in table {
        assert_eq!(encoding::base64(text).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn digests_are_lower_case_and_of_algorithms_that_count() {
    let sha256 = format!("sha256:{}", "ab".repeat(32));
    let sha512 = format!("sha512:{}", "ab".repeat(64));
    let table = [
        (sha256.clone(), true),
        (sha512.clone(), true),
        (sha256.to_uppercase(), false),
        (sha256.replace("ab", "AB"), false),
        (sha256[..70].to_owned(), false),
        (format!("{sha256}ab"), false),
        (sha512.replace("sha512", "sha256"), false),
        (format!("sha1:{}", "ab".repeat(20)), false),
        (format!("md5:{}", "ab".repeat(16)), false),
        ("ab".repeat(32), false),
        (String::new(), false),
    ];
    for (text, is_digest) in table {
        assert_eq!(
            text.parse::<Digest>().map(|digest| digest.to_string()).ok(),
            is_digest.then(|| text.clone()),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn base64_round_trips(bytes: Vec<u8>) {
        prop_assert_eq!(encoding::base64(&encoding::to_base64(&bytes)), Ok(bytes.clone()));
        prop_assert_eq!(encoding::base64(&url_safe(&bytes)), Ok(bytes));
    }

    #[test]
    fn digests_round_trip(bytes: Vec<u8>, text: String) {
        for digest in [Digest::sha256(&bytes), Digest::sha512(&bytes)] {
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        }
        let _ = text.parse::<Digest>();
    }
}
