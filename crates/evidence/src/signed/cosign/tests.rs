use super::*;
use crate::signed::testing::{BLOB, envelope, p256_key, pem, replaced, sign, url_safe};

fn layer() -> String {
    let digest = Digest::sha256(BLOB);
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"registry.example/app"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    )
}

fn open(layer: &str, seed: u8) -> Result<Digest, NotVerified> {
    let annotation = encoding::to_base64(&sign(seed, layer.as_bytes()));
    SimpleSigning::open(layer.as_bytes(), &annotation, &[p256_key(1), p256_key(2)])
        .map(|signed| *signed.content().digest())
}

#[test]
fn a_layer_is_about_the_digest_in_it_wherever_it_lies() {
    let elsewhere = replaced(&layer(), "registry.example/app", "elsewhere.example/other");
    let nowhere = replaced(&layer(), r#""identity":{"docker-reference":"registry.example/app"},"#, "");
    for layer in [layer(), elsewhere, nowhere, replaced(&layer(), "null", "{\"a\":1}")] {
        assert_eq!(open(&layer, 1), Ok(Digest::sha256(BLOB)), "{layer}");
        assert_eq!(open(&layer, 3), Err(NotVerified::NoKnownSigner { signatures: 1, keys: 2 }));
    }
}

#[test]
fn what_is_no_signed_image_is_refused_even_when_it_is_signed() {
    let good = layer();
    let table = [
        replaced(&good, "cosign container image signature", "atomic container signature"),
        replaced(&good, "docker-manifest-digest", "Docker-manifest-digest"),
        replaced(&good, "sha256:", "sha1:"),
        replaced(&good, "sha256:", "sha256:00"),
        replaced(&good, "\"optional\"", "\"critical\""),
        good.clone() + "{}",
        String::new(),
        " ".repeat(SimpleSigning::MAX_BYTES + 1) + &good,
    ];
    for layer in table {
        assert!(open(&layer, 1).is_err(), "{layer}");
    }
}

#[test]
fn the_annotation_is_the_signature_of_these_very_bytes() {
    let (layer, key) = (layer(), [p256_key(1)]);
    let signature = sign(1, layer.as_bytes());
    let table = [
        (layer.clone(), encoding::to_base64(&signature), true),
        (layer.clone(), url_safe(&signature), true),
        (layer.clone() + "\n", encoding::to_base64(&signature), false),
        (layer.clone(), String::new(), false),
        (layer.clone(), "!".to_owned(), false),
        (layer.clone(), encoding::to_base64(&sign(2, layer.as_bytes())), false),
    ];
    for (layer, annotation, accepted) in table {
        assert_eq!(SimpleSigning::open(layer.as_bytes(), &annotation, &key).is_ok(), accepted, "{annotation}");
    }
}

/// cosign takes the key from the file, and then anybody's signature is as good as any.
#[test]
fn a_key_that_comes_with_a_signature_is_not_believed() {
    let signed = |seed: u8, cert: &str| {
        let signature = encoding::to_base64(&sign(seed, BLOB));
        format!(r#"{{"base64Signature":"{signature}","cert":"{cert}"}}"#)
    };
    let table = [
        (signed(1, ""), true),
        (signed(1, &encoding::to_base64(pem(2).as_bytes())), true),
        (signed(2, &encoding::to_base64(pem(2).as_bytes())), false),
        (signed(2, &encoding::to_base64(pem(1).as_bytes())), false),
    ];
    for (text, accepted) in table {
        let signature = BlobSignature::parse(text.as_bytes()).unwrap();
        let found = signature.verify(&Message::of_bytes(BLOB), &[p256_key(1)]);
        assert_eq!(found.map(|signed| *signed.content()).ok(), accepted.then(|| Digest::sha256(BLOB)), "{text}");
        assert!(signature.verify(&Message::of_bytes(b"other"), &[p256_key(1)]).is_err());
        let by_sha512 = signature.verify(&Message::of_digest(&Digest::sha512(BLOB)), &[p256_key(1)]);
        assert!(matches!(by_sha512, Err(NotVerified::Unsupported { .. })));
    }
}

#[test]
fn an_attestation_lies_where_the_signature_would() {
    let envelope = envelope("type", b"{}", &[1]);
    let text = format!(r#"{{"base64Signature":"{}"}}"#, encoding::to_base64(envelope.encode().as_bytes()));
    assert_eq!(BlobSignature::parse(text.as_bytes()).unwrap().envelope(), Ok(envelope));
    let text = r#"{"base64Signature":"AAAA"}"#;
    assert!(BlobSignature::parse(text.as_bytes()).unwrap().envelope().is_err());
    assert!(BlobSignature::parse(b"{}").is_err());
}
