use proptest::prelude::*;

use super::*;

/// The example of c2sp.org/signed-note.
const SPEC_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

#[test]
fn the_vkey_of_the_specification_is_read() {
    let key: VerifierKey = SPEC_VKEY.parse().unwrap();
    assert_eq!(key.name().as_str(), "example.com/foo");
    assert_eq!(key.id().to_string(), "530d903a");
    assert_eq!(key.signature_type(), SignatureType::Ed25519);
    assert_eq!(key.to_string(), SPEC_VKEY);
}

#[test]
fn other_vkeys_are_refused() {
    let name: KeyName = "example.com/foo".parse().unwrap();
    let vkey = |byte: u8, public_key: &[u8]| {
        use base64::Engine as _;
        let material = base64::engine::general_purpose::STANDARD.encode([&[byte], public_key].concat());
        format!("example.com/foo+530d903a+{material}")
    };
    let bad_name = |name: &str| KeyError::Name { name: name.to_owned() };
    let with_id = |id: &str| SPEC_VKEY.replace("530d903a", id);
    let cases = [
        (String::new(), KeyError::Shape),
        ("example.com/foo".to_owned(), KeyError::Shape),
        ("example.com/foo+530d903a".to_owned(), KeyError::Shape),
        ("example.com/foo+530d903a+".to_owned(), KeyError::Shape),
        (with_id("530D903A"), KeyError::Shape),
        (with_id("530d903"), KeyError::Shape),
        (format!("{SPEC_VKEY}="), KeyError::Shape),
        (format!("{SPEC_VKEY}\n"), KeyError::Shape),
        (format!("+{}", &SPEC_VKEY[16..]), bad_name("")),
        (SPEC_VKEY.replace('/', " "), bad_name("example.com foo")),
        (SPEC_VKEY.replace('/', "\u{2003}"), bad_name("example.com\u{2003}foo")),
        (SPEC_VKEY.replace('/', "\n"), bad_name("example.com\nfoo")),
        (vkey(2, &[9; 91]), KeyError::UnsupportedType { name: name.clone(), byte: 2 }),
        (vkey(6, &[9; 1312]), KeyError::UnsupportedType { name: name.clone(), byte: 6 }),
        (vkey(1, &[9; 31]), KeyError::PublicKey { name: name.clone() }),
        (vkey(1, &[2; 32]), KeyError::PublicKey { name: name.clone() }),
        (vkey(1, &[0; 32]), KeyError::PublicKey { name: name.clone() }),
        (
            with_id("530d903b"),
            KeyError::IdMismatch {
                name: name.clone(),
                stated: KeyId::from_bytes([0x53, 0x0d, 0x90, 0x3b]),
                computed: KeyId::from_bytes([0x53, 0x0d, 0x90, 0x3a]),
            },
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(text.parse::<VerifierKey>(), Err(wanted), "`{text}`");
    }
    assert!("n".repeat(255).parse::<KeyName>().is_ok());
    assert_eq!("n".repeat(256).parse::<KeyName>(), Err(bad_name(&"n".repeat(64))));
}

/// RFC 8032, section 7.1, test 1: the seed and its public key.
#[test]
fn a_seed_has_the_public_key_of_rfc_8032() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let signer = SignerKey::from_seed("log", hex::decode(seed).unwrap().try_into().unwrap()).unwrap();
    assert_eq!(hex::encode(signer.verifier_key().public_key()), public_key);
    assert!(!format!("{signer:?}").contains("9d61"), "{signer:?}");
}

/// RFC 8410, section 10.3: the same key without (version 1) and with (version 2) its public key.
#[test]
fn pem_files_of_rfc_8410_are_read() {
    let public_key = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    let version_1 = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let version_2 = "-----BEGIN PRIVATE KEY-----\n\
        MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
        Z9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PRIVATE KEY-----\n";
    for pem in [version_1, version_2] {
        let signer = SignerKey::from_pkcs8_pem("log", pem).unwrap();
        assert_eq!(hex::encode(signer.verifier_key().public_key()), public_key);
        assert_eq!(*signer.to_pkcs8_pem().unwrap(), version_1);
    }
}

#[test]
fn other_pem_files_are_refused() {
    let public = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";
    for pem in ["", "not a key", public] {
        assert_eq!(SignerKey::from_pkcs8_pem("log", pem).err(), Some(KeyError::Pem));
    }
    let pem = SignerKey::from_seed("log", [1; 32]).unwrap().to_pkcs8_pem().unwrap();
    assert_eq!(SignerKey::from_pkcs8_pem("a b", &pem).err(), Some(KeyError::Name { name: "a b".to_owned() }));
}

proptest! {
    #[test]
    fn keys_round_trip(seed: [u8; 32], name in "[a-z./é]{1,20}") {
        let signer = SignerKey::from_seed(&name, seed).unwrap();
        for key in [signer.verifier_key(), signer.cosignature_key()] {
            prop_assert_eq!(key.to_string().parse::<VerifierKey>(), Ok(key));
        }
        prop_assert_ne!(signer.verifier_key().id(), signer.cosignature_key().id());
        let read = SignerKey::from_pkcs8_pem(&name, &signer.to_pkcs8_pem().unwrap()).unwrap();
        prop_assert_eq!(read.verifier_key(), signer.verifier_key());
    }

    #[test]
    fn parsing_never_panics(text: String, almost in "[a-z]{0,3}\\+[0-9a-f]{7,9}\\+[A-Za-z0-9+/]{0,50}={0,2}") {
        for text in [text, almost] {
            if let Ok(key) = text.parse::<VerifierKey>() {
                prop_assert_eq!(key.to_string(), text.clone());
            }
            let _ = SignerKey::from_pkcs8_pem("log", &text);
        }
    }
}
