use proptest::prelude::*;

use super::*;

/// RFC 6962 test values, as published with the certificate transparency reference code.
#[test]
fn known_hashes() {
    let cases = [
        (empty_root(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (leaf_hash(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (leaf_hash(b"L123456"), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"),
        (
            node_hash(&leaf_hash(b""), &leaf_hash(b"\0")),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ),
    ];
    for (hash, wanted) in cases {
        assert_eq!(hash.to_string(), wanted);
    }
}

#[test]
fn other_text_is_refused() {
    let hex = empty_root().to_string();
    let long = format!("{hex}0");
    for text in ["", "zz", &hex[1..], &hex.to_uppercase(), &long, &empty_root().to_base64()] {
        assert_eq!(text.parse::<Hash>(), Err(HashError::Hex { length: text.len() }), "`{text}`");
    }
    let base64 = empty_root().to_base64();
    let non_canonical = base64.replace("FU=", "FV=");
    assert_ne!(base64, non_canonical);
    let url_safe = base64.replace('+', "-").replace('/', "_");
    for text in ["", &base64[..43], &non_canonical, &url_safe, &format!("{base64}\n"), &hex] {
        assert_eq!(Hash::from_base64(text), Err(HashError::Base64 { length: text.len() }), "`{text}`");
    }
}

proptest! {
    #[test]
    fn text_forms_round_trip(bytes: [u8; 32]) {
        let hash = Hash::from_bytes(bytes);
        prop_assert_eq!(hash.as_bytes(), &bytes);
        prop_assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        prop_assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        let json = serde_json::to_string(&hash).unwrap();
        prop_assert_eq!(&json, &format!("\"{}\"", hash.to_base64()));
        prop_assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);
    }

    #[test]
    fn parsing_never_panics(text: String) {
        let _ = text.parse::<Hash>();
        let _ = Hash::from_base64(&text);
    }
}
