use proptest::prelude::*;

use super::{Algorithm, Digest};

#[test]
fn known_digests() {
    // FIPS 180-4: the empty message and "abc".
    for (bytes, sha256, sha512) in [
        (
            &b""[..],
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        for (algorithm, digest, hex) in
            [(Algorithm::Sha256, Digest::sha256(bytes), sha256), (Algorithm::Sha512, Digest::sha512(bytes), sha512)]
        {
            assert_eq!(digest.to_string(), format!("{algorithm}:{hex}"));
            assert_eq!((digest.algorithm(), digest.hex(), digest.short()), (algorithm, hex, &hex[..12]));
            assert_eq!(Digest::of(algorithm, bytes), digest);
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
    }
}

#[test]
fn one_digest_has_one_spelling() {
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(format!("sha256:{hex}").parse::<Digest>().is_ok());
    for text in [
        String::new(),
        hex.to_owned(),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}0"),
        format!("sha512:{hex}"),
        format!("sha256:{hex}{hex}"),
        format!(" sha256:{hex}"),
        format!("sha256:{hex}\n"),
        format!("sha256: {}", &hex[1..]),
        format!("sha256:{}é", &hex[2..]),
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709".into(),
        "md5:d41d8cd98f00b204e9800998ecf8427e".into(),
    ] {
        let invalid = text.parse::<Digest>().expect_err("no digest");
        assert_eq!(invalid.text, text);
        assert!(serde_json::from_value::<Digest>(text.into()).is_err());
    }
}

#[test]
fn other_hash_functions_have_no_spelling() {
    for text in ["", "sha1", "md5", "sha384", "SHA256", "sha256 ", "sha512:"] {
        let unknown = text.parse::<Algorithm>().expect_err("no hash function of digests");
        assert_eq!(unknown.text, text);
    }
}

#[test]
#[should_panic(expected = "fixed length")]
fn a_hash_of_another_length_is_a_mistake_of_the_code() {
    Digest::from_hash(Algorithm::Sha256, &[0; 31]);
}

proptest! {
    #[test]
    fn digests_are_read_as_they_are_written(bytes: Vec<u8>) {
        for digest in [Digest::sha256(&bytes), Digest::sha512(&bytes)] {
            prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest.clone()));
            prop_assert_eq!(serde_json::from_value::<Digest>(serde_json::to_value(&digest).unwrap()).unwrap(), digest);
        }
    }

    #[test]
    fn no_text_is_read_as_another(text in "(sha(256|512):)?[0-9a-fA-F:]{60,70}|\\PC{0,300}") {
        match text.parse::<Digest>() {
            Ok(digest) => prop_assert_eq!(digest.as_str(), text),
            Err(invalid) => prop_assert!(invalid.text.chars().count() <= 200),
        }
    }
}
