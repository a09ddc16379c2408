//! The keys and signatures below were made with OpenSSL.

use super::*;
use crate::signed::{
    encoding,
    testing::{BLOB, ed25519, ed25519_key, p256_key, pem, sign, sign_raw},
};
use p256::ecdsa::signature::Signer as _;

/// A key of 2048 bits.
const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4wnKL6lchc6B5EnpCq6XadJfKMoiw42ChxLni01J3+qY/rjlFMJdMSGb\
     VU45F1KMYJbRUJj0eD18psraOTUXT0WzLACN+/9T0NEPDIReuRTkZFny3RgRvdMJZKNnTnzG7ecMSJlzDiYukOQ+szkalafpxQJt\
     6v6gzrTrCoU5c2fo6ak9dRJcO+b4P382sep5KaFWQuKAS4+OiO1YnN5cU9ebHLFOpTsC9+tagGPF5I8ioNVZFnMNQDTPytVlmXtc\
     OBcapCSs+B08wYub7YWNTULQDalr708UfVHnK4Ns6XlbFvt3d/WriZmoi2lC/QkObhFw3M0QUP1vjf0KCpaXcQIDAQAB";
/// PKCS#1 v1.5 over SHA-256.
const RSA_SIGNATURE: &str = "2Enig6I9B1B5QXNd0o8T/OMcPx+yz9uMOGMEPAAhCMptsH8a7zJufScgVtN047nfpOrzqiZacDmSTkTyNN8CKtAIRt58BGJMMSMy\
     3ZWZiQFsKro70FcmXrO9kxWt6797YJZtC0ao6MekHgPpdRct7QnPBnB6LfZ+QZSSQGE0jzzS8xKHYvHfmDHA8mYuV1OD5hcqJTYh\
     Qeo3qME1NO7jEucaIhZLweztkL8zIFsVef/ICmInlYhqFp/GYiZHvd6Ujr4cR+/2Js9npw1RL68JUh8DKHK8KTQPsYx1fb5xa6k2\
     EcdzXkfTXReN/oexwtJEc/Nvxc0Zzqt3i4tjjYTMnA==";
/// PSS over SHA-256, by the same key.
const RSA_PSS_SIGNATURE: &str = "qJf8vXxhoGZxs31LkGgnEKQGsi0Xt1clMf+ompv6hu+5nlo/y0tW4tPUNQX/T2icDpcziBjs5zVlxrII5xI3mbo/GHzK/Dw1pXRN\
     +CkV0zvEpScMAu5xl/IAmFf3UvK61odizv158d7hvu4WkbLYfd5bLQRkywAZpg5367dmY3F1pgJ86r2oK3rdsf4RXt309lBdquGe\
     mdLGOuH/s8VQ4ILXOSckBc+Jl/jW/I2gX8xgQG+W7IhoP7JmUOlZlFKg93vzJFlXo9NCmraeNZrjycQL+xe6gjWgo+0q8fzk7xJ5\
     qlKunxf5IWBNHgEPgmv9p8MAjJBratYwph5p/8D+dQ==";
/// A key of 1024 bits.
const RSA_SHORT: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDhM4gJ45ktlQ5KYUKmNwnslEF2Ee2LWlUxSxkcNto+0hmMd+47/Fcqd50zBz4e\
     0NSt8BtmqHcQRyEtkzfeuSAKAP3tduJDd7La7b0KOeHYeFW2SVTPX3J3U4Onmbn0JsbFO3psxvhW97oLrTz3eEiPRcGQgbPrdWN3\
     lAF44tfaFQIDAQAB";
/// A key of 2048 bits whose exponent is 3.
const RSA_EXPONENT_3: &str = "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEA1xn/IiP1Qza2O/5WIeLLk8ZOAFOlDlCuDabUD21BsspL5RUAJ1dZIEXO\
     mjzb4q5PJpSYvfk08uqxtn2F3aATqLGroMIWrY9Jnn66oxJhly7AB30b5ooHU7rfl+jRjyyq85LlI/yl9kVgBDchCfUEyCz45iDn\
     /caCHEj+cKr3o8Z+YBzFE9e186Nm817qEelkKgcna6aBrrrju+h8VXerhR9HWl3IuUj7yghFyP8Qkx28uEDujMhsIld+CNQa4dMh\
     JVBIYhbAQ9FCmeKFlbRAtzTc+ny7TRfQpyOrlSqCerTIUQV9r8K/N1SZKQRgu4/4Vb7PwWiQ1wk4dzuFJW0WEQIBAw==";
