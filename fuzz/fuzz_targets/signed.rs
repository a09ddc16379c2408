//! Whatever carries a signature: envelopes, bundles, what cosign wrote before them, keys. Nothing is believed that the one known key did not sign.

#![no_main]

use evidence::signed::{
    bundle::Bundle,
    cosign::{BlobSignature, SimpleSigning},
    dsse::Envelope,
    key::{Message, PublicKey},
    statement::Statement,
    trust::{Trust, TrustedRoot},
};
use libfuzzer_sys::fuzz_target;

/// The key that signed the seeds.
const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6Q/Hh7K4gZeOO62kM9c5o6o0GPwA
E3KsmsP2C1BRh9GOatSBlJy3nZtqzJizwocM4JdrUKzdyPPrSEaDiTf5XA==
-----END PUBLIC KEY-----
";
/// Where the certificates in the seeds come from.
const ROOT: &[u8] = include_bytes!("../../crates/evidence/tests/sigstore/staging.root.json");
const BLOB: &[u8] = b"hello\n";

fuzz_target!(|bytes: &[u8]| {
    let keys = [PublicKey::from_pem(KEY).expect("a key")];
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(
            Envelope::parse(envelope.encode().as_bytes()),
            Ok(envelope.clone()),
            "an envelope is read as it was written"
        );
        if let Ok(payload) = envelope.verify(&keys) {
            assert_eq!(payload.signers().len(), 1);
            let _ = Statement::open(payload);
        }
    }
    if let Ok(bundle) = Bundle::parse(bytes) {
        let root = TrustedRoot::parse(ROOT).expect("a trusted root");
        for trust in [Trust::in_keys(&keys), Trust::in_keys(&keys).and_root(&root)] {
            let _ = bundle.clone().open_message(&Message::of_bytes(BLOB), trust);
            let _ = bundle.clone().open_envelope(trust).map(Statement::open);
        }
    }
    if let Ok(signature) = BlobSignature::parse(bytes) {
        let _ = signature.verify(&Message::of_bytes(BLOB), &keys);
        let _ = signature.envelope();
    }
    assert!(!keys[0].verifies(&Message::of_bytes(b"never signed"), bytes));
    let _ = PublicKey::from_der(bytes);
    let _ = TrustedRoot::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = PublicKey::from_pem(text);
    let (annotation, layer) = text.split_once('\n').unwrap_or((text, ""));
    let _ = SimpleSigning::open(layer.as_bytes(), annotation, &keys);
});