/// A key on P-384.
const P384: &str = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEw9URGT15Fida1MSG0pkjxND1gNZg77mSgTb8YyZqfxB5I4eFgnE99qAywQ0K1+9mMCiX\
     7o/ouxc61w0td1v/4vULbCI6WKmoRIYNNJmSyUa2ZypsVPlpEHYmH4LiqB5C";
/// Over SHA-384.
const P384_SIGNATURE: &str = "MGQCMD/L4YB2Y3PkCCUDRYiGTaJAGDUfWxnRtkSPkyR2x858YFfGJ7g7fu/3WkqRHzMinQIwLk+4pQRLR2DcqjTKJCjKwR3F52Gu\
     rts/sXOpBDrQQ5OHPkewiPKOzCNe0wGXeQdy";
/// Over SHA-256.
const P384_SHA256_SIGNATURE: &str = "MGQCMHOt/2A/blJQGxTPnA+tuertY733PhEN0BTdvt1WPOLBk4PUm+3sFrsRduq+rSKVZQIwBfIL3oexzfutv5U9Eszz/K6AoWfJ\
     QsK4LdRLx72Xd3Cuv7fu/4jRcli8y4QWh2y7";
/// The same key, its point compressed.
const P384_COMPRESSED: &str =
    "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgACw9URGT15Fida1MSG0pkjxND1gNZg77mSgTb8YyZqfxB5I4eFgnE99qAywQ0K1+9m";
/// A key on P-521.
const P521: &str = "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBuz9/VaGy948tRll5a9LdqPUpHKL2XkZSiBZHVYud7nF5IUd3TmlXMONyvUWIw83r\
     O/686ecIO3lyzbLOTXfR6CYA6NP2m6GYcYjoePqsgeCWjoTmtl245khBMvTMX9DYNjBfS3chbQybES0A5c2NG5IW+WEByeoULh1+\
     XKswiXPnslE=";

fn key(base64: &str) -> Result<PublicKey, KeyError> {
    PublicKey::from_der(&encoding::base64(base64).unwrap())
}

fn bytes(base64: &str) -> Vec<u8> {
    encoding::base64(base64).unwrap()
}

#[test]
fn keys_verify_what_they_signed_by_their_own_scheme_only() {
    let hashed = Digest::sha256(BLOB);
    let by_bytes = Message::of_bytes(BLOB);
    let by_digest = Message::of_digest(&hashed);
    let ed25519ph = ed25519(5).sign_prehashed(Sha512::new_with_prefix(BLOB), None).unwrap().to_vec();
    // the key, its signature, whether it verifies given the bytes, and given only their digest
    let table = [
        (key(RSA).unwrap(), bytes(RSA_SIGNATURE), true, true),
        (key(RSA).unwrap(), bytes(RSA_PSS_SIGNATURE), false, false),
        (key(P384).unwrap(), bytes(P384_SIGNATURE), true, false),
        (key(P384).unwrap().with_scheme(Scheme::EcdsaP384Sha256).unwrap(), bytes(P384_SIGNATURE), false, false),
        (key(P384).unwrap().with_scheme(Scheme::EcdsaP384Sha256).unwrap(), bytes(P384_SHA256_SIGNATURE), true, true),
        (key(P384).unwrap(), bytes(P384_SHA256_SIGNATURE), false, false),
        (key(P384).unwrap(), bytes(RSA_SIGNATURE), false, false),
        (p256_key(5), sign(5, BLOB), true, true),
        (p256_key(5), sign_raw(5, BLOB), false, false),
        (p256_key(5).with_scheme(Scheme::EcdsaP256Raw).unwrap(), sign_raw(5, BLOB), true, true),
        (p256_key(5).with_scheme(Scheme::EcdsaP256Raw).unwrap(), sign(5, BLOB), false, false),
        (p256_key(5), sign(6, BLOB), false, false),
        (p256_key(5), sign(5, b"other bytes"), false, false),
        (ed25519_key(5), ed25519(5).sign(BLOB).to_vec(), true, false),
        (ed25519_key(5), ed25519ph.clone(), false, false),
        (ed25519_key(5).with_scheme(Scheme::Ed25519ph).unwrap(), ed25519ph, true, false),
        (ed25519_key(5).with_scheme(Scheme::Ed25519ph).unwrap(), ed25519(5).sign(BLOB).to_vec(), false, false),
    ];
    for (place, (key, signature, given_bytes, given_digest)) in table.into_iter().enumerate() {
        assert_eq!(key.verifies(&by_bytes, &signature), given_bytes, "{place}: {:?}", key.scheme());
        assert_eq!(key.verifies(&by_digest, &signature), given_digest, "{place}: {:?}", key.scheme());
        for cut in [0, 1, signature.len() - 1] {
            assert!(!key.verifies(&by_bytes, &signature[..cut]), "{place}: cut to {cut}");
        }
        let mut longer = signature;
        longer.push(0);
        assert!(!key.verifies(&by_bytes, &longer), "{place}: with a byte more");
    }
}

#[test]
fn sha512_is_no_digest_that_a_signature_is_over() {
    assert!(!p256_key(5).verifies(&Message::of_digest(&Digest::sha512(BLOB)), &sign(5, BLOB)));
}

#[test]
fn keys_that_cannot_be_used_are_refused() {
    let weak = "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let table = [
        ("", KeyError::Der),
        ("MAA=", KeyError::Der),
        (RSA_SHORT, KeyError::Weak("an RSA key has 2048 bits or more")),
        (RSA_EXPONENT_3, KeyError::Weak("the public exponent of an RSA key is 65537 or more")),
        (weak, KeyError::Weak("it is a point of small order")),
        (P384_COMPRESSED, KeyError::Der),
        (P521, KeyError::Algorithm("1.3.132.0.35".to_owned())),
    ];
    for (text, expected) in table {
        assert_eq!(key(text).unwrap_err(), expected, "{text}");
    }
    let mut trailing = bytes(P384);
    trailing.push(0);
    assert_eq!(PublicKey::from_der(&trailing), Err(KeyError::Der));
    let good = pem(5);
    let table = [
        ("", false),
        (&*good, true),
        (good.trim_end(), true),
        (&*good.replace('\n', "\r\n"), true),
        (&*good.replace("PUBLIC", "PRIVATE"), false),
        (&*good.replace("PUBLIC KEY", "CERTIFICATE"), false),
        (&*good.replace("-----END", "!-----END"), false),
        (&*"\n".repeat(PublicKey::MAX_BYTES + 1), false),
    ];
    for (text, usable) in table {
        assert_eq!(PublicKey::from_pem(text).is_ok(), usable, "{text}");
    }
}

#[test]
fn a_key_signs_only_by_schemes_of_its_kind() {
    use Scheme::{EcdsaP256, EcdsaP256Raw, EcdsaP384, EcdsaP384Sha256, Ed25519, Ed25519ph, RsaPkcs1};
    let table: [(PublicKey, &[Scheme]); 4] = [
        (p256_key(5), &[EcdsaP256, EcdsaP256Raw]),
        (key(P384).unwrap(), &[EcdsaP384, EcdsaP384Sha256]),
        (ed25519_key(5), &[Ed25519, Ed25519ph]),
        (key(RSA).unwrap(), &[RsaPkcs1]),
    ];
    for (key, fitting) in table {
        assert_eq!(key.scheme(), fitting[0]);
        for scheme in [EcdsaP256, EcdsaP256Raw, EcdsaP384, EcdsaP384Sha256, Ed25519, Ed25519ph, RsaPkcs1] {
            let expected = if fitting.contains(&scheme) { Ok(key.id()) } else { Err(KeyError::Scheme(scheme)) };
            assert_eq!(key.clone().with_scheme(scheme).map(|key| key.id()), expected);
        }
    }
}

#[test]
fn the_id_is_the_hash_of_the_key_in_der() {
    let key = key(P384).unwrap();
    assert_eq!(key.id().to_string(), hex::encode(Sha256::digest(bytes(P384))));
    assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    assert_eq!(key.id().to_string().to_uppercase().parse::<KeyId>(), Err(InvalidKeyId));
    assert_ne!(p256_key(5).id(), p256_key(6).id());
}
